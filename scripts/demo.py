"""Run the demo; only Python and pip have to be installed: python3 scripts/demo.py [--output-dir DIR]"""

import sys

import _env

sys.exit(_env.run(_env.prepare(".venv-demo", "demo.txt", "."), "-m", "webvoice_mcp", "demo", *sys.argv[1:]))
