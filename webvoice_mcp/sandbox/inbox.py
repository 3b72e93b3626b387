"""The mail that the sandbox "sends": `.eml` files in a folder, for people and tests to read."""

import email
import itertools
import re
import secrets
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default as default_policy
from pathlib import Path
from typing import TypedDict

from starlette.exceptions import HTTPException

# The addresses that HTML's e-mail field accepts, with at least one dot in the domain. None needs quotes in a header.
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ADDRESS = re.compile(rf"[a-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@(?:{_LABEL}\.)+{_LABEL}", re.IGNORECASE)
_MAX_ADDRESS_CHARACTERS = 254


class Mail(TypedDict):
    """A message in GET /sandbox/inbox/.

    Attributes:
        code: the login code in the message, or "".
        received_at: an ISO 8601 time in UTC.
    """

    to: str
    subject: str
    body: str
    code: str
    received_at: str


class Inbox:
    """A folder of mail; created if it is missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._count = itertools.count()

    def deliver(self, to: str, subject: str, body: str, now: float, code: str = "") -> None:
        """Write a message to the folder. Its subject says that it comes from the sandbox."""
        message = EmailMessage(policy=default_policy)
        message["From"] = "WebVoice sandbox <sandbox@localhost>"
        message["To"] = to
        message["Subject"] = f"[SANDBOX] {subject}"
        message["Date"] = datetime.fromtimestamp(now, UTC)
        if code:
            message["X-WebVoice-Code"] = code
        message.set_content(body)
        # Names sort by time, then by order of delivery. The random part makes names of several processes different.
        name = f"{round(now * 1000):014d}-{next(self._count):06d}-{secrets.token_hex(3)}"
        temporary = self._folder / f"{name}.part"
        temporary.write_bytes(message.as_bytes())
        temporary.rename(self._folder / f"{name}.eml")

    def messages(self, to: str = "") -> list[Mail]:
        """Return the mail to an address, or all mail; newest last."""
        mails = [_read(path) for path in sorted(self._folder.glob("*.eml"))]
        return [mail for mail in mails if mail["to"].casefold() == to.casefold() or not to]


def parse_address(text: str) -> str:
    """Return an e-mail address in lower case.

    Raises:
        HTTPException: 400 if the text is not an address.
    """
    stripped = text.strip()
    if len(stripped) > _MAX_ADDRESS_CHARACTERS or not _ADDRESS.fullmatch(stripped):
        raise HTTPException(400, "The e-mail address is not valid. Send one such as name@example.com.")
    return stripped.lower()


def _read(path: Path) -> Mail:
    message = email.message_from_bytes(path.read_bytes(), policy=default_policy)
    return {
        "to": message["To"],
        "subject": message["Subject"],
        "body": message.get_content().rstrip("\n"),
        "code": message["X-WebVoice-Code"] or "",
        "received_at": message["Date"].datetime.isoformat().replace("+00:00", "Z"),
    }
