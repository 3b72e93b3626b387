"""Translation of long texts and of documents: what is sent, and how the answers become the document again.

translatable = from_markdown(text)
for group in translatable.groups:           # a request each
    answers = group.split(translate(group.joined))
    if answers is None:                     # other lines came back than went
        answers = [translate(text) for text in group.texts]
    translations += answers
document = translatable.assemble(translations)
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Generic, TypeVar

from webvoice_mcp.studio._prose import PROTECTED, has_prose, markdown_spans, plain_spans
from webvoice_mcp.studio.graphemes import is_border
from webvoice_mcp.studio.subtitle_files import parse_subtitles
from webvoice_mcp.studio.text import MAX_CHARACTERS, cut

__all__ = ["Group", "Translatable", "from_file", "from_markdown", "from_plain_text", "from_strings", "from_subtitles"]

T = TypeVar("T")

_LINE_BREAKS = re.compile(r"[\r\n]+")
_DASH = re.compile(r"\s*[-–—‐]\s*")  # noqa: RUF001 - dashes before what a person says
_LOOSE_LINK = re.compile(r"\] ?\( *([^()\s]+) *\)")  # as translations return it at times
_WITHOUT_SPACES = re.compile("[\u2e80-\ua4cf\uf900-\ufaff\uff00-\uff60\U00020000-\U0003ffff]")


@dataclass(frozen=True, slots=True)
class Group:
    """Texts that are translated in one request; none has a line break."""

    texts: list[str]

    @property
    def joined(self) -> str:
        """The request's text: a line a text, at most 4,000 code points."""
        return "\n".join(self.texts)

    def split(self, answer: str) -> list[str] | None:
        """Return the translation of each text, or None if other lines came back than went: send each text by itself.

        Empty lines in the answer do not count.
        """
        if len(self.texts) == 1:
            return [_on_one_line(answer)]
        lines = [line.strip() for line in _LINE_BREAKS.split(answer) if line.strip()]
        return lines if len(lines) == len(self.texts) else None


class Translatable(Generic[T]):
    """A document as texts to translate.

    Attributes:
        texts: all texts in their order, each at most 4,000 code points, none with a line break. A document without
            letters has none.
        groups: the same texts, as they are sent.
    """

    def __init__(self, texts: list[str], build: Callable[[Sequence[str]], T]) -> None:
        self.texts = texts
        self.groups = list(_grouped(texts))
        self._build = build

    @property
    def requests(self) -> list[str]:
        """The text of each request."""
        return [group.joined for group in self.groups]

    def assemble(self, translations: Sequence[str]) -> T:
        """Return the translated document.

        Code, tags, addresses and link targets inside a text are put back as they were. A text whose translation is
        empty stays as it was.

        Args:
            translations: one for each of `texts`.

        Raises:
            ValueError: their number is not that of the texts.
        """
        if len(translations) != len(self.texts):
            raise ValueError(f"The document has {len(self.texts)} texts, but {len(translations)} translations came.")
        answers = map(_on_one_line, translations)
        return self._build([answer or text for answer, text in zip(answers, self.texts, strict=True)])


def from_file(text: str, suffix: str) -> Translatable[str]:
    """Take the text of a file apart by the kind that its extension names; an unknown one counts as plain text.

    Raises:
        ValueError: a subtitle file is not in the format that the extension names.
    """
    match suffix.lower():
        case ".srt" | ".vtt" as kind:
            return from_subtitles(text, kind)
        case ".md":
            return from_markdown(text)
        case _:
            return from_plain_text(text)


def from_plain_text(text: str) -> Translatable[str]:
    """Take a plain text apart by lines; empty lines, indents and the marks of lists stay."""
    return _from_spans(text, plain_spans(text))


def from_markdown(text: str) -> Translatable[str]:
    """Take Markdown apart by lines and cells; its marks, code, tags, link targets and front matter stay."""
    return _from_spans(text, markdown_spans(text))


def from_strings(strings: Sequence[str]) -> Translatable[list[str]]:
    """Take several plain texts, which share requests; their translations come in the same order."""
    parts = [from_plain_text(string) for string in strings]
    ends = list(accumulate((len(part.texts) for part in parts), initial=0))

    def build(translations: Sequence[str]) -> list[str]:
        return [part.assemble(translations[start:end]) for part, start, end in zip(parts, ends, ends[1:], strict=False)]

    return Translatable([text for part in parts for text in part.texts], build)


def from_subtitles(text: str, suffix: str) -> Translatable[str]:
    """Take a subtitle file apart; a text is all lines of a cue, or what one person says in it.

    Args:
        suffix: ".srt" or ".vtt".

    Raises:
        ValueError: the text is not in the format that the suffix names. The message says which line is wrong.
    """
    file = parse_subtitles(text, suffix)
    cues = [list(_speeches(cue)) for cue in file.texts]

    def build(translations: Sequence[str]) -> str:
        answers = iter(translations)
        spoken = [[speech.translated(answers) for speech in cue] for cue in cues]
        return file.with_texts(
            [
                original if all(speech.is_original for speech in lines) else "\n".join(speech.text for speech in lines)
                for original, lines in zip(file.texts, spoken, strict=True)
            ]
        )

    return Translatable([text for cue in cues for speech in cue for text in speech.texts], build)


