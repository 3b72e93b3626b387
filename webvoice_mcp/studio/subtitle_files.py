"""Reading of SRT and WebVTT files: what is shown when, and texts that are replaced while all else stays as it is."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

from webvoice_mcp.studio.subtitles import Cue

__all__ = ["SubtitleFile", "cues", "parse_subtitles"]

_LINE = re.compile("[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_TIME = r"-?(?:\d{1,4}:)?\d{1,2}:\d{1,2}(?:[,.:]\d{1,3})?"
_TIMES = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s.*)?")
_TIME_PARTS = re.compile(r"(-?)(?:(\d+):)?(\d+):(\d+)(?:[,.:](\d+))?")
_NUMBER = re.compile(r"\s*\d+\s*")
_HEADER = re.compile("\ufeff?WEBVTT(?:[ \t].*)?")
_OTHER_BLOCK = re.compile(r"(?:NOTE|STYLE|REGION)(?:[ \t].*)?")
_TAG = re.compile(r"</?[A-Za-z][^<>\n]*>|<[\d:.]+>|\{\\[^{}\n]*\}")  # HTML, WebVTT's times inside a text, SSA
_TAG_OR_TEXT = re.compile(rf"(?P<tag>{_TAG.pattern})|\s+|(?:(?!{_TAG.pattern})\S)+")
_BARE_LESS = re.compile(r"<(?!/?[A-Za-z][^<>\n]*>|[\d:.]+>)")


@dataclass(frozen=True, slots=True)
class SubtitleFile:
    """A subtitle file, taken apart.

    Attributes:
        texts: the text of each cue, its lines separated by "\\n". Tags around the whole text are not part of it; those
            inside are.
    """

    texts: list[str]
    _originals: list[str]  # the texts with the file's own line ends
    _kept: list[str]  # what is before, between and after the texts
    _line_end: str
    _is_vtt: bool

    def with_texts(self, texts: list[str]) -> str:
        """Return the file with other texts, and everything else unchanged.

        Empty lines in a text are removed, because they would end its cue. If the tags inside a text are not those of
        the original, they are removed.

        Raises:
            ValueError: the number of texts is not that of the cues.
        """
        if len(texts) != len(self.texts):
            raise ValueError(f"The file has {len(self.texts)} cues, but {len(texts)} texts were given.")
        pieces = [self._kept[0]]
        for index, text in enumerate(texts):
            is_same = text == self.texts[index]
            pieces += self._originals[index] if is_same else self._fit(text, self.texts[index]), self._kept[index + 1]
        return "".join(pieces)

    def _fit(self, text: str, original: str) -> str:
        """Return a new text as it can stand in the file."""
        if _TAG.findall(text) != _TAG.findall(original):
            text = _TAG.sub("", text)
        lines = [line.strip() for line in text.splitlines()]
        text = self._line_end.join(filter(None, lines))
        if self._is_vtt:
            return _BARE_LESS.sub("&lt;", text).replace("-->", "--&gt;")
        return text.replace("-->", "→")


def parse_subtitles(text: str, suffix: str) -> SubtitleFile:
    """Take a subtitle file apart.

    Args:
        suffix: ".srt" or ".vtt".

    Raises:
        ValueError: the text is not in the format that the suffix names. The message says which line is wrong.
    """
    lines = _LINE.findall(text)
    is_vtt = suffix.lower() == ".vtt"
    spans = list(_vtt_texts(lines) if is_vtt else _srt_texts(lines))
    texts: list[str] = []
    originals: list[str] = []
    kept: list[str] = [""]
    done = 0
    for start, end in spans:
        before, inner, after = _without_outer_tags("".join(lines[start:end]))
        kept[-1] += "".join(lines[done:start]) + before
        originals.append(inner)
        texts.append(re.sub("\r\n?", "\n", inner))
        kept.append(after)
        done = end
    kept[-1] += "".join(lines[done:])
    line_end = re.search("\r\n|\n|\r", text)
    return SubtitleFile(texts, originals, kept, line_end[0] if line_end else "\n", is_vtt)


def cues(text: str, suffix: str) -> list[Cue]:
    """Return what a subtitle file shows, without tags. Cues without text are left out.

    Args:
        suffix: ".srt" or ".vtt".

    Raises:
        ValueError: the text is not in the format that the suffix names, a cue begins before the start or ends before it
            begins, or nothing is shown. The message says which line is wrong.
    """
    lines = _LINE.findall(text)
    is_vtt = suffix.lower() == ".vtt"
    found: list[Cue] = []
    for start, end in _vtt_texts(lines) if is_vtt else _srt_texts(lines):
        begin, stop = (_seconds(match) for match in islice(_TIME_PARTS.finditer(lines[start - 1]), 2))
        if begin < 0:
            raise ValueError(f"The cue in line {start} begins before 00:00:00.")
        if stop < begin:
            raise ValueError(f"The cue in line {start} ends before it begins.")
        shown = _TAG.sub("", "".join(lines[start:end]))
        shown = "\n".join(filter(None, map(str.strip, (html.unescape(shown) if is_vtt else shown).splitlines())))
        if shown:
            found.append(Cue(begin, stop, shown))
    if not found:
        raise ValueError("No cue of it has a text.")
    return found


def _seconds(time: re.Match[str]) -> float:
    sign, hours, minutes, seconds, fraction = time.groups("0")
    value = int(hours) * 3600 + int(minutes) * 60 + int(f"{seconds}{fraction.ljust(3, '0')}") / 1000
    return -value if sign == "-" else value


def _srt_texts(lines: list[str]) -> Iterator[tuple[int, int]]:
    """Yield the first line and the line after the last of each cue's text.

    A text may have empty lines inside, as players allow: it ends before the next cue's number or times.
    """
    times = [index for index in range(len(lines)) if _is_srt_time_line(lines, index)]
    first = next((index for index, line in enumerate(lines) if _content(line)), 0)
    if not times or times[0] > first + 1 or (times[0] == first + 1 and not _NUMBER.fullmatch(_content(lines[first]))):
        raise ValueError(
            f"Line {first + 1} is not the beginning of an SRT file: a number, then a line such as"
            " 00:00:01,000 --> 00:00:02,500."
        )
    for time, following in pairwise([*times, len(lines)]):
        end = following
        if end < len(lines) and end - 1 > time and _NUMBER.fullmatch(_content(lines[end - 1])):
            end -= 1
        while end > time + 1 and not _content(lines[end - 1]):
            end -= 1
        yield time + 1, end


def _vtt_texts(lines: list[str]) -> Iterator[tuple[int, int]]:
    """Yield the first line and the line after the last of each cue's text. A text ends at an empty line."""
    if not lines or not _HEADER.fullmatch(lines[0].rstrip("\r\n")):
        raise ValueError("Line 1 is not the beginning of a WebVTT file, which is WEBVTT.")
    index = 1
    while index < len(lines):
        line = lines[index].rstrip("\r\n")
        start = index = index + 1
        if "-->" in line:
            _check_times(line, start)
            while index < len(lines) and lines[index].strip("\r\n") and not _is_time_line(lines[index]):
                index += 1
            yield start, index
        elif _OTHER_BLOCK.fullmatch(line) and not lines[start - 2].strip("\r\n"):
            while index < len(lines) and lines[index].strip("\r\n"):
                index += 1


def _is_srt_time_line(lines: list[str], index: int) -> bool:
    """Return True if the line holds a cue's times. A line of text may hold an arrow, too."""
    if "-->" not in lines[index] or _is_time_line(lines[index]):
        return "-->" in lines[index]
    before = _content(lines[index - 1]) if index else ""
    if not before or (_NUMBER.fullmatch(before) and (index < 2 or not _content(lines[index - 2]))):
        _check_times(_content(lines[index]), index + 1)
    return False


def _check_times(line: str, number: int) -> None:
    if not _TIMES.fullmatch(line):
        raise ValueError(f"The times in line {number} cannot be read. They are written 00:00:01,000 --> 00:00:02,500.")


def _is_time_line(line: str) -> bool:
    return bool(_TIMES.fullmatch(_content(line)))


def _content(line: str) -> str:
    return line.strip("\ufeff \t\r\n")


def _without_outer_tags(text: str) -> tuple[str, str, str]:
    """Divide a text into the tags and white space before it, the text, and those after it."""
    words = [match for match in _TAG_OR_TEXT.finditer(text) if not (match["tag"] or match[0].isspace())]
    if not words:
        return text, "", ""
    start, end = words[0].start(), words[-1].end()
    return text[:start], text[start:end], text[end:]
