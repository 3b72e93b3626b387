"""Run the tests, with nothing installed but Python and pip: python3 scripts/test.py [--coverage | pytest options]"""

import os
import sys

import _env

_PARALLEL = ("-n", "auto", "--dist", "loadfile")  # tests of one file share a server process
_FOR_COVERAGE = ("-m", "not wide and not soak")  # slow tests and engines included
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else every process that a test starts compiles the package anew

python = _env.prepare(".venv", "dev.txt", "-e", ".")
if sys.argv[1:] == ["--coverage"]:  # takes no other options: a part of the tests covers a part of the code
    code = _env.run(python, "-m", "coverage", "run", "-m", "pytest", *_PARALLEL, *_FOR_COVERAGE)
    if code == 0:
        _env.run(python, "-m", "coverage", "combine", "-q")
        code = _env.run(python, "-m", "coverage", "report")
else:
    code = _env.run(python, "-m", "pytest", *(sys.argv[1:] or _PARALLEL))
sys.exit(code)
