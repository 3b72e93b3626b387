"""Cutting of text: into parts for requests, and into sentences for subtitles.

Sentence marks are those of all scripts, without rules of a language: a wrong cut is only a pause.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from webvoice_mcp.studio.graphemes import is_border, last_border

__all__ = ["MAX_CHARACTERS", "MAX_CUE_WIDTH", "TextPart", "cut", "cut_spans", "ends_sentence", "sentences", "trim"]

MAX_CHARACTERS = 4000
"""Code points of one request. Started minutes of speech are billed, so parts are as long as is safe."""

MAX_CUE_WIDTH = 84
"""Letters of one subtitle: two lines of 42. Wide letters, as those of Chinese, count twice."""

_BYTE_ORDER_MARK = "\ufeff"
_UNBREAKABLE = frozenset("\u00a0\u2007\u202f")  # spaces at which no line is broken

# Marks that end a sentence if white space follows, and marks that end it whatever follows: Unicode's
# Sentence_Terminal, with the ellipsis, and the signs of Khmer and Tibetan.
_MARKS = ".!?…‼‽⁇⁈⁉\ufe52\uff0e"
_LONE_MARKS = (
    "\u0589\u061d-\u061f\u06d4\u0700-\u0702\u07f9\u0837\u0839\u083d\u083e\u0964\u0965\u0f0d-\u0f0f\u104a\u104b\u1362"
    "\u1367\u1368\u166e\u1735\u1736\u17d4\u17d5\u1803\u1809\u1944\u1945\u1aa8-\u1aab\u1b5a\u1b5b\u1b5e\u1b5f\u1c3b"
    "\u1c3c\u1c7e\u1c7f\u2e2e\u2e3c\u3002\ua4ff\ua60e\ua60f\ua6f3\ua6f7\ua876\ua877\ua8ce\ua8cf\ua92f\ua9c8\ua9c9"
    "\uaa5d-\uaa5f\uaaf0\uaaf1\uabeb\ufe56\ufe57\uff01\uff1f\uff61"
)
_CLOSERS = "\"')\\]}’”»›」』）】》〉〗〙〕］｝｣﴾﹂﹄"  # noqa: RUF001 - closing marks of other scripts
# They close in German, Danish and other languages, if white space follows.
_OPENERS_OR_CLOSERS = "“‘«‹"  # noqa: RUF001 - quotation marks
_SPACE = rf"[\s{_BYTE_ORDER_MARK}]"
_BORDER = re.compile(
    rf"(?P<lone>[{_MARKS}]*+[{_LONE_MARKS}][{_MARKS}{_LONE_MARKS}]*+[{_CLOSERS}]*+)(?P<after>{_SPACE}*+)"
    rf"|(?P<mark>[{_MARKS}]++[{_CLOSERS}{_OPENERS_OR_CLOSERS}]*+)(?P<space>{_SPACE}*+)"
    rf"|{_SPACE}++"
)
_LINE_BREAK = re.compile("\r\n|[\n\r\u2028\x0b\x85]")
_PARAGRAPH_BREAK = re.compile("[\f\u2029]")
_ZERO_WIDTH = frozenset({"Mn", "Me", "Cf"})
_NUMBER = re.compile(r"\s*\d{1,3}\.")
_TITLE = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|Prof|St|Mt|Hr|Fr|Sr|Sra|Mme|Mlle)\.$")
_LONGEST_TITLE = 6  # with its dot
_COMMA = re.compile("[,;:،؛、，；：–—]+[\"'”’»)\\]」』）]*")  # noqa: RUF001 - the commas of other scripts


@dataclass(frozen=True, slots=True)
class TextPart:
    """A part of a text.

    Attributes:
        text: the part, without white space at its ends.
        ends_paragraph: True if the text was cut at the end of a paragraph, or ends here.
    """

    text: str
    ends_paragraph: bool


class _Border(NamedTuple):
    """A place for a cut: the part before ends at `end`, the one after begins at `start`; between is white space."""

    end: int
    start: int


def cut(text: str, *, limit: int = MAX_CHARACTERS) -> list[TextPart]:
    """Cut a text into parts of at most `limit` code points, as few as can be.

    A paragraph that fits into a part is never cut, nor is a sentence or a word; what is longer than a part fills the
    part before it, too. Nothing is lost but white space at the cuts and at the ends of the text, with which a byte
    order mark counts. Inside a grapheme is cut only if this one grapheme is longer than the limit.
    """
    levels = _find_borders(text)
    paragraph_ends = {trim(text)[1], *(border.end for border in levels.paragraphs)}
    return [
        TextPart(text[start:end], ends_paragraph=end in paragraph_ends) for start, end in _spans(text, levels, limit)
    ]


def cut_spans(text: str, *, limit: int = MAX_CHARACTERS) -> list[tuple[int, int]]:
    """Return the start and end of each part that `cut` makes."""
    return list(_spans(text, _find_borders(text), limit))


def ends_sentence(text: str) -> bool:
    """Return True if the text, without white space around it, is not broken off within a sentence."""
    start, stop = trim(text)
    borders = _find_borders(f"{text[start:stop]} A").sentences
    return bool(borders) and borders[-1].end == stop - start


def sentences(text: str) -> list[str]:
    """Return the sentences as they are shown in subtitles, each on one line.

    A paragraph's end ends a sentence, too. One that is wider than two lines is split at commas, else at spaces, else
    between letters. Programs that show subtitles break lines by themselves.
    """
    start, stop = trim(text)
    found: list[str] = []
    for border in [*_find_borders(text).sentences, _Border(stop, stop)]:
        if start < border.end <= stop:
            found += _split_wide(_collapse(text[start : border.end]))
        start = max(start, border.start)
    return found


def trim(text: str) -> tuple[int, int]:
    """Return the start and end of the text without white space and byte order marks around it."""
    start, stop = 0, len(text)
    while start < stop and _is_space(text[start]) and is_border(text, start + 1):
        start += 1
    while stop > start and _is_space(text[stop - 1]):
        stop -= 1
    return start, stop


# Borders


class _Levels(NamedTuple):
    """The borders by kind. Those of one kind are also among those of the next."""

    paragraphs: list[_Border]
    sentences: list[_Border]
    spaces: list[_Border]


def _find_borders(text: str) -> _Levels:
    """Find all borders but those between two letters.

    A paragraph ends at an empty line. In a text without empty lines, it ends at the end of a line that ends a sentence.
    """
    levels = _Levels([], [], [])
    line_ends: list[_Border] = []
    started = 0  # the start of the sentence
    for match in _BORDER.finditer(text):
        end, start = match.end("lone" if match["lone"] else "mark" if match["mark"] else 0), match.end()
        if match.lastgroup is None:
            end = match.start()
        breaks = _count_line_breaks(text, end, start)
        ends_sentence = bool(match["lone"] or (match["mark"] and not _is_abbreviation(text, started, match)))
        is_gap = end < start and any(character not in _UNBREAKABLE for character in text[end:start])
        if not (match["lone"] or is_gap) or not is_border(text, start):
            continue
        border = _Border(end, start)
        levels.spaces.append(border)
        if ends_sentence or breaks > 1:
            levels.sentences.append(border)
            started = start
        if breaks > 1:
            levels.paragraphs.append(border)
        elif ends_sentence and breaks:
            line_ends.append(border)
    return levels if levels.paragraphs else levels._replace(paragraphs=line_ends)


def _count_line_breaks(text: str, start: int, end: int) -> int:
    if end - start < 2:  # most gaps are one space
        gap = text[start:end]
        return 2 if _PARAGRAPH_BREAK.match(gap) else 1 if _LINE_BREAK.match(gap) else 0
    gap = text[start:end]
    return len(_LINE_BREAK.findall(gap)) + 2 * len(_PARAGRAPH_BREAK.findall(gap))


def _is_abbreviation(text: str, started: int, match: re.Match[str]) -> bool:
    """Return True if the dot belongs to a title, such as "Dr.", or to a number at the start, such as "1."."""
    if match["mark"] != ".":
        return False
    end = match.end("mark")
    return bool(_TITLE.search(text, max(started, end - _LONGEST_TITLE), end) or _NUMBER.fullmatch(text, started, end))


def _spans(text: str, levels: _Levels, limit: int) -> Iterator[tuple[int, int]]:
    start, stop = trim(text)
    while start < stop:
        border = _next_cut(text, levels, start, stop, limit)
        yield start, border.end
        start = border.start


def _next_cut(text: str, levels: _Levels, start: int, stop: int, limit: int) -> _Border:
    """Return the border at which the part that begins at `start` ends."""
    if stop - start <= limit:
        return _Border(stop, stop)
    for borders in levels:
        place = bisect_right(borders, start + limit, key=_end_of)
        before = borders[place - 1] if place and borders[place - 1].end > start else None
        next_end = min(borders[place].end, stop) if place < len(borders) else stop
        if before and next_end - before.start <= limit:
            return before
    end = last_border(text, start, start + limit)
    return _with_gap(text, start, end, stop)


def _with_gap(text: str, start: int, end: int, stop: int) -> _Border:
    """Return a cut at `end`, widened by the white space around it."""
    after = end
    while after < stop and _is_space(text[after]) and is_border(text, after + 1):
        after += 1
    while end > start + 1 and _is_space(text[end - 1]) and is_border(text, end - 1):
        end -= 1
    return _Border(end, after)


def _end_of(border: _Border) -> int:
    return border.end


def _is_space(character: str) -> bool:
    return character.isspace() or character == _BYTE_ORDER_MARK


# Subtitles


def _collapse(text: str) -> str:
    """Return the text on one line, with one space in place of each gap that may be broken."""
    return re.sub(rf"(?![{''.join(_UNBREAKABLE)}]){_SPACE}+", " ", text).strip()


def _split_wide(sentence: str) -> Iterator[str]:
    """Yield a sentence in pieces of about equal width that fit into a subtitle."""
    widths = _running_widths(sentence)
    start, stop = 0, len(sentence)
    while (rest := widths[stop] - widths[start]) > MAX_CUE_WIDTH:
        pieces = -(-rest // MAX_CUE_WIDTH)
        end = _piece_end(sentence, widths, start, widths[start] + rest / pieces)
        yield sentence[start:end].strip()
        start = end + (sentence[end : end + 1] == " ")
    yield sentence[start:stop].strip()


def _piece_end(sentence: str, widths: Sequence[int], start: int, wished: float) -> int:
    """Return the end of a piece: after a comma or at a space near the wished width, else between two letters."""
    most = max(bisect_right(widths, widths[start] + MAX_CUE_WIDTH) - 1, start + 1)
    least = bisect_right(widths, (widths[start] + wished) / 2)
    spaces = [index for index in range(start + 1, most + 1) if sentence[index : index + 1] == " "]
    commas = [match.end() for match in _COMMA.finditer(sentence, least, most) if _splits(sentence, match)]
    for places in (commas, spaces):
        if near := [place for place in places if is_border(sentence, place, start)]:
            return min(near, key=lambda place: abs(widths[place] - wished))
    return last_border(sentence, start, min(max(bisect_right(widths, wished) - 1, start + 1), most))


def _splits(sentence: str, comma: re.Match[str]) -> bool:
    """Return True unless the comma is inside a number or word, such as 1,000."""
    after = sentence[comma.end() : comma.end() + 1]
    return after == " " or comma[0][0] > "\u02ff"


def _running_widths(text: str) -> list[int]:
    """Return the width of the text before each index."""
    widths = [0]
    for character in text:
        is_wide = unicodedata.east_asian_width(character) in {"W", "F"}
        widths.append(widths[-1] + (0 if unicodedata.category(character) in _ZERO_WIDTH else 2 if is_wide else 1))
    return widths
