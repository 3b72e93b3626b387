"""What every command does first: read the settings, set up logging."""

import logging
import os
import sys

from webvoice_mcp.client.auth import without_keys
from webvoice_mcp.settings import Settings, SettingsError


class _KeylessFormatter(logging.Formatter):
    # The last line of defence: whatever is logged, by us or by a library, no key is in it.
    def __init__(self, key: str) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._key = key

    def format(self, record: logging.LogRecord) -> str:
        return without_keys(super().format(record), self._key)


def settings() -> Settings:
    """The settings in the environment, with logging set up as they say.

    Raises:
        SystemExit: code 2, after one line on stderr, when one cannot be read.
    """
    try:
        read = Settings.read(os.environ)
    except SettingsError as error:
        print(f"webvoice-mcp: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_KeylessFormatter(read.api_key))
    logging.basicConfig(level=read.log_level, handlers=[handler])
    for library in ("httpx2", "httpcore2"):  # at INFO and DEBUG they print every URL and header
        logging.getLogger(library).setLevel(logging.WARNING)
    return read
