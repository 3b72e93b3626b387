"""The demo, from nothing but Python with pip: python3 scripts/demo.py [--output-dir DIR]"""

import sys

import _env

sys.exit(_env.run(_env.ready(".venv-demo", "demo.txt", "."), "-m", "webvoice_mcp", "demo", *sys.argv[1:]))
