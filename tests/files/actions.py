"""Short forms of the calls that most tests in this folder make."""

from collections.abc import Callable
from typing import Literal

import pytest

from webvoice_mcp.errors import WebVoiceError
from webvoice_mcp.files import Files, Output, SavedFile, Target


async def resolve(files: Files, output_path: str = "a.mp3", *suffixes: str, name_from: str = "Hello, world!") -> Target:
    return await files.resolve(Output(output_path, "tts", name_from, suffixes or (".mp3",), "audio"))


async def save(
    files: Files,
    target: Target,
    *pieces: bytes,
    suffix: str = "",
    before_publishing: Callable[[], object] = lambda: None,
) -> SavedFile:
    async with files.create(target) as file:
        for piece in pieces:
            file.write(piece)
        before_publishing()
        return await file.publish(suffix)


async def read(files: Files, path: str, family: Literal["audio", "image"] = "audio") -> bytes:
    async with files.open_input(path, family=family, argument="audio_path") as file:
        return b"".join([chunk async for chunk in file.chunks()])


async def refused_output(error: type[WebVoiceError], files: Files, output_path: str, *suffixes: str) -> str:
    """Return the message of the error that refuses this path."""
    with pytest.raises(error) as caught:
        await resolve(files, output_path, *suffixes)
    assert type(caught.value) is error
    return str(caught.value)


async def refused_input(
    error: type[WebVoiceError], files: Files, path: str, family: Literal["audio", "image"] = "audio"
) -> str:
    """Return the message of the error that refuses this file."""
    with pytest.raises(error) as caught:
        await read(files, path, family)
    assert type(caught.value) is error
    return str(caught.value)
