"""One environment variable: its description, and how its value is read, refused and shown."""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from webvoice_mcp.settings._table import Settings

T = TypeVar("T")

_UNEXPANDED = "${"  # begins a variable that the client did not replace by its value
_KEY = re.compile(r"wv_[^\s,;:/]+", re.IGNORECASE)
_MAX_SHOWN_CHARACTERS = 200


class SettingsError(Exception):
    """A variable cannot be read. The message is one line: its name, its value (never a key) and what it must be."""


class NotAccepted(Exception):
    """A kind refused a value; the message gives the reason where `Kind.accepted` does not."""


class Kind(NamedTuple, Generic[T]):
    """A kind of value, shared by the settings that take it.

    Attributes:
        parse: turns text without surrounding blanks into a value, or raises `NotAccepted`. The text is "" where there
            is neither a value nor a default.
        show: turns a value into text for people.
        accepted: completes the sentence "it must be …".
        format: the registry's word for it: string, number, boolean or filepath.
        limits: the lowest and the highest number; None for a limit that nobody meets.
        choices: all values, where they are few.
        redact: returns the text as an error may show it.
    """

    parse: Callable[[str], T]
    show: Callable[[T], str]
    accepted: str
    format: str = "string"
    limits: tuple[float | None, float | None] = (None, None)
    choices: tuple[str, ...] = ()
    redact: Callable[[str], str] = str


class FormField(NamedTuple):
    """A setting's label and hint in the form of the bundle for Claude Desktop."""

    title: str
    description: str


class Setting(NamedTuple):
    """One environment variable.

    Attributes:
        name: of the variable.
        attribute: of `Settings`, which has the value.
        kind: what it takes.
        description: sentences for people.
        default: text that is read where the variable is unset; "" for none.
        when_unset: what holds where the variable is unset and has no default, in words.
        is_guard: True if it protects money or files. An unexpanded placeholder is then an error: the guard would be
            off without anybody knowing.
        is_secret: True if its value is never shown.
        form: its field in the bundle's form; None where the form leaves it out.
    """

    name: str
    attribute: str
    kind: Kind[Any]
    description: str
    default: str = ""
    when_unset: str = ""
    is_guard: bool = False
    is_secret: bool = False
    form: FormField | None = None

    def read(self, environ: Mapping[str, str]) -> Any:
        """Return the variable's value, or its default where it is unset, blank or an unexpanded placeholder.

        Raises:
            SettingsError: the value is not accepted.
        """
        text = environ.get(self.name, "").strip()
        if _UNEXPANDED in text:
            if self.is_guard:
                raise self._error(text, f"a placeholder was left unexpanded; {self._requirement}")
            text = ""
        try:
            return self.kind.parse(text or self.default)
        except NotAccepted as error:
            raise self._error(text, str(error) or self._requirement) from None

    def describe(self, settings: "Settings") -> str:
        """Return the value in effect as text for people; of a secret only whether there is one."""
        value = getattr(settings, self.attribute)
        if self.is_secret:
            return "set" if value else "none"
        return self.kind.show(value)

    @property
    def _requirement(self) -> str:
        return f"it must be {self.kind.accepted}" + (", or be left unset" if self.is_guard else "")

    def _error(self, text: str, reason: str) -> SettingsError:
        if self.is_secret:
            return SettingsError(f"{self.name} (not shown) cannot be used: {reason}.")
        # A key that was put into the wrong variable is still a key.
        shown = _KEY.sub("wv_…", self.kind.redact(text))[:_MAX_SHOWN_CHARACTERS]
        return SettingsError(f"{self.name}={shown!r} cannot be used: {reason}.")
