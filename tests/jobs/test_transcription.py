"""Transcription of long recordings, in pieces, and subtitles, in phrases."""

from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from tests.studio.test_recordings import speech, wav
from tests.support import MakeSettings, answer, connected, failed, fields, form
from webvoice_mcp.studio.subtitle_files import parse_subtitles

RATE = 800  # samples a second, of a byte
TALK: list[tuple[float, float]] = [(0.5, 8.0), (0, 2.0)] * 270  # 45 minutes: how loud, and seconds


class Listener(httpx2.AsyncBaseTransport):
    """A service that answers with the number of a piece, and fails where it is told to.

    Attributes:
        heard: name and content of each recording that was sent.
        fail: numbers of the requests that fail, from 1.
        said: text of an answer; {} is the number of the request.
        delay: seconds before each answer.
    """

    def __init__(self, said: str = "Piece {}.") -> None:
        self.heard: list[tuple[str | None, bytes]] = []
        self.fail: set[int] = set()
        self.said = said
        self.delay = 0.0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        parts = form(request, await request.aread())
        ((name, content),) = [(name, content) for field, name, _, content in parts if field == "audio"]
        self.heard.append((name, content))
        number = len(self.heard)
        await anyio.sleep(self.delay)
        if number in self.fail:
            return answer({"error": "No."}, 400)
        said = self.said.format(number)
        return answer({"success": True, "text": said, "language": "en", "duration": 1, "credits_used": 6.0})


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "talk.wav").write_bytes(wav(speech(TALK, 1, 8), bits=8, rate=RATE))
    return tmp_path / "out"


async def test_a_long_recording_is_sent_in_pieces_that_lack_nothing(make_settings: MakeSettings, out: Path) -> None:
    service = Listener()
    async with connected(make_settings(), service) as client:
        estimate = fields(
            await client.call_tool(
                "webvoice_estimate_credits", {"tool": "webvoice_stt", "arguments": {"audio_path": "talk.wav"}}
            )
        )
        result = fields(await client.call_tool("webvoice_stt", {"audio_path": "talk.wav"}))
    assert estimate["basis"] == "3 pieces, 0.3 per started minute of each"
    assert 13.5 <= estimate["credits"] <= 14.4  # 45 minutes, and at most one more for each piece
    assert len({name for name, _ in service.heard}) == 3
    assert sum(len(content) - 44 for _, content in service.heard) == 2700 * RATE
    assert sorted(result["text"].split(". ")) == ["Piece 1", "Piece 2", "Piece 3."]
    assert (result["parts"], result["duration"], result["credits_used"]) == (3, 2700.0, 18.0)


async def test_after_a_failure_only_the_missing_pieces_are_sent(make_settings: MakeSettings, out: Path) -> None:
    service = Listener()
    service.fail = {2}
    async with connected(make_settings(), service) as client:
        message = failed(await client.call_tool("webvoice_stt", {"audio_path": "talk.wav"}))
        assert "2 of 3 parts are kept. Call webvoice_stt again with the same arguments" in message
        result = fields(await client.call_tool("webvoice_stt", {"audio_path": "talk.wav", "output_path": "talk.txt"}))
    assert len(service.heard) == 4
    assert (result["parts"], result["parts_reused"]) == (3, 2)
    assert (out / "talk.txt").read_text() == result["text"]


@pytest.mark.parametrize("suffix", [".srt", ".vtt"])
async def test_subtitles_have_the_times_of_the_phrases(make_settings: MakeSettings, out: Path, suffix: str) -> None:
    (out / "short.wav").write_bytes(
        wav(speech([(0, 1.0), (0.5, 3.0), (0, 2.0), (0.5, 4.0), (0, 1.0)], 1, 8), bits=8, rate=RATE)
    )
    service = Listener()
    async with connected(make_settings(), service) as client:
        arguments = {"audio_path": "short.wav", "output_path": f"short{suffix}"}
        result = fields(await client.call_tool("webvoice_stt", arguments))
    text = (out / f"short{suffix}").read_text()
    assert result["files"][0]["path"] == str(out / f"short{suffix}")
    assert len(parse_subtitles(text, suffix).texts) == 2
    times = [
        [float(time.replace(",", ".").split(":")[2]) for time in line.split(" --> ")]
        for line in text.splitlines()
        if "-->" in line
    ]
    assert [time for pair in times for time in pair] == pytest.approx([1, 4, 6, 10], abs=0.3)
    assert result["parts"] == 2


async def test_words_that_count_as_silence_are_shown_for_all_of_their_phrase(
    make_settings: MakeSettings, out: Path
) -> None:
    (out / "hush.wav").write_bytes(wav(bytes(2 * 8000 * 10), rate=8000))
    async with connected(make_settings(), Listener("Hush.")) as client:
        fields(await client.call_tool("webvoice_stt", {"audio_path": "hush.wav", "output_path": "hush.srt"}))
    assert (out / "hush.srt").read_text() == "1\n00:00:00,000 --> 00:00:10,000\nHush.\n"


async def test_a_long_saved_transcript_is_not_repeated(make_settings: MakeSettings, out: Path) -> None:
    service = Listener("word " * 1000)
    async with connected(make_settings(), service) as client:
        result = fields(await client.call_tool("webvoice_stt", {"audio_path": "talk.wav", "output_path": "talk.txt"}))
    assert "text" not in result
    assert (result["preview"], result["characters"]) == (("word " * 100)[:500], 14_999)
    assert len((out / "talk.txt").read_text()) == 14_999


async def test_a_piece_may_take_as_long_as_it_plays(make_settings: MakeSettings, out: Path) -> None:
    service = Listener()
    service.delay = 0.3
    async with connected(make_settings(TIMEOUT="0.1"), service) as client:
        result = fields(await client.call_tool("webvoice_stt", {"audio_path": "talk.wav"}))
    assert result["parts"] == 3


async def test_a_recording_over_the_upload_limit_is_sent_in_smaller_pieces(
    make_settings: MakeSettings, out: Path
) -> None:
    service = Listener()
    async with connected(make_settings(MAX_UPLOAD_MB="0.5"), service) as client:
        result: dict[str, Any] = fields(await client.call_tool("webvoice_stt", {"audio_path": "talk.wav"}))
    assert result["parts"] == len(service.heard) >= 5
    assert max(len(content) for _, content in service.heard) <= 0.5 * 2**20
