"""Rules for the values of parameters."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from webvoice_mcp.contract.links import is_public_link

_SIZE = re.compile(r"([1-9][0-9]{1,4})[*xX]([1-9][0-9]{1,4})")
_RATIO = re.compile(r"[1-9][0-9]?:[1-9][0-9]?")


class Rule(Protocol):
    """The values that a parameter accepts."""

    @property
    def words(self) -> str:
        """Description of the accepted values; completes "must be …"."""
        ...

    def accepts(self, value: Any) -> bool:
        """Return True if the value is accepted."""
        ...


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of the listed values."""

    values: tuple[str | int, ...]

    @property
    def words(self) -> str:
        return f"one of {', '.join(map(str, self.values))}"

    def accepts(self, value: Any) -> bool:
        return value in self.values


@dataclass(frozen=True, slots=True)
class Between:
    """A number from `least` to `most`, both included; without an upper bound if `most` is None."""

    least: float
    most: float | None = None
    unit: str = ""

    @property
    def words(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.least:g} or more{unit}" if self.most is None else f"from {self.least:g} to {self.most:g}{unit}"

    def accepts(self, value: Any) -> bool:
        return bool(value >= self.least and (self.most is None or value <= self.most))


@dataclass(frozen=True, slots=True)
class Size:
    """A canvas size, written W*H or WxH."""

    least: int = 1
    most: int | None = None

    @property
    def words(self) -> str:
        limits = f", each side {self.least} to {self.most} pixels" if self.most else ""
        return f"a size such as 1024*1024{limits}"

    def accepts(self, value: Any) -> bool:
        match = _SIZE.fullmatch(value)
        return match is not None and all(
            self.least <= int(side) <= (self.most or int(side)) for side in (match[1], match[2])
        )


@dataclass(frozen=True, slots=True)
class Ratio:
    """Any aspect ratio, written W:H."""

    @property
    def words(self) -> str:
        return "an aspect ratio such as 16:9"

    def accepts(self, value: Any) -> bool:
        return _RATIO.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class Link:
    """A public https URL."""

    @property
    def words(self) -> str:
        return "a public https URL without user name or password"

    def accepts(self, value: Any) -> bool:
        return is_public_link(value)


@dataclass(frozen=True, slots=True)
class Links:
    """A list of public https URLs."""

    most: int | None = None

    @property
    def words(self) -> str:
        return f"{f'1 to {self.most}' if self.most else 'a list of'} public https URLs without user names or passwords"

    def accepts(self, value: Any) -> bool:
        return 0 < len(value) <= (self.most or len(value)) and all(map(is_public_link, value))


@dataclass(frozen=True, slots=True)
class Anything:
    """Every value of the parameter's type."""

    @property
    def words(self) -> str:
        return "given"

    def accepts(self, value: Any) -> bool:  # noqa: ARG002 - no value is refused
        return True


SEED = Between(-1)
RESOLUTION = OneOf(("720p", "1080p"))

Rules = Mapping[str, Mapping[str, Rule]]
"""The parameters that each provider takes, with the values that each accepts."""


def complaint(rules: Rules, provider: str, given: Mapping[str, Any]) -> str:
    """Return a sentence that says what the provider does not accept, "" if it accepts everything.

    Args:
        given: parameters by name; None means that the parameter was not given.
    """
    accepted = rules[provider]
    for name, value in given.items():
        if value is None:
            continue
        if name not in accepted:
            others = ", ".join(other for other, parameters in rules.items() if name in parameters)
            return (
                f"{name} is not accepted by provider {provider}, only by {others}. "
                f"{provider} accepts: {', '.join(accepted)}."
            )
        if not accepted[name].accepts(value):
            return f"{name} must be {accepted[name].words} for provider {provider}."
    return ""


def sides(size: str) -> tuple[int, int]:
    """Return the width and height in a text that `Size` accepts."""
    width, height = re.split("[*xX]", size)
    return int(width), int(height)
