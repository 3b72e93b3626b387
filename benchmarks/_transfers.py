"""Makes one transfer by one method, in a new process: python benchmarks/_transfers.py METHOD BASE_URL FILE

It prints a sample as JSON. The method `direct` is different: it reads numbers from stdin, makes that many small
requests, and prints their times.
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
from webvoice_mcp.jobs.media_writer import MediaWriter
from webvoice_mcp.keystore import KeyStore
from webvoice_mcp.settings import Settings

_VIDEO_REQUEST = {"prompt": "x", "provider": "seedance", "duration": 5}


async def timed(work: Awaitable[object]) -> Sample:
    """Await the work, and return its time, processor time and growth of peak memory."""
    memory = Memory("self")
    cpu, started = time.process_time(), time.perf_counter()
    await work
    return {
        "ms": (time.perf_counter() - started) * 1000,
        "CPU ms": (time.process_time() - cpu) * 1000,
        "peak MiB": memory.growth(),
    }


async def undecoded(http: httpx2.AsyncClient, path: Path) -> None:
    """Save a response without decoding it."""
    with path.open("wb", buffering=0) as file:
        async with http.stream("POST", "text-to-video/", json=_VIDEO_REQUEST) as response:
            async for chunk in response.aiter_bytes():
                file.write(chunk)


async def whole(http: httpx2.AsyncClient, path: Path) -> None:
    """Save a video with simple code: parse the whole JSON and decode the base64 in it."""
    response = await http.post("text-to-video/", json=_VIDEO_REQUEST)
    path.write_bytes(base64.b64decode(response.json()["video"]))  # noqa: ASYNC240 - simple code that blocks


async def form(http: httpx2.AsyncClient, path: Path) -> None:
    """Upload a file with the HTTP client's own form."""
    with path.open("rb") as file:
        (await http.post("stt/", files={"audio": file})).raise_for_status()


def with_httpx2(
    transfer: Callable[[httpx2.AsyncClient, Path], Awaitable[None]],
) -> Callable[[str, Path], Awaitable[Sample]]:
    """Return a method that times this transfer over a connection that is already open."""

    async def run(base_url: str, path: Path) -> Sample:
        async with httpx2.AsyncClient(base_url=f"{base_url}/", timeout=None) as http:
            await http.get("status/")
            return await timed(transfer(http, path))

    return run


async def ours(_base_url: str, path: Path) -> Sample:
    """Save a video with our client and files like a tool, but without the server and the history."""
    settings = Settings.read(os.environ)
    client, files = Client(settings, Keys(settings, KeyStore(settings.credentials_file))), Files(settings)

    async def save() -> None:
        target = await files.resolve(Output(str(path), "benchmark", "", (".mp4",), "video"))
        async with files.create(target) as pending:
            writer = MediaWriter(pending, "video")
            request = TextToVideoRequest.model_validate(_VIDEO_REQUEST)
            _, media = await client.download(TEXT_TO_VIDEO, request, writer.open)
            await writer.publish(media, 1)

    await client.call(STATUS, Empty())
    try:
        return await timed(save())
    finally:
        await client.aclose()


async def direct(base_url: str) -> None:
    """For each line of stdin, make that many small requests one after another, and print their times."""
    async with httpx2.AsyncClient(base_url=f"{base_url}/", timeout=None) as http:
        while line := sys.stdin.readline():
            times = []
            for _ in range(int(line)):
                started = time.perf_counter()
                (await http.get("status/")).json()
                times.append(time.perf_counter() - started)
            print(json.dumps(times), flush=True)


METHODS = {"undecoded": with_httpx2(undecoded), "whole": with_httpx2(whole), "form": with_httpx2(form), "ours": ours}


async def main(method: str, base_url: str, path: str = "") -> None:
    """Run one method."""
    if method == "direct":
        await direct(base_url)
    else:
        print(json.dumps(await METHODS[method](base_url, Path(path))))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
