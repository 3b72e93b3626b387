"""The text of a file as it is read aloud: subtitles without numbers and times, Markdown without its marks."""

import html
import re
from collections.abc import Iterator

from webvoice_mcp.studio._prose import end_of_front_matter
from webvoice_mcp.studio.subtitle_files import parse_subtitles
from webvoice_mcp.studio.text import ends_sentence

__all__ = ["spoken_text"]

_COMMENT = re.compile(r"<!--(?:(?!-->|<!--).)*+-->", re.DOTALL)
_FENCE = re.compile(r"[\s>]*(?:[-*+][ \t]+)?(?P<fence>`{3,}+(?!.*`)|~{3,})")
_LINK_DEFINITION = re.compile(r" {0,3}\[(?!\^)[^\]]+\]:\s*\S")
_RULE = re.compile(r"[\s>]*(?:[-*_=|:]\s*){3,}")  # rules, lines under headings and heads of tables
_PREFIX = re.compile(r"\A[\s>]*(?:#{1,6}(?=\s)|[-*+][ \t]+(?:\[[ xX]\](?=\s))?)?\s*")
_CLOSING_MARK = re.compile(r"(?:(?<=\s)#+|\\)\s*$")
_LINK = re.compile(
    r"!?\[((?:[^\[\]\\]|\\.)*+)\]"
    r"(?:\([^()\s]*+(?:\([^()\s]*+\)[^()\s]*+)*+(?:\s+\"[^\"]*+\")?\s*+\)|\[[^\]]*+\])"
)
_FOOTNOTE = re.compile(r"\[\^[^\[\]\s]++\]:?")
_TAG = re.compile(r"</?[a-z][^<>]*>|<[\d:.]+>|\{\\[^{}]*\}", re.IGNORECASE)
_ADDRESS = re.compile(r"<((?:https?://|mailto:)[^<>\s]+)>")
_ESCAPED_OR_MARK = re.compile(r"\\(?P<escaped>[!-/:-@\[-`{-~])|~~|`+|(?P<mark>\*+|_+)")
_NESTED_LINKS = 3  # a picture inside a link, and one more


def spoken_text(text: str, suffix: str) -> str:
    """Return what is read aloud of a file.

    Args:
        text: the file's text.
        suffix: its extension. That of neither subtitles nor Markdown counts as plain text, which stays as it is.

    Raises:
        ValueError: a subtitle file is not in the format that the extension names.
    """
    text = text.removeprefix("\ufeff")
    match suffix.lower():
        case ".srt" | ".vtt" as kind:
            return "".join(_spoken_cues(parse_subtitles(text, kind).texts)).strip()
        case ".md":
            return "\n".join(_spoken_lines(_COMMENT.sub("", text[end_of_front_matter(text) :]))).strip()
        case _:
            return text


def _spoken_cues(cues: list[str]) -> Iterator[str]:
    """Yield the texts of cues, each a paragraph. One that ends within a sentence is followed by a line break only."""
    for cue in cues:
        if text := " ".join(html.unescape(_TAG.sub("", cue)).split()):
            yield text
            yield "\n\n" if ends_sentence(text) else "\n"


def _spoken_lines(text: str) -> Iterator[str]:
    fence = ""  # the mark that ends the block of code around the line
    for line in text.splitlines():
        if fence:
            if line.strip(" \t>").startswith(fence) and not line.strip(f" \t>{fence[0]}"):
                fence = ""
            else:
                yield line
        elif opened := _FENCE.match(line):
            fence = opened["fence"]
        elif _RULE.fullmatch(line) or _LINK_DEFINITION.match(line):
            yield ""
        else:
            yield _spoken_line(line)


def _spoken_line(line: str) -> str:
    if line.lstrip(" \t>").startswith("|"):
        line = ", ".join(filter(None, (cell.strip() for cell in line.strip(" \t>").split("|"))))
    line = _CLOSING_MARK.sub("", _PREFIX.sub("", line, count=1))
    for _ in range(_NESTED_LINKS):
        line = _LINK.sub(r"\1", line)
    line = _TAG.sub("", _ADDRESS.sub(r"\1", _FOOTNOTE.sub("", line)))
    return html.unescape(_ESCAPED_OR_MARK.sub(_without_mark, line))


def _without_mark(match: re.Match[str]) -> str:
    """Return an escaped sign, or a mark that stands for itself: between spaces, or inside a word or number."""
    if match["escaped"] or not match["mark"]:
        return match["escaped"] or ""
    before = match.string[max(match.start() - 1, 0) : match.start()]
    after = match.string[match.end() : match.end() + 1]
    is_word = (before.isalnum() and after.isalnum()) or not (before.strip() or after.strip())
    return match[0] if is_word else ""
