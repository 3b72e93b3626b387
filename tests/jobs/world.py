"""Shared by the tests of jobs: every paid tool, and a service that fails at a chosen moment."""

import io
import json
import re
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import httpx2
from mcp import Client

from tests.files.samples import MP3_BYTES, PNG_BYTES, mp4_bytes, wav_bytes
from tests.support import base64_text, failed, fields
from webvoice_mcp.contract.translation import TRANSLATION_PRICE
from webvoice_mcp.studio.mp3 import join
from webvoice_mcp.studio.mp3_silence import Silence

MP4_BYTES = mp4_bytes(b"isom", b"vide")
NARRATED = bytearray()
join([io.BytesIO(MP3_BYTES), Silence(0)], NARRATED.extend)
RECORDING = wav_bytes(8000)  # a second
PATIENCE = 60.0  # seconds that a test waits for an event; a busy machine is slow
PROMPT = "a secret garden at dawn"


@dataclass(frozen=True, slots=True)
class Paid:
    """One paid tool.

    Attributes:
        arguments: the required ones, and where the result goes.
        path: path of its endpoint.
        answer: the service's answer.
        credits: cost, as the answer says.
        estimate: credits that the call is expected to cost.
        file: name of the file that it makes, "" for none.
        content: content of that file.
        outlives: True if it goes on without its caller.
    """

    tool: str
    arguments: dict[str, Any]
    path: str
    answer: dict[str, Any]
    credits: float
    estimate: float
    file: str = ""
    content: bytes = b""
    outlives: bool = True


def _chat(tool: str, estimate: float) -> Paid:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Good day to you"}, "finish_reason": "stop"}
    answer = {"id": "c1", "choices": [choice], "webvoice": {"credits_used": 1.5, "credits_remaining": 9.0}}
    return Paid(tool, {"prompt": PROMPT}, "chat/completions/", answer, 1.5, estimate, outlives=False)


def _made(tool: str, path: str, arguments: dict[str, Any], estimate: float, field: str, file: str) -> Paid:
    content = {"audio": MP3_BYTES, "image": PNG_BYTES, "video": MP4_BYTES}[field]
    answer = {"success": True, field: base64_text(content), "credits_used": 0.75, "credits_remaining": 9.0}
    return Paid(tool, {**arguments, "output_path": file}, path, answer, 0.75, estimate, file, content)


def _transcribed(tool: str) -> Paid:
    answer = {"success": True, "text": "Good day", "language": "en", "duration": 1.0, "credits_used": 0.25}
    arguments = {"audio_path": "talk.wav", "output_path": "talk.txt"}
    return Paid(tool, arguments, "stt/", answer, 0.25, 0.3, "talk.txt", b"Good day")


_PROMPT = {"prompt": PROMPT}
_TRANSLATION = {"translated_text": "Buongiorno", "credits_used": 0.05}

PAID = (
    _chat("webvoice_chat", 2.0),
    _chat("webvoice_deepinfra_chat", 3.0),
    _made("webvoice_tts", "tts/", {"text": PROMPT}, 0.5, "audio", "made.mp3"),
    replace(_made("webvoice_narrate", "tts/", {"text": PROMPT}, 0.5, "audio", "made.mp3"), content=bytes(NARRATED)),
    _transcribed("webvoice_stt"),
    _transcribed("webvoice_whisper_fast_stt"),
    Paid(
        "webvoice_translate",
        {"text": PROMPT, "target_language": "it"},
        "translation/",
        _TRANSLATION,
        0.05,
        TRANSLATION_PRICE.credits,
        outlives=False,
    ),
    _made("webvoice_image", "image/", _PROMPT, 7.0, "image", "made.png"),
    _made("webvoice_qwen_image_max", "image/", _PROMPT, 7.0, "image", "made.png"),
    _made("webvoice_image_to_image", "image-to-image/", {**_PROMPT, "images": ["photo.png"]}, 1.0, "image", "made.png"),
    _made("webvoice_image_to_video", "image-to-video/", {**_PROMPT, "image": "photo.png"}, 15.0, "video", "made.mp4"),
    _made("webvoice_text_to_video", "text-to-video/", _PROMPT, 13.0, "video", "made.mp4"),
    _made("webvoice_veo_fast_text_to_video", "text-to-video/", _PROMPT, 17.5, "video", "made.mp4"),
)
KINDS = tuple(
    paid for paid in PAID if paid.tool in {"webvoice_chat", "webvoice_tts", "webvoice_stt", "webvoice_image_to_image"}
)
"""One paid tool for each way through the pipeline: text, download, upload, and upload with download."""

