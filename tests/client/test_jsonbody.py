"""JSON with files in it as base64, streamed."""

import base64
import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvoice_mcp.client.jsonbody import JsonBody
from webvoice_mcp.client.multipart import FormFile
from webvoice_mcp.errors import DiskError


def part(chunks: list[bytes], size: int | None = None) -> FormFile:
    async def read() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return FormFile("images", "a.png", "image/png", len(b"".join(chunks)) if size is None else size, read)


async def sent(body: JsonBody) -> bytes:
    return b"".join([block async for block in body])


@given(st.lists(st.lists(st.binary(max_size=7), max_size=4), max_size=3), st.text())
async def test_files_stand_in_the_document_as_base64_however_they_are_cut(files: list[list[bytes]], text: str) -> None:
    parts = [part(chunks) for chunks in files]
    body = JsonBody(lambda standing_for: {"prompt": text, "images": ["https://x.y/z", *map(standing_for, parts)]})
    for _ in range(2):  # a body can be sent again
        whole = await sent(body)
        assert len(whole) == body.length
        document = json.loads(whole)
        assert document["images"] == ["https://x.y/z", *[base64.b64encode(b"".join(each)).decode() for each in files]]


@pytest.mark.parametrize("size", [2, 4])
async def test_a_file_that_changed_its_size_is_refused(size: int) -> None:
    body = JsonBody(lambda standing_for: {"images": [standing_for(part([b"abc"], size))]})
    with pytest.raises(DiskError, match=r"^a\.png changed while it was being sent"):
        await sent(body)
