"""The tests, from nothing but Python with pip: python3 scripts/test.py [pytest options]"""

import sys

import _env

python = _env.ready(".venv", "dev.txt", "-e", ".")
code = _env.run(python, "-m", "coverage", "run", "-m", "pytest", *(sys.argv[1:] or ["-n", "auto"]))
if code == 0 and not sys.argv[1:]:  # a part of the tests covers a part of the code
    _env.run(python, "-m", "coverage", "combine", "-q")
    code = _env.run(python, "-m", "coverage", "report")
sys.exit(code)
