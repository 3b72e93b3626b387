"""Finds the prose of a document, line by line: what is translated of it. All else stays as it is."""

import re
from collections.abc import Iterator

from webvoice_mcp.studio.text import MAX_CHARACTERS, cut_spans

__all__ = ["PROTECTED", "end_of_front_matter", "has_prose", "markdown_spans", "plain_spans"]

Span = tuple[int, int]

# What is inside prose and is not translated: code, comments, tags, the targets of links, addresses, placeholders.
PROTECTED = re.compile(
    r"``(?:[^`]|`(?!`))+``|`[^`]+`|<!--[^<>]*-->|</?[a-z][^<>]*>|<[\d:.]+>|\{\\[^{}]*\}|\{\{[^{}]*\}\}|\$?\{\w*\}"
    r"|\]\([^()\s]*+(?:\([^()\s]*+\)[^()\s]*+)*+(?:\s+\"[^\"]*\")?\s*\)|\]\[[^\]]*\]"
    r"|https?://[^\s<>)\]]+|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+|&\#?\w{1,10};",
    re.IGNORECASE,
)

_LINE = re.compile("([^\r\n]*)(?:\r\n|\n|\r|$)")
_PREFIX = re.compile(  # of quotes, headings, lists, tasks, footnotes, definitions
    r"[ \t\ufeff]*+(?:(?:>|\[\^[^\]\s]+\]:|(?:#{1,6}|[-*+:]|\d{1,9}[.)]|\[[ xX]\])(?=\s))[ \t]*+)*+"
)
_METADATA = re.compile(r"[\"']?[\w.$-]+[\"']?\s*[:=]|[#\[{%]|-\s")  # of YAML and TOML
_LIST_ITEM = re.compile(r"[ \t]*(?:>[ \t]*)*(?:[-*+]|\d{1,9}[.)])[ \t]")
_LINK_DEFINITION = re.compile(r"[ ]{0,3}\[(?!\^)[^\]]+\]:\s*\S")
_INDENTED = re.compile(r"(?: {4}| {0,3}\t)[ \t]*\S")
_CELL = re.compile(r"(?:\\.|`[^`]*`|[^|\\`]|`|\\)+")
_FENCE = re.compile(r"[\s>]*(?:(?:[-*+]|\d{1,9}[.)])\s+)?(?P<fence>`{3,}(?![^`]*`)|~{3,})")
_BLOCK = re.compile(r"\s*(?:(?P<comment><!--)|(?P<maths>\$\$)|<(?P<tag>script|style|pre|textarea)\b)", re.IGNORECASE)


def plain_spans(text: str) -> Iterator[Span]:
    """Yield the start and end of each piece of prose, a piece being at most a line and a request."""
    for line in _LINE.finditer(text):
        yield from _pieces(text, _end_of_prefix(text, *line.span(1)), line.end(1))


def markdown_spans(text: str) -> Iterator[Span]:
    """Yield the prose of Markdown, in the same way.

    Not prose are front matter, blocks of code, comments, formulas, and definitions of links. Cells of a table are
    pieces of their own.
    """
    start = end_of_front_matter(text)
    closing: re.Pattern[str] | None = None  # what ends the block around the line
    after_blank, in_code, in_list = True, False, False
    for line in _LINE.finditer(text, start):
        content = line[1].lstrip("\ufeff")
        if closing:
            closing = None if closing.search(content) else closing
            continue
        closing, is_block = _open_block(content)
        if is_block:
            after_blank = False
            continue
        if not content.strip():
            after_blank = True
            continue
        is_indented = bool(_INDENTED.match(content))
        in_code = is_indented and not in_list and (after_blank or in_code)
        if not is_indented:
            in_list = bool(_LIST_ITEM.match(content)) or (in_list and not after_blank)
        after_blank = False
        if not (in_code or _LINK_DEFINITION.match(content)):
            yield from _spans_of_line(text, line.start(1), line.end(1))


def has_prose(text: str) -> bool:
    """Return True if the text has a letter besides code, addresses and the like."""
    return any(character.isalpha() for character in PROTECTED.sub("", text))


def _spans_of_line(text: str, start: int, end: int) -> Iterator[Span]:
    if text[start:end].lstrip(" \t\ufeff>").startswith("|"):
        for cell in _CELL.finditer(text, start, end):
            yield from _pieces(text, cell.start(), cell.end())
        return
    start = _end_of_prefix(text, start, end)
    if text.endswith("\\", start, end):  # a line break of Markdown
        end -= 1
    yield from _pieces(text, start, end)


def _end_of_prefix(text: str, start: int, end: int) -> int:
    return next(_PREFIX.finditer(text, start, end)).end()


def _pieces(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield the part of a line without white space around it, in pieces that fit into a request."""
    spans = [(0, end - start)] if end - start <= MAX_CHARACTERS else cut_spans(text[start:end])
    for first, last in spans:
        piece = _strip(text, start + first, start + last)
        if has_prose(text[slice(*piece)]):
            yield piece


def _strip(text: str, start: int, end: int) -> Span:
    while start < end and (text[start].isspace() or text[start] == "\ufeff"):
        start += 1
    while end > start and (text[end - 1].isspace() or text[end - 1] == "\ufeff"):
        end -= 1
    return start, end


def end_of_front_matter(text: str) -> int:
    """Return the place after the block of metadata with which a document may begin.

    A mark before a line that is no metadata is a rule.
    """
    lines = _LINE.finditer(text)
    mark = next(lines)[1].lstrip("\ufeff").rstrip()
    if mark in {"---", "+++"}:
        for number, line in enumerate(lines):
            if line[1].rstrip() in {mark, "..." if mark == "---" else mark}:
                return line.end()
            if not number and not _METADATA.match(line[1]):
                break
    return 0


def _open_block(line: str) -> tuple[re.Pattern[str] | None, bool]:
    """Return the pattern that ends the block which the line opens, if it goes on, and True if it opens one."""
    if fence := _FENCE.match(line):
        mark = fence["fence"]
        return re.compile(rf"^[\s>]*{mark[0]}{{{len(mark)},}}\s*$"), True
    block = _BLOCK.match(line)
    if not block:
        return None, False
    end = "-->" if block["comment"] else r"\$\$" if block["maths"] else f"</{block['tag']}>"
    closing = re.compile(end, re.IGNORECASE)
    is_closed = closing.search(line, block.end())
    if is_closed:
        return None, not line[is_closed.end() :].strip()  # with prose after it, it is a line like others
    return closing, True
