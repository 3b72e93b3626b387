"""Start the server, which is the bundle's only dependency."""

import sys

from webvoice_mcp.__main__ import main

sys.exit(main())
