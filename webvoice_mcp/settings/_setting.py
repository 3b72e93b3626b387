"""A setting: the description of an environment variable, with the parsing and display of its value."""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from webvoice_mcp.settings._table import Settings

T = TypeVar("T")

_UNEXPANDED = "${"  # start of a placeholder that the client did not replace with its value
_KEY = re.compile(r"wv_[^\s,;:/]+", re.IGNORECASE)
_MAX_SHOWN_CHARACTERS = 200


class SettingsError(Exception):
    """A variable has an invalid value. The message is one line: name, value (never a key) and requirement."""


class NotAccepted(Exception):
    """A kind refused a value. A message is given only where `Kind.accepted` does not explain the reason."""


def _has_placeholder(text: str, _environ: Mapping[str, str]) -> bool:
    return _UNEXPANDED in text


def _unchanged(text: str, _environ: Mapping[str, str]) -> str:
    return text


class Kind(NamedTuple, Generic[T]):
    """A kind of value, shared by the settings that take it.

    Attributes:
        parse: turns text into a value, or raises `NotAccepted`. The text has no surrounding white space, and is "" if
            there is neither a value nor a default.
        show: turns a value into text for the user.
        accepted: completes the sentence "it must be …".
        format: the MCP registry's name of the format: string, number, boolean or filepath.
        limits: the lowest and the highest number; None for a limit that does not matter in practice.
        choices: all accepted values, if there are only a few.
        redact: removes from the text what an error must not show.
        is_placeholder: tells whether the whole text stands for a value that the client did not fill in. Takes the
            environment as well.
        expand: replaces variables of the environment in the text, or raises `NotAccepted`.
    """

    parse: Callable[[str], T]
    show: Callable[[T], str]
    accepted: str
    format: str = "string"
    limits: tuple[float | None, float | None] = (None, None)
    choices: tuple[str, ...] = ()
    redact: Callable[[str], str] = str
    is_placeholder: Callable[[str, Mapping[str, str]], bool] = _has_placeholder
    expand: Callable[[str, Mapping[str, str]], str] = _unchanged


class FormField(NamedTuple):
    """A setting's label and hint in the form of the bundle for Claude Desktop."""

    title: str
    description: str


class Setting(NamedTuple):
    """One environment variable.

    Attributes:
        name: the variable's name.
        attribute: the attribute of `Settings` that holds the value.
        kind: the kind of its value.
        description: description in sentences for the user.
        default: text that is read if the variable is unset; "" for none.
        when_unset: description of the effect if the variable is unset and has no default.
        is_guard: True if it protects money or files. An unexpanded placeholder is then an error, because it would
            silently switch the guard off.
        is_secret: True if its value is never shown.
        form: its field in the bundle's form; None if the form omits it.
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
        """Return the variable's value, or its default if it is unset, blank or an unexpanded placeholder.

        Raises:
            SettingsError: the value is not accepted.
        """
        text = _text(self.name, environ)
        if self.is_placeholder(environ):
            if self.is_guard:
                raise self._error(text, f"a placeholder was left unexpanded; {self._requirement}")
            text = ""
        try:
            return self.kind.parse(self.kind.expand(text, environ) or self.default)
        except NotAccepted as error:
            raise self._error(text, str(error) or self._requirement) from None

    def is_placeholder(self, environ: Mapping[str, str]) -> bool:
        """True if the value is a placeholder that the client did not replace."""
        return self.kind.is_placeholder(_text(self.name, environ), environ)

    def describe(self, settings: "Settings") -> str:
        """Return the value in effect as text for the user: for a secret, only "set" or "none"."""
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
        # The user may have put a key into the wrong variable.
        shown = _KEY.sub("wv_…", self.kind.redact(text))[:_MAX_SHOWN_CHARACTERS]
        return SettingsError(f"{self.name}={shown!r} cannot be used: {reason}.")


def _text(name: str, environ: Mapping[str, str]) -> str:
    return environ.get(name, "").strip()
