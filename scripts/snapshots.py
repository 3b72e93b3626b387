"""Renew the files that are generated from tools, settings and the table of clients: python3 scripts/snapshots.py"""

import sys

import _env

# Python puts the folder that it runs on its path; pytest and mypy are told of it in pyproject.toml.
sys.exit(_env.run(_env.ready(".venv", "dev.txt", "-e", "."), "scripts/generate"))
