"""Compressed answers are read whole, and what follows the compressed data costs neither memory nor time."""

import gzip
import itertools
import json
import tracemalloc
import zlib

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.client.helpers import MakeClient, caught, patient, translate
from tests.support import ChunkedBody
from webvoice_mcp.client.decompression import decompressed
from webvoice_mcp.errors import InvalidResponse

TEXT = "Ciao, mondo. " * 50
BODY = json.dumps({"translated_text": TEXT}).encode()


def packed(coding: str, content: bytes, size: int = 1 << 18) -> httpx2.Response:
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    return httpx2.Response(
        200,
        headers={"content-encoding": coding, "content-length": str(len(content))},
        stream=ChunkedBody(pieces),
    )


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("coding", "content"),
    [
        ("gzip", gzip.compress(BODY, mtime=0)),
        (" X-GZip", gzip.compress(BODY, mtime=0)),
        ("deflate", zlib.compress(BODY)),
        ("Deflate", raw_deflate(BODY)),
        ("gzip", gzip.compress(BODY, mtime=0) + bytes(1000)),
        ("gzip", gzip.compress(BODY, mtime=0) + b"junk" * 50_000),
        ("deflate", zlib.compress(BODY) + b"\x1fjunk" * 50_000),
        ("gzip", gzip.compress(BODY, mtime=0)[:-8]),  # without its length and check sum
        ("identity", BODY),
    ],
)
async def test_a_compressed_answer_is_read_whatever_follows_it(make: MakeClient, coding: str, content: bytes) -> None:
    client, _, _ = make(packed(coding, content))
    assert (await translate(client)).translated_text == TEXT


@given(cuts=st.lists(st.integers(0, len(BODY)), max_size=4), size=st.sampled_from([1, 7, 100, 1 << 18]))
@settings(patient, max_examples=30)
async def test_a_gzip_file_of_several_members_is_one_answer(make: MakeClient, cuts: list[int], size: int) -> None:
    marks = [0, *sorted(cuts), len(BODY)]
    members = [gzip.compress(BODY[start:end], mtime=0) for start, end in itertools.pairwise(marks)]
    client, _, _ = make(packed("gzip", b"".join(members), size))
    assert (await translate(client)).translated_text == TEXT


@pytest.mark.parametrize(
    ("coding", "content"),
    [
        ("gzip", BODY),
        ("gzip", zlib.compress(BODY)),
        ("deflate", b"\xff" * 99),
        ("gzip", gzip.compress(BODY[:9], mtime=0) + b"\x1f\x8b\x00" + BODY),
        ("gzip", gzip.compress(BODY, mtime=0)[:-8] + bytes(8)),
    ],
)
async def test_damaged_data_are_an_invalid_response(make: MakeClient, coding: str, content: bytes) -> None:
    client, _, _ = make(packed(coding, content))
    assert "could not be decompressed" in str(await caught(translate(client), InvalidResponse))


async def test_no_output_stays_behind_when_all_input_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webvoice_mcp.client.decompression._MAX_OUTPUT_BYTES", 100)
    for size in (2999, 100, 99):  # of the first, zlib reads all input while a hundred spaces are left to write
        answer = packed("deflate", raw_deflate(b" " * size))
        answer.request = httpx2.Request("GET", "https://webvoice.invalid/")
        assert await decompressed(answer).aread() == b" " * size


async def test_a_large_answer_is_decompressed_in_pieces(make: MakeClient) -> None:
    body = BODY[:-1] + b" " * (3 << 20) + b"}"
    client, _, _ = make(packed("gzip", gzip.compress(body, mtime=0)), packed("gzip", gzip.compress(b" " * (9 << 20))))
    assert (await translate(client)).translated_text == TEXT
    assert "larger than 8 MiB" in str(await caught(translate(client), InvalidResponse))


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(BODY, mtime=0) + bytes(16 << 20),
        gzip.compress(BODY, mtime=0) + gzip.compress(b"", mtime=0) * 10_000,
    ],
    ids=["zeros", "empty members"],
)
async def test_what_follows_an_answer_is_not_kept_in_memory(make: MakeClient, content: bytes) -> None:
    client, _, _ = make(packed("gzip", gzip.compress(BODY, mtime=0)), packed("gzip", content))
    await translate(client)  # loads what the first call needs
    tracemalloc.start()
    try:
        assert (await translate(client)).translated_text == TEXT
        assert tracemalloc.get_traced_memory()[1] < 2 << 20
    finally:
        tracemalloc.stop()
