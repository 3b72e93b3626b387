"""What the tests of orders share: every tool that costs credits, and a service that fails at a chosen moment."""

import base64
import json
import re
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx2
from mcp import Client

from tests.files.samples import MP3_BYTES, PNG_BYTES, mp4_bytes, wav_bytes
from tests.support import failed, fields

MP4_BYTES = mp4_bytes(b"isom", b"vide")
RECORDING = wav_bytes(8000)  # a second
PATIENCE = 10.0  # seconds that a test waits for something that must happen
PROMPT = "a secret garden at dawn"


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


@dataclass(frozen=True, slots=True)
class Paid:
    """One tool that costs credits.

    Attributes:
        arguments: what it cannot do without, and where its result goes.
        path: of its endpoint.
        answer: the service's.
        credits: what that answer says it cost.
        estimate: what it is expected to cost.
        file: the name of the file that comes of it, "" for none.
        content: what is in that file.
        outlives: whether it goes on without its caller.
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
    answer = {"success": True, field: _b64(content), "credits_used": 0.75, "credits_remaining": 9.0}
    return Paid(tool, {**arguments, "output_path": file}, path, answer, 0.75, estimate, file, content)


def _heard(tool: str) -> Paid:
    answer = {"success": True, "text": "Good day", "language": "en", "duration": 1.0, "credits_used": 0.25}
    arguments = {"audio_path": "talk.wav", "output_path": "talk.txt"}
    return Paid(tool, arguments, "stt/", answer, 0.25, 0.3, "talk.txt", b"Good day")


_PROMPT = {"prompt": PROMPT}
_TRANSLATION = {"translated_text": "Buongiorno", "credits_used": 0.05}

PAID = (
    _chat("webvoice_chat", 2.0),
    _chat("webvoice_deepinfra_chat", 3.0),
    _made("webvoice_tts", "tts/", {"text": PROMPT}, 0.5, "audio", "made.mp3"),
    _heard("webvoice_stt"),
    _heard("webvoice_whisper_fast_stt"),
    Paid(
        "webvoice_translate",
        {"text": PROMPT, "target_language": "it"},
        "translation/",
        _TRANSLATION,
        0.05,
        0.1,
        outlives=False,
    ),
    _made("webvoice_image", "image/", _PROMPT, 7.0, "image", "made.png"),
    _made("webvoice_qwen_image_max", "image/", _PROMPT, 7.0, "image", "made.png"),
    _made("webvoice_image_to_image", "image-to-image/", {**_PROMPT, "images": ["photo.png"]}, 1.0, "image", "made.png"),
    _made("webvoice_image_to_video", "image-to-video/", {**_PROMPT, "image": "photo.png"}, 15.0, "video", "made.mp4"),
    _made("webvoice_text_to_video", "text-to-video/", _PROMPT, 13.0, "video", "made.mp4"),
    _made("webvoice_veo_fast_text_to_video", "text-to-video/", _PROMPT, 17.5, "video", "made.mp4"),
)
BY_TOOL = {each.tool: each for each in PAID}


class Upstream(httpx2.AsyncBaseTransport):
    """A service that takes its time: it says when a request is here, and can hold or break its answer.

    Attributes:
        hold: None, `head` (nothing comes before `release`) or `body` (nothing after the first half).
        fail: None, `refused`, `head` (the connection breaks before an answer), `start` or `middle` (in its body).
        status: of the answer.
        asked: the requests that came, as (method, path).
        closed: how many connections were closed before the whole answer was read.
    """

    def __init__(
        self, answer: dict[str, Any], *, hold: str | None = None, fail: str | None = None, status: int = 200
    ) -> None:
        self.body = json.dumps(answer).encode()
        self.hold = hold
        self.fail = fail
        self.status = status
        self.asked: list[tuple[str, str]] = []
        self.closed = 0
        self.here = anyio.Event()
        self.release = anyio.Event()

    @property
    def posts(self) -> int:
        """How many requests came that may cost something."""
        return len([each for each in self.asked if each[0] == "POST"])

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append((request.method, request.url.path.removeprefix("/api/v1/")))
        await request.aread()
        if self.fail == "refused":
            raise httpx2.ConnectError("refused")
        if self.fail == "head":
            raise httpx2.ReadError("broken")
        if self.hold == "head":
            await self._held()
        headers = {"content-type": "application/json", "content-length": str(len(self.body))}
        return httpx2.Response(self.status, headers=headers, stream=_Body(self))

    async def _held(self) -> None:
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
            await upstream._held()
        yield upstream.body[half:]


def put_inputs(out: Path) -> None:
    """The user's own files."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "talk.wav").write_bytes(RECORDING)
    (out / "photo.png").write_bytes(PNG_BYTES)


def made_in(out: Path) -> dict[str, bytes]:
    """All files but the user's own, by name."""
    files = [each for each in out.rglob("*") if each.is_file() and each.name not in {"talk.wav", "photo.png"}]
    return {each.name: each.read_bytes() for each in files}


def rows(state: Path) -> list[dict[str, Any]]:
    """What is written down, as it lies on the disk, the oldest first."""
    connection = sqlite3.connect(state / "history.db")
    try:
        connection.row_factory = sqlite3.Row
        return [dict(each) for each in connection.execute("SELECT * FROM jobs ORDER BY started_at, rowid")]
    finally:
        connection.close()


async def settled_rows(state: Path) -> list[dict[str, Any]]:
    """The same once none is under way."""
    with anyio.fail_after(PATIENCE):
        while "running" in {row["state"] for row in rows(state)}:  # noqa: ASYNC110 - a file sets no event
            await anyio.sleep(0.01)
    return rows(state)


async def left(client: Client) -> float:
    """What the budget of a server has left, as a refusal tells it; needs WEBVOICE_MAX_CREDITS=100."""
    said = failed(await client.call_tool("webvoice_tts", {"text": "x" * 200_000}))
    found = re.search(r"only ([0-9.]+) of the 100", said)
    assert found, said
    return float(found[1])


async def ended(client: Client, job_id: str) -> dict[str, Any]:
    """The only job with this id, once it has ended."""
    answer = fields(await client.call_tool("webvoice_jobs", {"job_id": job_id, "wait_seconds": PATIENCE}))
    (job,) = answer["jobs"]
    assert job["state"] != "running"
    found: dict[str, Any] = job
    return found


async def last_job(client: Client) -> dict[str, Any]:
    """The newest job, once it has ended."""
    newest = fields(await client.call_tool("webvoice_jobs", {}))["jobs"][0]
    return await ended(client, newest["id"])
