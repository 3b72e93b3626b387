"""The first step of every command that needs settings: read them and set up logging."""

import logging
import os
import sys
from typing import NoReturn

from webvoice_mcp.client.redaction import mask_keys_in, redact
from webvoice_mcp.settings import Settings, SettingsError, unknown_variables

OUTPUT_DIR, STATE_DIR = "WEBVOICE_OUTPUT_DIR", "WEBVOICE_STATE_DIR"
USAGE_ERROR = 2  # the exit code


class KeyMaskingFormatter(logging.Formatter):
    """Masks keys in everything that is logged, by this program or by a library.

    Attributes:
        keys: the keys that are masked besides whatever looks like one.
    """

    def __init__(self, key: str) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self.keys = {key}

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text without keys."""
        return mask_keys_in(super().format(record), *self.keys)


def load_settings(*needed_folders: str) -> Settings:
    """Read the settings from the environment and set up logging accordingly.

    A variable that looks like a setting and is none is told on stderr.

    Args:
        needed_folders: the settings of the folders that the command uses.

    Raises:
        SystemExit: code 2, after one line on stderr, if a setting cannot be read, or if a needed folder is not set and
            there is no home folder for it.
    """
    for name, nearest in unknown_variables(os.environ).items():
        print(f"webvoice-mcp: {describe_unknown(name, nearest)}", file=sys.stderr)
    try:
        settings = Settings.read(os.environ)
    except SettingsError as error:
        exit_with(str(error))
    if missing := [name for name in settings.unknown_folders if name in needed_folders]:
        exit_with(f"There is no home folder, so give the absolute path of a folder in {' and in '.join(missing)}.")
    set_up_logging(settings)
    return settings


def set_up_logging(settings: Settings) -> tuple[logging.Handler, KeyMaskingFormatter]:
    """Log to stderr, without keys; return the handler and its formatter."""
    handler, formatter = logging.StreamHandler(sys.stderr), KeyMaskingFormatter(settings.api_key)
    handler.setFormatter(formatter)
    logging.basicConfig(level=settings.log_level, handlers=[handler])
    for library in ("httpx2", "httpcore2"):  # at INFO and DEBUG they log every URL and header
        logging.getLogger(library).setLevel(logging.WARNING)
    return handler, formatter


def describe_unknown(name: str, nearest: str) -> str:
    """Return the sentence about a variable that looks like a setting and is none; its value is never shown."""
    return f"{redact(' '.join(name.split()))[:100]} is not a setting and has no effect. Did you mean {nearest}?"


def exit_with(message: str) -> NoReturn:
    """End the command because its settings do not allow it to run.

    Raises:
        SystemExit: code 2, after the message on stderr.
    """
    print(f"webvoice-mcp: {message}", file=sys.stderr)
    raise SystemExit(USAGE_ERROR)
