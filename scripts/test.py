"""Run the tests, with nothing installed but Python and pip: python3 scripts/test.py [--coverage | pytest options]"""

import sys

import _env

_PARALLEL = ("-n", "auto", "--dist", "worksteal")  # an idle process takes tests over from a busy one

python = _env.prepare(".venv", "dev.txt", "-e", ".")
if sys.argv[1:] == ["--coverage"]:  # takes no other options: a part of the tests covers a part of the code
    code = _env.run(python, "-m", "coverage", "run", "-m", "pytest", *_PARALLEL)
    if code == 0:
        _env.run(python, "-m", "coverage", "combine", "-q")
        code = _env.run(python, "-m", "coverage", "report")
else:
    code = _env.run(python, "-m", "pytest", *(sys.argv[1:] or _PARALLEL))
sys.exit(code)
