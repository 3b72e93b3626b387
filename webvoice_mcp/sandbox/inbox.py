"""Mail that the sandbox "sends": one `.eml` file each, in a folder that a person or a test can look into."""

import email
import itertools
import re
import secrets
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default as modern
from pathlib import Path
from typing import TypedDict

from webvoice_mcp.sandbox.replies import ApiError

# An address as HTML's e-mail field takes it, with at least one dot in the domain: nothing that needs quoting in a mail.
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ADDRESS = re.compile(rf"[a-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@(?:{_LABEL}\.)+{_LABEL}", re.IGNORECASE)
_LONGEST_ADDRESS = 254


class Mail(TypedDict):
    """A message as GET /sandbox/inbox/ shows it; `code` is the login code it carries, or ""."""

    to: str
    subject: str
    body: str
    code: str
    received_at: str


class Inbox:
    """A folder of mail."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._count = itertools.count()

    def deliver(self, to: str, subject: str, body: str, now: float, code: str = "") -> None:
        """Put a message into the folder; its subject says that it comes from the sandbox."""
        message = EmailMessage(policy=modern)
        message["From"] = "WebVoice sandbox <sandbox@localhost>"
        message["To"] = to
        message["Subject"] = f"[SANDBOX] {subject}"
        message["Date"] = datetime.fromtimestamp(now, UTC)
        if code:
            message["X-WebVoice-Code"] = code
        message.set_content(body)
        # The name sorts by time, then by order of delivery; the last part keeps two processes apart.
        name = f"{round(now * 1000):014d}-{next(self._count):06d}-{secrets.token_hex(3)}"
        part = self._folder / f"{name}.part"
        part.write_bytes(message.as_bytes())
        part.rename(self._folder / f"{name}.eml")

    def messages(self, to: str = "") -> list[Mail]:
        """The mail for an address, or all of it; the newest is last."""
        mails = [_read(path) for path in sorted(self._folder.glob("*.eml"))]
        return [mail for mail in mails if mail["to"].casefold() == to.casefold() or not to]


def address(text: str) -> str:
    """A mail address in lower case.

    Raises:
        ApiError: 400 for what is none.
    """
    stripped = text.strip()
    if len(stripped) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(stripped):
        raise ApiError(400, "That is not a valid e-mail address.")
    return stripped.lower()


def _read(path: Path) -> Mail:
    message = email.message_from_bytes(path.read_bytes(), policy=modern)
    return {
        "to": message["To"],
        "subject": message["Subject"],
        "body": message.get_content().rstrip("\n"),
        "code": message["X-WebVoice-Code"] or "",
        "received_at": message["Date"].datetime.isoformat().replace("+00:00", "Z"),
    }
