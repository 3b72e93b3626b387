"""No arrangement of invisible characters shows a key or hides text, and ordinary text stays as it is."""

import re
import unicodedata
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.client.helpers import patient
from webvoice_mcp.client.redaction import RedactingStream, mask_key, redact, redact_document, sanitize

FORBIDDEN = [
    *[chr(code) for code in [*range(0x20), *range(0x7F, 0xA0)] if chr(code) not in "\t\n"],
    *map(chr, range(0x202A, 0x202F)),
    *map(chr, range(0x2066, 0x206A)),
    *map(chr, range(0xE0000, 0xE0080)),
]
INVISIBLE = [
    character
    for character in map(chr, range(0x110000))
    if unicodedata.category(character) in {"Cf", "Cc", "Zs", "Zl", "Zp"}
    or re.match("[\ufe00-\ufe0f\U000e0100-\U000e01ef\u034f\u115f\u1160\u180b-\u180f\u3164\uffa0\u2800]", character)
]
KEYS = st.sampled_from(["sk-Z93kd0WQmmx871pq", "wv_a7Kq_9-xQ42mnopz", "plainpassword", "a.b*c+d[e]f(g)\\h$i^j"])
LEGITIMATE = [
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 \u2764\ufe0f \U0001f3f3\ufe0f\u200d\U0001f308",
    "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \u06a9\u062a\u0627\u0628\u200c\u0647\u0627",  # Persian
    "\u0634\u0631\u0643\u0629 ABC\u200f! \u061c1-2",  # Arabic with marks
    "\u05e9\u05dc\u05d5\u05dd C++\u200e \u05d4\u05d9\u05d0\u200f",  # Hebrew with marks
    "\u0915\u094d\u200d\u0937 \u0915\u094d\u200c\u0937",  # Devanagari
    "\u0e20\u0e32\u0e29\u0e32\u200b\u0e44\u0e17\u0e22 co\u00adoperate\u2060\ttab\nline\u2028end",
]


async def streamed(pieces: list[str], key: str) -> str:
    shown: list[str] = []

    async def on_text(piece: str) -> None:
        shown.append(piece)

    stream = RedactingStream(key, on_text)
    for piece in pieces:
        await stream.feed(piece)
    await stream.finish()
    return "".join(shown)


def cut(data: st.DataObject, text: str) -> list[str]:
    offsets = [0, *sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8))), len(text)]
    return [text[start:end] for start, end in pairwise(offsets)]


def visible(text: str) -> str:
    return "".join(character for character in text if character not in set(INVISIBLE))


@given(data=st.data(), key=KEYS, around=st.tuples(st.text(max_size=9), st.text(max_size=9)))
@settings(patient)
async def test_a_key_split_by_invisible_characters_never_shows(
    data: st.DataObject, key: str, around: tuple[str, str]
) -> None:
    fillers = st.lists(st.sampled_from(INVISIBLE), max_size=3).map("".join)
    split = "".join(letter + data.draw(fillers) for letter in key[:-1]) + key[-1]
    text = f"{around[0]} {split} {around[1]}"
    document: Any = redact_document({text: [text]}, key)
    for shown in (redact(text, key), *document, *document.values(), await streamed(cut(data, text), key)):
        assert key not in visible(str(shown))
        assert mask_key(key) in str(shown)


@given(data=st.data(), key=KEYS)
@settings(patient)
async def test_no_spelling_of_a_key_shows(data: st.DataObject, key: str) -> None:
    def spellings(letter: str) -> list[str]:
        code = f"{ord(letter):02x}"
        codes = [f"%{code.upper()}", f"\\x{code}", f"\\u00{code}", f"&#{ord(letter)};", f"&#x{code}"]
        return [letter, letter.swapcase(), letter + "\ufffd", *codes, *([] if "\\" in key else ["\\" + letter])]

    text = f"is {''.join(data.draw(st.sampled_from(spellings(letter))) for letter in key)} yours?"
    for shown in (redact(text, key), await streamed(cut(data, text), key)):
        left, masked, right = shown.partition(mask_key(key))
        assert masked
        assert left.strip("\\ ") == "is"
        assert right.strip("\ufffd; ") == "yours?"


@given(data=st.data(), text=st.lists(st.sampled_from([*LEGITIMATE, "word ", "\u4f60\u597d"]), max_size=6).map("".join))
@settings(patient)
async def test_exactly_the_forbidden_characters_are_taken_out(data: st.DataObject, text: str) -> None:
    noise = st.lists(st.sampled_from([character for character in FORBIDDEN if character != "\x1b"]), max_size=2)
    noisy = "".join(character + "".join(data.draw(noise)) for character in text)
    assert sanitize(noisy) == text == sanitize(text)
    assert await streamed(cut(data, noisy), "sk-Z93kd0WQmmx871pq") == text


@given(st.text(st.sampled_from([*FORBIDDEN, *"[]m;01\\ab \n"])))
@settings(patient)
async def test_nothing_forbidden_stays_however_it_is_combined(text: str) -> None:
    shown = sanitize(text)
    assert not set(shown) & set(FORBIDDEN)
    assert sanitize(shown) == shown
    assert not set(await streamed(list(text), "key-1")) & set(FORBIDDEN)


@given(data=st.data(), text=st.text(st.sampled_from("ab\x1b[]31m;\x07\\ ")))
@settings(patient)
async def test_a_stream_cut_anywhere_shows_what_the_whole_text_shows(data: st.DataObject, text: str) -> None:
    assert await streamed(cut(data, text), "") == sanitize(text)


async def test_a_long_run_of_invisible_characters_inside_a_key_is_not_kept() -> None:
    shown = await streamed(["sk-1", *["\u200b" * 900] * 3, "234567890123"], "sk-1234567890123")
    assert shown == mask_key("sk-1234567890123")


@settings(max_examples=30)
@given(KEYS, st.integers(0, 80), st.sampled_from(["word. ", "word\n", "\u200b"]))
def test_a_key_in_a_long_text_is_masked_wherever_it_stands(key: str, before: int, filler: str) -> None:
    """Long texts are searched in slices; a key that one of their ends cut would stay."""
    spaced = "\u200b \n".join(key)
    start = (filler * 20_000)[: (64 << 10) - before]
    text = redact(f"{start}{spaced}{filler * 20_000}", key)
    assert text.count(mask_key(key)) == 1
    assert key[:6] not in text.translate({0x200B: None, 0x20: None, 0x0A: None})
