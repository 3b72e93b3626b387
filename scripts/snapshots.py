"""Renew what is generated from the list of tools, snapshots and the README's table: python3 scripts/snapshots.py"""

import sys

import _env

_RENEW = """
import asyncio
from tests import catalogue
readme = (catalogue.ROOT / "README.md").read_text(encoding="utf-8")
for name in catalogue.renew(catalogue.generated(asyncio.run(catalogue.listed()), readme)):
    print(name)
"""

sys.exit(_env.run(_env.ready(".venv", "dev.txt", "-e", "."), "-c", _RENEW))
