"""The expected cost of a call."""

import math
import re
from dataclasses import dataclass
from typing import Self

_MAX_QUOTED_CHARACTERS = 60
# Printable for Python, and yet nothing is seen: joiners, fillers and variation selectors.
_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]")


def one_line(text: str) -> str:
    """Return the text as one line of visible characters, words separated by single spaces."""
    visible = (character if character.isprintable() else " " for character in _INVISIBLE.sub("", text))
    return " ".join("".join(visible).split())


@dataclass(frozen=True, slots=True)
class Estimate:
    """The expected cost of one call.

    The basis is part of the question that is put to the user before an expensive call. So it is always one line, and
    an argument of the caller stands in it quoted and shortened: make it with `of`.

    Attributes:
        credits: None if the cost cannot be known before the call.
        basis: reason for the number, or for having none, as part of a sentence.
    """

    credits: float | None
    basis: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "basis", one_line(self.basis))

    @classmethod
    def of(cls, credits_: float | None, basis: str, **arguments: str) -> Self:
        """Make an estimate whose basis quotes arguments of the caller.

        Args:
            basis: the sentence, with the names of `arguments` in braces.
            arguments: texts that the caller chose; each is shown on one line, in quotes, in at most 60 characters.
        """
        return cls(credits_, basis.format_map({name: _quoted(text) for name, text in arguments.items()}))


FREE = Estimate(0.0, "this call is free")


def started_units(amount: float, unit: float) -> int:
    """Return the number of billed units: a started unit counts in full, and at least one unit is billed."""
    return max(1, math.ceil(amount / unit))


def _quoted(text: str) -> str:
    line = one_line(text).replace('"', "'")
    most = _MAX_QUOTED_CHARACTERS - 2
    return f'"{line if len(line) <= most else line[: most - 1] + "…"}"'
