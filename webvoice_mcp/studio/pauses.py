"""Pauses in a recording, found by how loud it is.

Loudness is a level for every 20 ms. Its unit does not matter: a louder part has a higher level.
"""

import math
from array import array
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import NamedTuple

LEVELS_PER_SECOND = 50

_PAUSE_LEVELS = 15  # 300 ms
_LONG_PAUSE_LEVELS = 30  # 600 ms; a phrase ends in every such pause
_MIN_PHRASE_SECONDS = 1.0
_QUIET_SHARE, _LOUD_SHARE = 0.05, 0.9  # of the levels that are lower than those taken as quiet and as loud
_THRESHOLD = 0.12  # of the way from quiet to loud
_LEAST_THRESHOLD = 0.05  # of the loud level; it is more than what hums and hisses in a studio


class Span(NamedTuple):
    """A part of a recording, in seconds.

    Attributes:
        start: its beginning.
        end: its end; infinite for the end of a recording of unknown length.
    """

    start: float
    end: float


class Phrase(NamedTuple):
    """A part of a recording, in seconds, and where something is heard in it.

    Attributes:
        start: its beginning, which is the end of the one before.
        end: its end.
        heard_from: the end of the silence at its start.
        heard_to: the beginning of the silence at its end; equal to `heard_from` if nothing is heard.
    """

    start: float
    end: float
    heard_from: float
    heard_to: float

    @property
    def shown(self) -> Span:
        """The time at which its words are shown: all of it if they are as soft as what counts as silence."""
        is_heard = self.heard_to > self.heard_from
        return Span(self.heard_from, self.heard_to) if is_heard else Span(self.start, self.end)


def find_pause(levels: "array[float]", wished: float, window: float = 30.0) -> float:
    """Return the middle of the quietest 300 ms that lie within the window around a place, in seconds.

    Of several that are equally quiet, it is the one nearest to the wished place.

    Args:
        levels: the loudness.
        wished: the place, in seconds.
        window: seconds before and after it.
    """
    first = max(0, math.ceil((wished - window) * LEVELS_PER_SECOND))
    last = min(len(levels), math.floor((wished + window) * LEVELS_PER_SECOND))
    if last - first < _PAUSE_LEVELS:
        return wished
    middle = _quietest(levels, first, last, wished * LEVELS_PER_SECOND)
    return middle / LEVELS_PER_SECOND


def phrases(levels: "array[float]", max_seconds: float = 15.0) -> list[Phrase]:
    """Cut a recording into phrases at its pauses. The phrases are the whole recording, and nothing is in two of them.

    A phrase ends in every pause of 0.6 s, and where it would be too long in the longest other pause; without one, in
    its quietest place. Short phrases are joined with the next one.

    Args:
        levels: the loudness of all of it.
        max_seconds: the length of the longest phrase, at least 2.
    """
    threshold = _threshold(levels)
    runs = list(_quiet_runs(levels, threshold))
    most, least = math.floor(max_seconds * LEVELS_PER_SECOND), round(_MIN_PHRASE_SECONDS * LEVELS_PER_SECOND)
    found: list[Phrase] = []
    start = 0
    for end in [*_long_pauses(runs), len(levels)]:
        while end - start > most:
            cut = _best_cut(levels, runs, start, most, least)
            found.append(_phrase(levels, start, cut, threshold))
            start = cut
        if end - start >= least or (end == len(levels) and end > start):
            found.append(_phrase(levels, start, end, threshold))
            start = end
    return found


def _quietest(levels: "array[float]", first: int, last: int, wished: float) -> int:
    """Return the middle of the quietest 300 ms between two indexes that are at least so far apart."""
    # Differences of running sums would be wrong in their last digits, which decide among silent places.
    sums = _window_sums(levels[first:last])
    index = min(range(len(sums)), key=lambda index: (sums[index], abs(first + index + _PAUSE_LEVELS / 2 - wished)))
    return first + index + _PAUSE_LEVELS // 2


def _window_sums(levels: "array[float]") -> list[float]:
    rounded = [round(level * 1e6) for level in levels]  # whole numbers, whose sums are exact
    sums = [0, *accumulate(rounded)]
    return [after - before for before, after in zip(sums, sums[_PAUSE_LEVELS:], strict=False)]


def _threshold(levels: "array[float]") -> float:
    """Return the level below which it is quiet."""
    ordered = sorted(levels)
    if not ordered:
        return 0.0
    quiet, loud = (ordered[int(share * (len(ordered) - 1))] for share in (_QUIET_SHARE, _LOUD_SHARE))
    return max(quiet + _THRESHOLD * (loud - quiet), _LEAST_THRESHOLD * loud)


def _quiet_runs(levels: "array[float]", threshold: float) -> Iterator[tuple[int, int]]:
    """Yield the first and the last index of all pauses; the last one is not part of it."""
    start: int | None = None
    for index, level in enumerate(levels):
        if level <= threshold:
            start = index if start is None else start
        elif start is not None:
            if index - start >= _PAUSE_LEVELS:
                yield start, index
            start = None


def _long_pauses(runs: list[tuple[int, int]]) -> Iterator[int]:
    for first, last in runs:
        if first and last - first >= _LONG_PAUSE_LEVELS:
            yield _place(first, last)


def _place(first: int, last: int) -> int:
    """Return where to cut in a pause: in its middle, or shortly before the end of a long one."""
    return max((first + last) // 2, last - LEVELS_PER_SECOND // 2)


def _best_cut(levels: "array[float]", runs: list[tuple[int, int]], start: int, most: int, least: int) -> int:
    """Return where to end a phrase that is too long."""
    places = [(last - first, _place(first, last)) for first, last in runs if start + least <= _place(first, last)]
    later = [(length, place) for length, place in places if start + most // 3 <= place <= start + most]
    if later:
        return max(later)[1]
    return _quietest(levels, start + most // 2, start + most, start + most)


def _phrase(levels: "array[float]", start: int, end: int, threshold: float) -> Phrase:
    heard = [index for index in range(start, end) if levels[index] > threshold]
    first, last = (heard[0], heard[-1] + 1) if heard else (start, start)
    return Phrase(*(index / LEVELS_PER_SECOND for index in (start, end, first, last)))


Check = Callable[[], None]
"""Raises an exception to end the work, such as that of a cancelled caller."""


def no_check() -> None:
    """Let the work go on."""
