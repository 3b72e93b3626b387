"""Run the tests; only Python and pip have to be installed: python3 scripts/test.py [--coverage | pytest options]"""

import os
import sys

import _env

_PARALLEL = ("-n", "auto", "--dist", "worksteal")  # keeps most tests of a file together: they share a server process
_FOR_COVERAGE = ("-m", "not untraced and not wide and not soak")  # includes slow tests
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # with it, each process that a test starts would compile the package

python = _env.prepare(".venv", "dev.txt", "-e", ".")
if sys.argv[1:] == ["--coverage"]:  # no other options, because part of the tests would cover part of the code
    code = _env.run(python, "-m", "coverage", "run", "-m", "pytest", *_PARALLEL, *_FOR_COVERAGE)
    if code == 0:
        _env.run(python, "-m", "coverage", "combine", "-q")
        code = _env.run(python, "-m", "coverage", "report")
else:
    code = _env.run(python, "-m", "pytest", *(sys.argv[1:] or _PARALLEL))
sys.exit(code)
