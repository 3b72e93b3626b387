"""The splitter, compared with the standard library on random answers."""

import base64
import json
import random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.client.helpers import patient
from tests.client.splitting import FIELDS, cut, speech, split
from webvoice_mcp.errors import InvalidResponse

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def spellings(draw: st.DrawFn, data: bytes) -> str:
    """Generate a correct spelling of the data as the inside of a JSON string."""
    text = draw(st.sampled_from([base64.b64encode, base64.urlsafe_b64encode]))(data).decode()
    if draw(st.booleans()):
        text = text.rstrip("=")
    rng = random.Random(draw(st.integers(0, 2**32)))
    odds = draw(st.sampled_from([0, 0.02, 0.3]))
    breaks = ["\\n", "\\r\\n", " ", "\n", "\\u000a"]
    text = "".join(
        (rf"\u{ord(character):04x}" if rng.random() < odds else character)
        + (rng.choice(breaks) if rng.random() < odds else "")
        for character in text
    )
    if draw(st.booleans()):
        text = text.replace("/", "\\/")
    return draw(st.sampled_from(["", "data:image/png;base64,"])) + text


@st.composite
def answers(draw: st.DrawFn) -> tuple[bytes, dict[str, Any], dict[tuple[str, int], bytes]]:
    """Generate an answer, its document, and its media."""
    document: dict[str, Any] = draw(st.dictionaries(st.text(max_size=8), VALUES, max_size=4))
    for name in FIELDS:
        document.pop(name, None)
    ascii_only = draw(st.booleans())
    members = [(name, json.dumps(value, ensure_ascii=ascii_only)) for name, value in document.items()]
    media: dict[tuple[str, int], bytes] = {}
    for name in draw(st.lists(st.sampled_from(["audio", "image"]), unique=True)):
        media[name, 0] = random.Random(draw(st.integers(0, 2**32))).randbytes(draw(st.integers(1, 900)))
        members.append((name, f'"{draw(spellings(media[name, 0]))}"'))
        document[name] = None
    pictures = draw(st.lists(st.binary(min_size=1, max_size=60), max_size=3))
    media |= {("images", index): picture for index, picture in enumerate(pictures)}
    members.append(("images", "[{}]".format(" , ".join(f'"{draw(spellings(picture))}"' for picture in pictures))))
    document["images"] = [None] * len(pictures)
    colon, comma = draw(st.sampled_from([(":", ","), (" : ", " ,\n\t")]))
    text = comma.join(
        json.dumps(name, ensure_ascii=ascii_only) + colon + value for name, value in draw(st.permutations(members))
    )
    return f"{{{text}}}".encode("utf-8", "surrogatepass"), document, media


@pytest.mark.slow
@patient
@given(answer=answers(), data=st.data())
def test_random_answers_are_split_into_their_original_parts(answer: Any, data: st.DataObject) -> None:
    body, document, media = answer
    offsets = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=12)))
    result = split(cut(body, offsets))
    assert result.document == document
    assert result.sinks == media
    assert {(item.field, item.index): item.size for item in result.media} == {k: len(v) for k, v in media.items()}


SEEDS = [
    speech(base64.b64encode(b"spoken words")),
    b'{"images":["QUJD","data:image/png;base64,QUI=","https://x.y/z",""],"image":"_-8","n":[{"a":"b"},"c\\"d\\\\"]}',
]


@st.composite
def garbled(draw: st.DrawFn) -> list[bytes]:
    """Generate the pieces of an answer with a few bytes inserted or removed."""
    body = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(body)))
        piece = draw(st.sampled_from(["", *'{}[]:,"\\=!/A- ', "\\/", "\\n", "\\u0041", '"audio":', '"eA",']))
        body = body[:at] + piece.encode() + body[at + draw(st.integers(0, 2)) :]
    return cut(body, sorted(draw(st.lists(st.integers(0, len(body)), max_size=6))))


@pytest.mark.slow
@settings(patient, max_examples=300)
@example([b"[1]"])
@example([b'{"audio":1,"image":"https://x.y/z"}'])
@example([b'{"audio":null,"audio":null}'])
@example([b'{"audio":"data:text/plain,a"}'])
@example([b'{"audio":"data:audio/mpeg;base64,"}'])
@example([b'{"images":["/QUI="]}'])
@given(pieces=garbled())
@pytest.mark.untraced
def test_a_garbled_answer_is_treated_as_by_the_standard_library(pieces: list[bytes]) -> None:
    try:
        expected = split_whole(b"".join(pieces))
    except ValueError:
        with pytest.raises(InvalidResponse):
            split(pieces)
    else:
        result = split(pieces)
        assert (result.document, result.sinks) == expected


def split_whole(body: bytes) -> tuple[Any, dict[tuple[str, int], bytes]]:
    """Split an answer with the standard library, as a whole."""
    document = json.loads(body, object_pairs_hook=refuse_repeated_media)
    sinks: dict[tuple[str, int], bytes] = {}
    for name in FIELDS.intersection(document) if isinstance(document, dict) else ():
        if isinstance(document[name], list):
            values = [extract(value, sinks, name, index) for index, value in enumerate(document[name])]
            document[name] = values
        else:
            document[name] = extract(document[name], sinks, name, 0)
    return document, sinks


def refuse_repeated_media(members: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in members if name in FIELDS]
    if len(names) != len(set(names)):
        raise ValueError
    return dict(members)


def extract(value: Any, sinks: dict[tuple[str, int], bytes], name: str, index: int) -> Any:
    if not isinstance(value, str) or not value.strip() or value.lstrip().lower().startswith(("https://", "http://")):
        return value
    text = value.lstrip()
    if text.lower().startswith("data:"):
        head, comma, text = text.partition(",")
        if not comma or not head.rstrip().lower().endswith(";base64"):
            raise ValueError
    text = text.translate(str.maketrans("-_", "+/", " \t\r\n"))
    if "=" in text and (len(text) % 4 or text.endswith("===")):
        raise ValueError  # newer Pythons refuse it themselves
    sinks[name, index] = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    if not sinks[name, index]:
        raise ValueError
    return None
