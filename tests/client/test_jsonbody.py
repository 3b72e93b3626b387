"""A streamed JSON body that holds files as base64."""

import base64
import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client.helpers import patient, sent
from webvoice_mcp.client.jsonbody import JsonBody
from webvoice_mcp.client.multipart import FormFile
from webvoice_mcp.errors import DiskError


def form_file(chunks: list[bytes], size: int | None = None) -> FormFile:
    async def read() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return FormFile("images", "a.png", "image/png", len(b"".join(chunks)) if size is None else size, read)


@patient
@given(st.lists(st.lists(st.binary(max_size=7), max_size=4), max_size=3), st.text())
async def test_files_are_base64_in_the_document_wherever_they_are_cut(files: list[list[bytes]], text: str) -> None:
    form_files = [form_file(chunks) for chunks in files]
    body = JsonBody(lambda placeholder: {"prompt": text, "images": ["https://x.y/z", *map(placeholder, form_files)]})
    for _ in range(2):  # a body can be sent again
        whole = await sent(body)
        assert len(whole) == body.length
        document = json.loads(whole)
        assert document["images"] == ["https://x.y/z", *[base64.b64encode(b"".join(file)).decode() for file in files]]


@pytest.mark.parametrize("size", [2, 4])
async def test_a_file_whose_size_changed_is_refused(size: int) -> None:
    body = JsonBody(lambda placeholder: {"images": [placeholder(form_file([b"abc"], size))]})
    with pytest.raises(DiskError, match=r"^a\.png changed while it was being sent"):
        await sent(body)
