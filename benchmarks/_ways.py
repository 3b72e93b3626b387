"""One way to do a thing, in a fresh process: python benchmarks/_ways.py WAY BASE_URL FILE; prints a JSON sample.

`direct` instead reads numbers from its input, makes so many small calls, and prints how long each took.
"""

import asyncio
import base64
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2
from _process import Memory, Sample

from webvoice_mcp.client.auth import Keys
from webvoice_mcp.client.client import Client
from webvoice_mcp.contract.account import STATUS
from webvoice_mcp.contract.endpoint import Empty
from webvoice_mcp.contract.video import TEXT_TO_VIDEO, TextToVideoRequest
from webvoice_mcp.files import Files, Output
from webvoice_mcp.keystore import KeyStore
from webvoice_mcp.orders._harvest import Harvest
from webvoice_mcp.settings import Settings

_VIDEO = {"prompt": "x", "provider": "seedance", "duration": 5}


async def timed(work: Awaitable[object]) -> Sample:
    """How long it took, and what it used."""
    memory = Memory("self")
    cpu, started = time.process_time(), time.perf_counter()
    await work
    return {
        "ms": (time.perf_counter() - started) * 1000,
        "CPU ms": (time.process_time() - cpu) * 1000,
        "peak MiB": memory.grown(),
    }


async def undecoded(http: httpx2.AsyncClient, path: Path) -> None:
    """The HTTP client alone."""
    with path.open("wb", buffering=0) as file:
        async with http.stream("POST", "text-to-video/", json=_VIDEO) as response:
            async for piece in response.aiter_bytes():
                file.write(piece)


async def whole(http: httpx2.AsyncClient, path: Path) -> None:
    """As it is usually done."""
    response = await http.post("text-to-video/", json=_VIDEO)
    path.write_bytes(base64.b64decode(response.json()["video"]))  # noqa: ASYNC240 - blocks, as is usual


async def form(http: httpx2.AsyncClient, path: Path) -> None:
    """An upload as it is usually done."""
    with path.open("rb") as file:
        (await http.post("stt/", files={"audio": file})).raise_for_status()


def with_httpx2(way: Callable[[httpx2.AsyncClient, Path], Awaitable[None]]) -> Callable[[str, Path], Awaitable[Sample]]:
    """This way with a client that is warm."""

    async def run(base_url: str, path: Path) -> Sample:
        async with httpx2.AsyncClient(base_url=f"{base_url}/", timeout=None) as http:
            await http.get("status/")
            return await timed(way(http, path))

    return run


async def ours(_base_url: str, path: Path) -> Sample:
    """Client and files as a tool uses them, without server and history."""
    settings = Settings.read(os.environ)
    client, files = Client(settings, Keys(settings, KeyStore(settings.credentials_file))), Files(settings)

    async def save() -> None:
        target = await files.resolve(Output(str(path), "benchmark", "", (".mp4",), "video"))
        async with files.create(target) as part:
            harvest = Harvest(part, "video")
            request = TextToVideoRequest.model_validate(_VIDEO)
            _, media = await client.download(TEXT_TO_VIDEO, request, harvest.open)
            await harvest.bring_in(media, 1)

    await client.call(STATUS, Empty())
    try:
        return await timed(save())
    finally:
        await client.aclose()


async def direct(base_url: str) -> None:
    """Small calls, one after another, as many as each line of the input says."""
    async with httpx2.AsyncClient(base_url=f"{base_url}/", timeout=None) as http:
        while line := sys.stdin.readline():
            taken = []
            for _ in range(int(line)):
                started = time.perf_counter()
                (await http.get("status/")).json()
                taken.append(time.perf_counter() - started)
            print(json.dumps(taken), flush=True)


WAYS = {"undecoded": with_httpx2(undecoded), "whole": with_httpx2(whole), "form": with_httpx2(form), "ours": ours}


async def main(way: str, base_url: str, path: str = "") -> None:
    """Go this way."""
    if way == "direct":
        await direct(base_url)
    else:
        print(json.dumps(await WAYS[way](base_url, Path(path))))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
