"""Renew what is generated, from the tools, the settings and the table of clients: python3 scripts/snapshots.py"""

import sys

import _env

_RENEW = """
import asyncio
from scripts import client_pages
from tests import catalogue
for name in catalogue.renew(catalogue.generated(asyncio.run(catalogue.listed()), *catalogue.kept())):
    print(name)
for name in client_pages.renew():
    print(name)
"""

sys.exit(_env.run(_env.ready(".venv", "dev.txt", "-e", "."), "-c", _RENEW))