BY_TOOL = {paid.tool: paid for paid in PAID}


class Upstream(httpx2.AsyncBaseTransport):
    """A service that tells when a request arrives, and can delay or break its answer.

    Attributes:
        hold: None, `head` (sends nothing until `release` is set) or `body` (nothing after the first half).
        fail: None, `refused`, `head` (the connection breaks before an answer), `start` or `middle` (in its body).
        status: status of the answer; with 400 and above, its body is an error and not `answer`.
        asked: the requests, as (method, path).
        closed: number of connections that were closed before the whole answer was read.
        here: set when a request has arrived.
    """

    def __init__(
        self, answer: dict[str, Any], *, hold: str | None = None, fail: str | None = None, status: int = 200
    ) -> None:
        self.body = json.dumps(answer if status < 400 else {"error": "No."}).encode()
        self.hold = hold
        self.fail = fail
        self.status = status
        self.asked: list[tuple[str, str]] = []
        self.closed = 0
        self.here = anyio.Event()
        self.release = anyio.Event()

    @property
    def posts(self) -> int:
        """Number of requests that may cost something."""
        return len([path for method, path in self.asked if method == "POST"])

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append((request.method, request.url.path.removeprefix("/api/v1/")))
        await request.aread()
        if self.fail == "refused":
            raise httpx2.ConnectError("refused")
        if self.fail == "head":
            raise httpx2.ReadError("broken")
        if self.hold == "head":
            await self._hold()
        headers = {"content-type": "application/json", "content-length": str(len(self.body))}
        return httpx2.Response(self.status, headers=headers, stream=_Body(self))

    async def _hold(self) -> None:
        self.here.set()
        try:
            await self.release.wait()
        except BaseException:
            self.closed += 1
            raise


class _Body(httpx2.AsyncByteStream):
    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        upstream = self._upstream
        half = len(upstream.body) // 2
        if upstream.fail == "start":
            raise httpx2.ReadError("broken")
        yield upstream.body[:half]
        if upstream.fail == "middle":
            raise httpx2.ReadError("broken")
        if upstream.hold == "body":
            await upstream._hold()
        yield upstream.body[half:]


def put_inputs(out: Path) -> None:
    """Write the user's own files."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "talk.wav").write_bytes(RECORDING)
    (out / "photo.png").write_bytes(PNG_BYTES)


def made_in(out: Path) -> dict[str, bytes]:
    """Return all files but the user's own, by name."""
    files = [path for path in out.rglob("*") if path.is_file() and path.name not in {"talk.wav", "photo.png"}]
    return {path.name: path.read_bytes() for path in files}


def rows(state: Path) -> list[dict[str, Any]]:
    """Return the rows of the history as they are on the disk, the oldest first."""
    connection = sqlite3.connect(state / "history.db")
    try:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("SELECT * FROM jobs ORDER BY started_at, rowid")]
    finally:
        connection.close()


async def settled_rows(state: Path) -> list[dict[str, Any]]:
    """Return the rows once no job is running."""
    with anyio.fail_after(PATIENCE):
        while "running" in {row["state"] for row in rows(state)}:  # noqa: ASYNC110 - a file sets no event
            await anyio.sleep(0.01)
    return rows(state)


async def left(client: Client) -> float:
    """Return what is left of the budget, as a refusal says it; needs WEBVOICE_MAX_CREDITS=100."""
    said = failed(await client.call_tool("webvoice_tts", {"text": "x" * 200_000}))
    found = re.search(r"only ([0-9.]+) of the 100", said)
    assert found, said
    return float(found[1])


async def ended(client: Client, job_id: str) -> dict[str, Any]:
    """Return a job once it has ended."""
    answer = fields(await client.call_tool("webvoice_jobs", {"job_id": job_id, "wait_seconds": 45}))
    (job,) = answer["jobs"]
    assert job["state"] != "running"
    found: dict[str, Any] = job
    return found


async def last_job(client: Client) -> dict[str, Any]:
    """Return the newest job once it has ended."""
    newest = fields(await client.call_tool("webvoice_jobs", {}))["jobs"][0]
    return await ended(client, newest["id"])
