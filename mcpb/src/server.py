"""Starts the server that the bundle's one dependency brings."""

import sys

from webvoice_mcp.__main__ import main

sys.exit(main())
