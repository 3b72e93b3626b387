"""Sums as people type them, worked out exactly."""

import re
from fractions import Fraction

_LONGEST = 200  # characters
_HIGHEST_POWER = 64
_LARGEST_BASE = 10**9
_LARGEST = 10**300  # of a result, and of its denominator
_MOST_DIGITS = 12  # of a result that is not whole

_LEAD = re.compile(
    r"(?:please\s+)?(?:what\s+is|what['\u2019]s|how\s+much\s+is|calculate|compute|work\s+out|solve)?\s*:?\s*(.+?)[\s=?.!]*",
    re.IGNORECASE | re.DOTALL,
)
_WORDS = (
    (r"(?:%|\s*percent)\s+of\b", "/100*"),
    (r"\bplus\b", "+"),
    (r"\bminus\b|\u2212", "-"),
    (r"\btimes\b|\bmultiplied\s+by\b|[\xd7\xb7]|(?<=\d)\s*x\s*(?=\d)", "*"),
    (r"\bdivided\s+by\b|\bover\b|÷", "/"),
    (r"\bto\s+the\s+power\s+of\b|\^", "**"),
    (r"(?<=\d),(?=\d{3}(?!\d))", ""),
)
_TOKEN = re.compile(r"\s*(\d+(?:\.\d+)?|\*\*|[-+*/()])")


def calculate(asked: str) -> str:
    """`sum = result` for a question that is one sum, else an empty string."""
    found = _LEAD.fullmatch(asked) if len(asked) <= _LONGEST else None
    if not found:
        return ""
    written = found[1]
    for word, sign in _WORDS:
        written = re.sub(word, sign, written, flags=re.IGNORECASE)
    tokens = _TOKEN.findall(written)
    if "".join(tokens) != "".join(written.split()) or len(tokens) < 3:
        return ""
    try:
        value = _Sum(tokens).value()
    except _NotASum:
        return ""
    except ZeroDivisionError:
        return f"{found[1]} divides by zero."
    return f"{found[1]} = {_written(value)}"


def _written(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.{_MOST_DIGITS}g}"


def _size(value: Fraction) -> int:
    return max(abs(value.numerator), value.denominator)


class _NotASum(Exception):
    """The tokens do not form a sum, or one of a size that is not worked out here."""


class _Sum:
    """A descent through sum, product, power and number; no deeper than the question is long."""

    def __init__(self, tokens: list[str]) -> None:
        self._left = tokens[::-1]

    def value(self) -> Fraction:
        value = self._sum()
        if self._left or _size(value) > _LARGEST:
            raise _NotASum
        return value

    def _next(self, *wanted: str) -> str:
        return self._left.pop() if self._left and self._left[-1] in wanted else ""

    def _sum(self) -> Fraction:
        value = self._product()
        while sign := self._next("+", "-"):
            value = value + self._product() if sign == "+" else value - self._product()
        return value

    def _product(self) -> Fraction:
        value = self._signed()
        while sign := self._next("*", "/"):
            value = value * self._signed() if sign == "*" else value / self._signed()
        return value

    def _signed(self) -> Fraction:
        if sign := self._next("+", "-"):
            return self._signed() if sign == "+" else -self._signed()
        base = self._number()
        if not self._next("**"):
            return base
        power = self._signed()
        if power.denominator != 1 or abs(power) > _HIGHEST_POWER or _size(base) > _LARGEST_BASE:
            raise _NotASum
        return base ** int(power)

    def _number(self) -> Fraction:
        if self._next("("):
            value = self._sum()
            if not self._next(")"):
                raise _NotASum
            return value
        if not self._left or not self._left[-1][0].isdigit():
            raise _NotASum
        return Fraction(self._left.pop())
