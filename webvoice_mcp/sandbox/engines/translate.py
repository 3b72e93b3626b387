"""Translation by phrasebook where it can, else a stand-in that nobody can take for a translation.

The phrasebook is phrasebook.tsv: a column a language, a row a phrase, " / " between several ways to say it, the
first of which is what others are translated to. Where a phrase stands in two rows, the upper one counts.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from webvoice_mcp.sandbox.engines import InvalidInput

_ASSUMED_SOURCE = "en"  # what the service takes "auto" for
_CHINESE_STYLE = {"zh", "ja"}  # no space between sentences, full-width marks

# The marks that end a sentence. The wide ones are escaped because they look like the plain ones.
_WIDE = "\u3002\uff01\uff1f"
_MARKS = f".!?…؟{_WIDE}"
_PLAIN = str.maketrans(f"{_WIDE}؟", ".!??")
_MARKS_OF = {"zh": str.maketrans(".!?", _WIDE), "ja": str.maketrans(".!?", _WIDE), "ar": str.maketrans("?", "؟")}

# What a translator must leave alone: addresses, tags, entities, placeholders, code, emoji names.
_KEPT = (
    r"https?://\S+|[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+|</?[a-zA-Z][^<>]*>|&\#?\w{1,10};"
    r"|\{\{[^{}]*\}\}|\$?\{[^{}]*\}|%\(\w{1,40}\)[sdif]|%[sdif]|`[^`]*`|:\w{1,40}:"
)
_END = rf"(?<=[.!?…؟])\s+|(?<=[{_WIDE}])(?![{_WIDE}」』”\uff09])\s*|\n\s*"
_SPLIT = re.compile(f"{_KEPT}|(?P<end>{_END})")
_KEPT_PARTS = re.compile(f"({_KEPT})")

_LOOKALIKES = str.maketrans(
    "ABCDEFGHIJKLMNOPRSTUVWXYZabcdefghijklmnoprstuvwxyz",
    "ÅƁÇÐÉƑĜĤÎĴĶĻṀÑÖÞŔŠŢÛṼŴẊÝŽåƀçđéƒĝĥîĵķļṁñöþŕšţûṽŵẋýž",
)


def translate(text: str, source: str, target: str) -> tuple[str, str]:
    """Translate sentence by sentence; gives the translation and the provider that says how it was made.

    A sentence that the phrasebook does not know becomes `[target: šţŕåñĝé ļéţţéŕš]`, with addresses, tags and
    placeholders left as they are. `source` "" or "auto" counts as English.
    Raises InvalidInput for a language that is not among the fifteen and for blank text.
    """
    source = _ASSUMED_SOURCE if source in {"", "auto"} else source
    for language in (source, target):
        if language not in _phrasebook():
            raise InvalidInput(f"The language {language!r} is not supported: use one of {', '.join(_phrasebook())}.")
    if not text.strip():
        raise InvalidInput("There is no text to translate.")
    if source == target:
        return text, "sandbox:unchanged"
    done: list[str] = []
    ways: set[str] = set()
    for sentence, gap in _sentences(text):
        words, way = _sentence(sentence, source, target)
        done += words, _gap(gap, target)
        ways.add(way)
    return "".join(done).strip(), f"sandbox:{'+'.join(sorted(ways - {''})) or 'unchanged'}"


def _sentence(sentence: str, source: str, target: str) -> tuple[str, str]:
    if not any(character.isalpha() for character in _KEPT_PARTS.sub("", sentence)):
        return sentence, ""  # numbers, marks, addresses: the same in every language
    book = _phrasebook()
    row = book[source].get(normalize(sentence))
    if row is None:
        return f"[{target}: {_strange(sentence)}]", "pseudo"
    return _with_marks(phrases()[row][target][0], _marks(sentence), target), "phrasebook"


def _sentences(text: str) -> Iterator[tuple[str, str]]:
    """Each sentence with the white space after it."""
    start = 0
    for found in _SPLIT.finditer(text):
        if found["end"] is not None and found.end() < len(text):
            yield text[start : found.start()].rstrip(), found[0]
            start = found.end()
    yield text[start:].rstrip(), ""


def _gap(gap: str, target: str) -> str:
    if "\n" in gap:
        return gap
    return "" if target in _CHINESE_STYLE else gap or " "


def _marks(sentence: str) -> str:
    bare = sentence.rstrip()
    return bare[len(bare.rstrip(_MARKS + " ")) :].strip().translate(_PLAIN)


def _with_marks(phrase: str, marks: str, target: str) -> str:
    """The phrase with the sentence's own final marks, written as the language does; a phrase may bring its own."""
    if not marks or phrase[-1] in _MARKS:
        return phrase
    before = "¡¿"["!?".index(marks[0])] if target == "es" and marks[0] in "!?" else ""
    space = " " if target == "fr" and marks[0] in "!?" else ""
    return before + phrase + space + marks.translate(_MARKS_OF.get(target, {}))


def _strange(sentence: str) -> str:
    parts = _KEPT_PARTS.split(sentence)
    return "".join(part if index % 2 else part.translate(_LOOKALIKES) for index, part in enumerate(parts))


def normalize(phrase: str) -> str:
    """The phrase without case, punctuation and the marks that Arabic often leaves out."""
    folded = unicodedata.normalize("NFKC", phrase).casefold()
    bare = "".join(character for character in folded if unicodedata.category(character) != "Mn")
    return " ".join(re.findall(r"\w+", bare))


@cache
def phrases() -> list[dict[str, list[str]]]:
    """Return the rows of the phrasebook: by language, the phrase and its variants."""
    table = files("webvoice_mcp.sandbox.engines").joinpath("phrasebook.tsv").read_text("utf-8")
    header, *rows = (line.split("\t") for line in table.splitlines())
    return [dict(zip(header, (cell.split(" / ") for cell in row), strict=True)) for row in rows]


@cache
def _phrasebook() -> dict[str, dict[str, int]]:
    """Return the row of each phrase, by language."""
    book: dict[str, dict[str, int]] = {language: {} for language in phrases()[0]}
    for index, row in enumerate(phrases()):
        for language, ways in row.items():
            for phrase in ways:
                book[language].setdefault(normalize(phrase), index)
    return book