def _grouped(texts: Iterable[str]) -> Iterator[Group]:
    """Yield groups of neighbouring texts that fit into a request."""
    group: list[str] = []
    characters = 0
    for text in texts:
        if group and characters + 1 + len(text) > MAX_CHARACTERS:
            yield Group(group)
            group, characters = [], 0
        characters += len(text) + (1 if group else 0)
        group.append(text)
    if group:
        yield Group(group)


def _on_one_line(answer: str) -> str:
    return " ".join(line.strip() for line in _LINE_BREAKS.split(answer) if line.strip())


def _from_spans(text: str, found: Iterable[tuple[int, int]]) -> Translatable[str]:
    spans = list(found)

    def build(translations: Sequence[str]) -> str:
        pieces: list[str] = []
        done = 0
        for (start, end), answer in zip(spans, translations, strict=True):
            restored, lost = _restore(text[start:end], answer)
            pieces += text[done:start], " ".join([restored, *lost])
            done = end
        return "".join([*pieces, text[done:]])

    return Translatable([text[start:end] for start, end in spans], build)


def _restore(source: str, answer: str) -> tuple[str, list[str]]:
    """Return the answer with code, tags and addresses as they are in the source, and those that it lost."""
    lost = [match[0] for match in PROTECTED.finditer(source)]
    if not lost:
        return answer, []
    answer = _LOOSE_LINK.sub(r"](\1)", answer)
    found = list(PROTECTED.finditer(answer))
    restored: dict[int, str] = {}
    for index, match in enumerate(found):
        same = next((token for token in lost if _key(token) == _key(match[0])), None)
        if same is not None:
            restored[index] = same
            lost.remove(same)
    changed = [index for index in range(len(found)) if index not in restored]
    if len(changed) == len(lost):  # they were translated
        restored |= dict(zip(changed, lost, strict=True))
        lost = []
    pieces: list[str] = []
    done = 0
    for index, match in enumerate(found):
        pieces += answer[done : match.start()], restored.get(index, match[0])
        done = match.end()
    return "".join([*pieces, answer[done:]]), [token.removeprefix("]") for token in lost]


def _key(token: str) -> str:
    return "".join(token.casefold().split())


# Subtitles


@dataclass(frozen=True, slots=True)
class _Translated:
    text: str
    is_original: bool


@dataclass(frozen=True, slots=True)
class _Speech:
    """Lines of a cue that belong together.

    Attributes:
        dash: the dash before them, or "".
        lines: the lines without it.
        texts: the texts to send; more than one if the lines are longer than a request.
    """

    dash: str
    lines: list[str]
    texts: list[str]

    def translated(self, answers: Iterator[str]) -> _Translated:
        """Return the lines with their translations, which are taken from `answers`."""
        own = [next(answers) for _ in self.texts]
        if own == self.texts:
            return _Translated("\n".join([self.dash + self.lines[0], *self.lines[1:]]), is_original=True)
        text = " ".join(_restore(source, answer)[0] for source, answer in zip(self.texts, own, strict=True))
        return _Translated(self.dash + "\n".join(_wrapped(text, self.lines)), is_original=False)


def _speeches(cue: str) -> Iterator[_Speech]:
    """Yield the lines of a cue, apart where several persons speak, each after a dash."""
    lines = [line.strip() for line in cue.split("\n") if line.strip()]
    if sum(bool(_DASH.match(line)) for line in lines) < 2:
        if lines:
            yield _speech("", lines)
        return
    starts = [index for index, line in enumerate(lines) if index == 0 or _DASH.match(line)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        dash = _DASH.match(lines[start])
        mark = dash[0] if dash else ""
        yield _speech(mark, [lines[start][len(mark) :], *lines[start + 1 : end]])


def _speech(dash: str, lines: list[str]) -> _Speech:
    joined = _joined(lines)
    return _Speech(dash, lines, [part.text for part in cut(joined)] if has_prose(joined) else [])


def _joined(lines: list[str]) -> str:
    return "".join(f"{gap}{line}" for gap, line in zip(_gaps(lines), lines, strict=True))


def _gaps(lines: list[str]) -> list[str]:
    """Return what goes before each line when they become one: a space, or nothing in scripts without spaces."""
    dense = [
        bool(_WITHOUT_SPACES.match(before[-1:]) and _WITHOUT_SPACES.match(line)) for before, line in pairwise(lines)
    ]
    return ["", *("" if is_dense else " " for is_dense in dense)]


def _wrapped(text: str, lines: list[str]) -> Iterator[str]:
    """Yield the text in as many lines as there were, broken at the places nearest to those of the old breaks."""
    ends = list(accumulate(len(gap) + len(line) for gap, line in zip(_gaps(lines), lines, strict=True)))
    places = [place for place in range(1, len(text)) if text[place] == " "]
    places = places or [place for place in range(1, len(text)) if is_border(text, place)]
    start = first = 0  # the start of the line, and the first place that is not used
    for end in ends[:-1]:
        wished = round(len(text) * end / ends[-1])
        after = bisect_left(places, wished, lo=first)
        near = range(max(after - 1, first), min(after + 1, len(places)))
        if not near:
            break
        chosen = min(near, key=lambda index: abs(places[index] - wished))
        yield text[start : places[chosen]].strip()
        start, first = places[chosen], chosen + 1
    yield text[start:].strip()
