"""A book is narrated in constant memory, and its text never passes through the model."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.works import WorksService
from tests.loopback import ReceivedRequest
from tests.studio.mp3_frames import frame
from tests.support import CANARY, base64_text
from tests.wire.process_stats import IS_LINUX, cpu_seconds, peak_memory_bytes, reset_peak_memory
from tests.wire.results import fields
from tests.wire_driver import environment, running_server
from webvoice_mcp.studio.mp3 import scan

pytestmark = [pytest.mark.wide, pytest.mark.skipif(not IS_LINUX, reason="the peak is read from /proc")]

CHARACTERS = 300_000
PARAGRAPH = "The old lighthouse keeper climbed the stairs every evening, and all boats came home again. " * 8
MINUTES = 2  # of speech in a part: less than 4,000 characters take, which keeps the test short
FRAME = frame(version=2, rate=24_000, kbits=32, mode=3)  # of 24 ms
SPEECH = base64_text(FRAME * round(MINUTES * 60 / 0.024))
_MIB = 1 << 20


class Speaker(WorksService):
    """A service that says two minutes for every part."""

    def reply_to(self, request: ReceivedRequest) -> Any:
        """Answer with the same sound for all parts."""
        self.ledger[json.loads(request.body)["text"].encode()] += 1
        return {"success": True, "audio": SPEECH, "credits_used": 2.5, "credits_remaining": 500.0}


def test_a_book_is_narrated_in_constant_memory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    out.mkdir()
    paragraphs = [f"{number}. {PARAGRAPH}" for number in range(CHARACTERS // len(PARAGRAPH) + 1)]
    (out / "book.txt").write_text("\n\n".join(paragraphs)[:CHARACTERS])
    with Speaker().running() as service:
        variables = {"BASE_URL": service.base_url, "API_KEY": CANARY, "INLINE_WAIT": 0, "WORKER": 0}
        with running_server(environment(tmp_path, variables)) as server:
            server.call("webvoice_narrate", {"text": "Hello.", "output_path": "first.mp3"})
            reset_peak_memory(server)
            memory, worked = peak_memory_bytes(server), cpu_seconds(server)
            result = server.call(
                "webvoice_narrate", {"text_path": "book.txt", "subtitles": "srt", "output_path": "book.mp3"}
            )
            growth, worked = peak_memory_bytes(server) - memory, cpu_seconds(server) - worked
    made = fields(result)
    size = len(json.dumps(result))
    with capsys.disabled():
        print(
            f"\n{CHARACTERS} characters: {made['parts']} parts, {made['duration'] / 3600:.1f} h,"
            f" {(out / 'book.mp3').stat().st_size / _MIB:.0f} MiB; {growth / _MIB:.1f} MiB more memory,"
            f" {worked:.1f} s of work, {size} bytes of results"
        )
    assert made["parts"] == len(service.ledger) - 1 >= CHARACTERS / 4000
    assert sum(map(len, service.ledger)) == pytest.approx(CHARACTERS, rel=0.01)
    assert made["duration"] == pytest.approx(made["parts"] * MINUTES * 60, rel=0.01)
    with (out / "book.mp3").open("rb") as file:
        assert scan(file).seconds == pytest.approx(made["duration"], abs=0.05)
    assert size <= 2048
    assert growth < 16 * _MIB
    assert worked < 0.5 * made["parts"]  # the service speaks for longer than that
