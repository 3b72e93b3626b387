"""Run the demo, with nothing installed but Python and pip: python3 scripts/demo.py [--output-dir DIR]"""

import sys

import _env

sys.exit(_env.run(_env.prepare(".venv-demo", "demo.txt", "."), "-m", "webvoice_mcp", "demo", *sys.argv[1:]))
