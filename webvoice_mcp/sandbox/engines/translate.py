"""Translates the sentences that are in a phrasebook; any other gets a stand-in that nobody takes for a translation.

phrasebook.tsv has a column for each language and a row for each phrase. " / " separates several ways to say it; a
translation uses the first. If a phrase is in two rows, the upper one counts.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from webvoice_mcp.sandbox.engines import InvalidInput

_DEFAULT_SOURCE = "en"  # the service's meaning of "auto"
_WITHOUT_SPACES = {"zh", "ja"}  # languages without a space between sentences

# The marks that end a sentence. The wide ones are written as escapes because they look like the plain ones.
_WIDE = "\u3002\uff01\uff1f"
_MARKS = f".!?…؟{_WIDE}"
_PLAIN = str.maketrans(f"{_WIDE}؟", ".!??")
_MARKS_OF = {"zh": str.maketrans(".!?", _WIDE), "ja": str.maketrans(".!?", _WIDE), "ar": str.maketrans("?", "؟")}

# Parts that are never translated: addresses, tags, entities, placeholders, code, emoji names.
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
    """Translate a text sentence by sentence; return the translation and a provider that names the methods used.

    A sentence that is not in the phrasebook becomes `[target: šţŕåñĝé ļéţţéŕš]`; addresses, tags and placeholders in
    it stay as they are.

    Args:
        source: a language; "" and "auto" mean English.

    Raises:
        InvalidInput: a language is not one of the fifteen, or the text is blank.
    """
    source = _DEFAULT_SOURCE if source in {"", "auto"} else source
    for language in (source, target):
        if language not in _phrasebook():
            raise InvalidInput(f"The language {language!r} is not supported. Use one of {', '.join(_phrasebook())}.")
    if not text.strip():
        raise InvalidInput("There is no text to translate. Send some text.")
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
        return sentence, ""  # numbers, marks and addresses are the same in every language
    book = _phrasebook()
    row = book[source].get(normalize(sentence))
    if row is None:
        return f"[{target}: {_use_lookalikes(sentence)}]", "pseudo"
    return _with_marks(phrases()[row][target][0], _marks(sentence), target), "phrasebook"


def _sentences(text: str) -> Iterator[tuple[str, str]]:
    """Yield each sentence with the white space after it."""
    start = 0
    for found in _SPLIT.finditer(text):
        if found["end"] is not None and found.end() < len(text):
            yield text[start : found.start()].rstrip(), found[0]
            start = found.end()
    yield text[start:].rstrip(), ""


def _gap(gap: str, target: str) -> str:
    if "\n" in gap:
        return gap
    return "" if target in _WITHOUT_SPACES else gap or " "


def _marks(sentence: str) -> str:
    bare = sentence.rstrip()
    return bare[len(bare.rstrip(_MARKS + " ")) :].strip().translate(_PLAIN)


def _with_marks(phrase: str, marks: str, target: str) -> str:
    """Return the phrase with the sentence's final marks as the language writes them, unless it has its own."""
    if not marks or phrase[-1] in _MARKS:
        return phrase
    before = "¡¿"["!?".index(marks[0])] if target == "es" and marks[0] in "!?" else ""
    space = " " if target == "fr" and marks[0] in "!?" else ""
    return before + phrase + space + marks.translate(_MARKS_OF.get(target, {}))


def _use_lookalikes(sentence: str) -> str:
    parts = _KEPT_PARTS.split(sentence)
    return "".join(part if index % 2 else part.translate(_LOOKALIKES) for index, part in enumerate(parts))


def normalize(phrase: str) -> str:
    """Return the phrase in lower case, without punctuation and without marks that Arabic often omits."""
    folded = unicodedata.normalize("NFKC", phrase).casefold()
    bare = "".join(character for character in folded if unicodedata.category(character) != "Mn")
    return " ".join(re.findall(r"\w+", bare))


@cache
def phrases() -> list[dict[str, list[str]]]:
    """Return the rows of the phrasebook; a row has the variants of the phrase by language."""
    table = files("webvoice_mcp.sandbox.engines").joinpath("phrasebook.tsv").read_text("utf-8")
    header, *rows = (line.split("\t") for line in table.splitlines())
    return [dict(zip(header, (cell.split(" / ") for cell in row), strict=True)) for row in rows]


@cache
def _phrasebook() -> dict[str, dict[str, int]]:
    """Return, by language, the number of each phrase's row."""
    book: dict[str, dict[str, int]] = {language: {} for language in phrases()[0]}
    for index, row in enumerate(phrases()):
        for language, ways in row.items():
            for phrase in ways:
                book[language].setdefault(normalize(phrase), index)
    return book
