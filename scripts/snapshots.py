"""Update the files that are generated from tools, settings and the table of clients: python3 scripts/snapshots.py"""

import sys

import _env

# Python puts the folder that it runs on its path. For pytest and mypy, pyproject.toml names the folder.
sys.exit(_env.run(_env.prepare(".venv", "dev.txt", "-e", "."), "scripts/generate"))
