"""The result of one check."""

from dataclasses import dataclass, replace

from webvoice_mcp.client.redaction import redact

GET_A_KEY = "Run `webvoice-mcp login`, or ask your agent to register you, or set WEBVOICE_API_KEY."

_NAME_WIDTH = 30  # characters; the longest name is WEBVOICE_MAX_CREDITS_PER_MONTH
_CURE_INDENT = _NAME_WIDTH + 10


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check.

    Attributes:
        name: the subject.
        ok: False if the user should do something. True for a check that only informs.
        detail: the finding.
        cure: advice if `ok` is False.
        was_run: False if another failure prevented the check.
        is_warning: True if nothing fails because of it, yet the user has probably made a mistake.
    """

    name: str
    ok: bool
    detail: str
    cure: str = ""
    was_run: bool = True
    is_warning: bool = False

    def redact(self, *keys: str) -> "Check":
        """Return the check without keys, terminal control sequences and line breaks: parts of it come from outside."""
        detail, cure = (" ".join(redact(text, *keys).splitlines()) for text in (self.detail, self.cure))
        return replace(self, detail=detail, cure=cure)

    def to_json(self) -> dict[str, str | bool]:
        """Return the check as an object for JSON."""
        fields: dict[str, str | bool] = {"check": self.name, "ok": self.ok, "detail": self.detail}
        fields |= {"warning": True} if self.is_warning else {}
        return fields | ({"cure": self.cure} if self.cure else {})

    def to_text(self) -> str:
        """Return the check as a line of text, with the cure on a second line."""
        state = "warn" if self.is_warning else "ok" if self.ok else "FAILED" if self.was_run else "-"
        line = f"{state:6}  {self.name:{_NAME_WIDTH}}  {self.detail}"
        return f"{line}\n{'':{_CURE_INDENT}}{self.cure}" if self.cure else line
