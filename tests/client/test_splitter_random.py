"""The splitter beside the parsers that hold everything in memory."""

import base64
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.client.pieces import FIELDS, cut, speech, split
from webvoice_mcp.errors import InvalidResponse

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def spelt(draw: st.DrawFn, data: bytes) -> str:
    """Some honest way to write the data as the inside of a JSON string."""
    text = draw(st.sampled_from([base64.b64encode, base64.urlsafe_b64encode]))(data).decode()
    if draw(st.booleans()):
        text = text.rstrip("=")
    dice = draw(st.randoms(use_true_random=False))
    odds = draw(st.sampled_from([0, 0.02, 0.3]))
    breaks = ["\\n", "\\r\\n", " ", "\n", "\\u000a"]
    text = "".join(
        (rf"\u{ord(character):04x}" if dice.random() < odds else character)
        + (dice.choice(breaks) if dice.random() < odds else "")
        for character in text
    )
    if draw(st.booleans()):
        text = text.replace("/", "\\/")
    return draw(st.sampled_from(["", "data:image/png;base64,"])) + text


@st.composite
def answers(draw: st.DrawFn) -> tuple[bytes, dict[str, Any], dict[tuple[str, int], bytes]]:
    """An answer, the document it stands for, and its media."""
    document: dict[str, Any] = draw(st.dictionaries(st.text(max_size=8), VALUES, max_size=4))
    for name in FIELDS:
        document.pop(name, None)
    ascii_only = draw(st.booleans())
    members = [(name, json.dumps(value, ensure_ascii=ascii_only)) for name, value in document.items()]
    media: dict[tuple[str, int], bytes] = {}
    for name in draw(st.lists(st.sampled_from(["audio", "image"]), unique=True)):
        media[name, 0] = draw(st.binary(min_size=1, max_size=900))
        members.append((name, f'"{draw(spelt(media[name, 0]))}"'))
        document[name] = None
    pictures = draw(st.lists(st.binary(min_size=1, max_size=60), max_size=3))
    media |= {("images", index): picture for index, picture in enumerate(pictures)}
    members.append(("images", "[{}]".format(" , ".join(f'"{draw(spelt(picture))}"' for picture in pictures))))
    document["images"] = [None] * len(pictures)
    colon, comma = draw(st.sampled_from([(":", ","), (" : ", " ,\n\t")]))
    text = comma.join(
        json.dumps(name, ensure_ascii=ascii_only) + colon + value for name, value in draw(st.permutations(members))
    )
    return f"{{{text}}}".encode("utf-8", "surrogatepass"), document, media


@given(answer=answers(), data=st.data())
def test_random_answers_split_as_they_were_made(answer: Any, data: st.DataObject) -> None:
    body, document, media = answer
    places = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=12)))
    result = split(cut(body, places))
    assert result.document == document
    assert result.sinks == media
    assert {(each.field, each.index): each.size for each in result.media} == {k: len(v) for k, v in media.items()}


SEEDS = [
    speech(base64.b64encode(b"spoken words")),
    b'{"images":["QUJD","data:image/png;base64,QUI=","https://x.y/z",""],"image":"_-8","n":[{"a":"b"},"c\\"d\\\\"]}',
]


@st.composite
def spoilt(draw: st.DrawFn) -> list[bytes]:
    """The pieces of an answer with a few bytes put in or left out."""
    body = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(body)))
        piece = draw(st.sampled_from(["", *'{}[]:,"\\=!/A- ', "\\/", "\\n", "\\u0041", '"audio":', '"eA",']))
        body = body[:place] + piece.encode() + body[place + draw(st.integers(0, 2)) :]
    return cut(body, sorted(draw(st.lists(st.integers(0, len(body)), max_size=6))))


@settings(max_examples=500)
@example([b"[1]"])
@example([b'{"audio":1,"image":"https://x.y/z"}'])
@example([b'{"audio":null,"audio":null}'])
@example([b'{"audio":"data:text/plain,a"}'])
@example([b'{"audio":"data:audio/mpeg;base64,"}'])
@example([b'{"images":["/QUI="]}'])
@given(pieces=spoilt())
def test_a_spoilt_answer_is_judged_as_the_standard_library_judges_it(pieces: list[bytes]) -> None:
    try:
        expected = by_the_standard_library(b"".join(pieces))
    except ValueError:
        with pytest.raises(InvalidResponse):
            split(pieces)
    else:
        result = split(pieces)
        assert (result.document, result.sinks) == expected


def by_the_standard_library(body: bytes) -> tuple[Any, dict[tuple[str, int], bytes]]:
    document = json.loads(body, object_pairs_hook=without_repeats)
    sinks: dict[tuple[str, int], bytes] = {}
    for name in FIELDS.intersection(document) if isinstance(document, dict) else ():
        if isinstance(document[name], list):
            values = [taken(value, sinks, name, index) for index, value in enumerate(document[name])]
            document[name] = values
        else:
            document[name] = taken(document[name], sinks, name, 0)
    return document, sinks


def without_repeats(members: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in members if name in FIELDS]
    if len(names) != len(set(names)):
        raise ValueError
    return dict(members)


def taken(value: Any, sinks: dict[tuple[str, int], bytes], name: str, index: int) -> Any:
    if not isinstance(value, str) or not value.strip() or value.lstrip().lower().startswith(("https://", "http://")):
        return value
    text = value.lstrip()
    if text.lower().startswith("data:"):
        head, comma, text = text.partition(",")
        if not comma or not head.rstrip().lower().endswith(";base64"):
            raise ValueError
    text = text.translate(str.maketrans("-_", "+/", " \t\r\n"))
    if "=" in text and (len(text) % 4 or text.endswith("===")):
        raise ValueError  # newer Pythons refuse it by themselves
    sinks[name, index] = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    if not sinks[name, index]:
        raise ValueError
    return None
