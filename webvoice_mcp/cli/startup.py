"""The first step of every command that needs settings: read them and set up logging."""

import logging
import os
import sys

from webvoice_mcp.client.redaction import mask_keys_in
from webvoice_mcp.settings import Settings, SettingsError


class _KeyMaskingFormatter(logging.Formatter):
    """Masks keys in everything that is logged, by this program or by a library."""

    def __init__(self, key: str) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._key = key

    def format(self, record: logging.LogRecord) -> str:
        return mask_keys_in(super().format(record), self._key)


def load_settings() -> Settings:
    """Read the settings from the environment and set up logging accordingly.

    Raises:
        SystemExit: code 2, after one line on stderr, if a setting cannot be read.
    """
    try:
        settings = Settings.read(os.environ)
    except SettingsError as error:
        print(f"webvoice-mcp: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_KeyMaskingFormatter(settings.api_key))
    logging.basicConfig(level=settings.log_level, handlers=[handler])
    for library in ("httpx2", "httpcore2"):  # at INFO and DEBUG they log every URL and header
        logging.getLogger(library).setLevel(logging.WARNING)
    return settings
