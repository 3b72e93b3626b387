"""Works of several parts: a narration with subtitles, a translated file and subtitles of a recording."""

import json
import math
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.loopback import LoopbackService, ReceivedRequest
from tests.studio.mp3_frames import frame
from tests.studio.test_recordings import wav
from tests.support import base64_text
from webvoice_mcp.studio.mp3 import scan

RATE = 8000
_SENTENCE = "Il vecchio faro guarda il mare ogni notte."
_LINE = "The old lighthouse keeper climbed the stairs every evening, and {} boats came home. "


@dataclass(frozen=True, slots=True)
class Work:
    """A call of a tool that sends several parts.

    Attributes:
        path: the endpoint that the parts are sent to.
        suffixes: extensions of the files that are made, the one of `output_path` first.
        parts: number of parts, each of another content.
        put: writes the call's inputs to a folder.
    """

    tool: str
    arguments: dict[str, Any]
    path: str
    suffixes: tuple[str, ...]
    parts: int
    put: Callable[[Path], None] = lambda _: None

    def prepare(self, out: Path) -> None:
        """Create the output folder with the call's inputs."""
        out.mkdir()
        self.put(out)

    def call(self, name: str) -> dict[str, Any]:
        """Return the arguments of a call whose files have this name."""
        return {**self.arguments, "output_path": name + self.suffixes[0]}

    def made(self, out: Path, name: str) -> list[str | float]:
        """Return the texts that a call saved under this name, and the seconds of the sound."""
        return [_content(out / (name + suffix)) for suffix in self.suffixes]


def _content(path: Path) -> str | float:
    if path.suffix != ".mp3":
        return path.read_text("utf-8")
    with path.open("rb") as file:  # the same words of the sandbox's voices are equally long, but not the same bytes
        return scan(file).seconds


def _put_story(out: Path) -> None:
    text = "\n\n".join(_LINE.format(number) * 45 for number in range(4))  # two paragraphs do not share a request
    (out / "story.md").write_text(text, "utf-8")


def _put_talk(out: Path) -> None:
    """Write a recording of four tones with pauses between them."""
    pauses = bytes(2 * RATE)
    tones = [_tone(200 + 50 * number, 1.5 + number / 10) for number in range(4)]
    (out / "talk.wav").write_bytes(wav(pauses.join(tones), rate=RATE))


def _tone(hertz: float, seconds: float) -> bytes:
    samples = (round(9000 * math.sin(math.tau * hertz * index / RATE)) for index in range(round(seconds * RATE)))
    return b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples)


WORKS = (
    Work(
        "webvoice_narrate",
        {
            "lines": [{"text": f"{_SENTENCE} {'Mare. ' * number}"} for number in range(4)],
            "language": "it",
            "voice": "if_sara",
            "subtitles": "srt",
        },
        "tts/",
        (".mp3", ".srt"),
        4,
    ),
    Work(
        "webvoice_translate",
        {"text_path": "story.md", "target_language": "it"},
        "translation/",
        (".md",),
        4,
        _put_story,
    ),
    Work("webvoice_stt", {"audio_path": "talk.wav"}, "stt/", (".srt",), 4, _put_talk),
)


class WorksService(LoopbackService):
    """A service that does all works and keeps a ledger.

    Attributes:
        ledger: number of answers to each part, by what was sent.
        stop_after: number of answers after which it answers no more, None for no end.
    """

    def __init__(self) -> None:
        super().__init__({})
        self.ledger: Counter[bytes] = Counter()
        self.stop_after: int | None = None
        self._lock = threading.Lock()

    def reply_to(self, request: ReceivedRequest) -> Any:
        """Answer a part and write it down, or close the connection at the end of the test."""
        part, reply = _REPLIES[request.path](request.body)
        with self._lock:
            is_answered = self.stop_after is None or self.ledger.total() < self.stop_after
            if is_answered:
                self.ledger[part] += 1
        if not is_answered:
            self._closing.wait()
            return None
        return {"success": True, "credits_used": 0.5, "credits_remaining": 50.0, **reply}


def _speak(body: bytes) -> tuple[bytes, dict[str, Any]]:
    text = json.loads(body)["text"]
    return text.encode(), {"audio": base64_text(frame(version=2, rate=24000, kbits=64, mode=3) * (40 + len(text)))}


def _translate(body: bytes) -> tuple[bytes, dict[str, Any]]:
    text = json.loads(body)["text"]
    return text.encode(), {"translated_text": text.upper(), "source_language": "en", "target_language": "it"}


def _transcribe(body: bytes) -> tuple[bytes, dict[str, Any]]:
    start = body.index(b"RIFF")
    recording = body[start : start + 8 + int.from_bytes(body[start + 4 : start + 8], "little")]
    return recording, {"text": f"A tone in {len(recording)} bytes.", "language": "en", "duration": 1}


_REPLIES = {"tts/": _speak, "translation/": _translate, "stt/": _transcribe}
