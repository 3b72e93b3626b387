"""The demo's steps for whole works: a dialogue with subtitles, a lecture with subtitles, and a film made of all."""

from difflib import SequenceMatcher
from pathlib import Path

import anyio.to_thread

from webvoice_mcp.cli.demo.page import Card, Message
from webvoice_mcp.cli.demo.session import Outcome, Session, Step, expect
from webvoice_mcp.sandbox.engines import describe
from webvoice_mcp.studio.subtitle_files import parse_subtitles

_LINES = (
    {"text": "The bay is quiet tonight.", "voice": "af_sarah"},
    {"text": "And the forest is full of snow.", "voice": "am_adam"},
    {"text": "Shall we go and see it?", "voice": "af_sarah"},
    {"text": "Yes, but bring a warm coat.", "voice": "am_adam"},
)
_LECTURE = (
    "Sound is air in motion, and a voice moves it a few hundred times a second.",
    "A computer keeps it as numbers, thousands of them for every second.",
    "From these numbers, another program finds the words again.",
)
_LECTURE_PAUSE_SECONDS = 1.0
_MIN_SIMILARITY = 0.8  # a short phrase gives the model little to go by
_TOLERANCE_SECONDS = 0.2


async def dialogue(session: Session) -> Outcome:
    """Speak the lines of two voices to one file with subtitles."""
    spoken = await session.call("webvoice_narrate", {"lines": list(_LINES), "subtitles": "vtt"})
    path, subtitles = session.files[-2:]
    texts = await anyio.to_thread.run_sync(_subtitle_texts, subtitles)
    expect(texts == [line["text"] for line in _LINES], f"the subtitles are {texts}")
    messages = tuple(Message("assistant" if number % 2 else "user", text) for number, text in enumerate(texts))
    facts = (f"{spoken['duration']:.1f} s MP3", "subtitles")
    card = Card("A dialogue of two voices", (path,), messages, facts, width="third")
    return Outcome(f"{path.name}, {spoken['duration']:.1f} s of {spoken['parts']} parts, and {subtitles.name}", card)


async def lecture(session: Session) -> Outcome:
    """Speak a lecture, and transcribe it to subtitles: it is cut in its pauses, and each phrase becomes a subtitle."""
    lines = [{"text": text, "pause": _LECTURE_PAUSE_SECONDS} for text in _LECTURE]
    await session.call("webvoice_narrate", {"lines": lines})
    recording = session.files[-1]
    await session.call("webvoice_stt", {"audio_path": str(recording), "output_path": f"{recording.stem}.srt"})
    path = session.files[-1]
    texts = await anyio.to_thread.run_sync(_subtitle_texts, path)
    similarity = SequenceMatcher(None, " ".join(texts).lower(), " ".join(_LECTURE).lower()).ratio()
    expect(similarity >= _MIN_SIMILARITY, f"heard something else: {texts}")
    messages = tuple(Message("assistant", text) for text in texts)
    card = Card("A lecture, transcribed to subtitles", (recording,), messages, width="third")
    return Outcome(f"{path.name}, {len(texts)} subtitles", card)


async def film(session: Session) -> Outcome:
    """Join the two clips, with the dialogue as their sound and its subtitles as a track."""
    films = [path for path in session.files if path.suffix == ".mp4"]
    first, second = films[0], films[1]
    shown = next(path for path in session.files if path.suffix == ".vtt")
    sound = shown.with_suffix(".mp3")
    arguments = {"files": [str(first), str(second)], "sound": str(sound), "subtitles": str(shown)}
    joined = await session.call("webvoice_join", arguments)
    path = session.files[-1]
    clips = [await anyio.to_thread.run_sync(describe.film, clip) for clip in (first, second)]
    made = await anyio.to_thread.run_sync(describe.film, path)
    seconds = sum(clip.seconds for clip in clips)
    expect(abs(made.seconds - seconds) < _TOLERANCE_SECONDS, f"the film lasts {made.seconds:.2f} s, not {seconds:.2f}")
    expect(made.has_sound, "the film has no sound")
    title = "Both clips, the dialogue and its subtitles in one film"
    card = Card(title, (path,), subtitles=shown, facts=("2 clips",), width="whole")
    return Outcome(f"{path.name}, {joined['duration']:.1f} s of 2 clips, with the dialogue and its subtitles", card)


STEPS = (
    Step("dialogue", "webvoice_narrate", dialogue),
    Step("lecture", "webvoice_stt", lecture),
    Step("film", "webvoice_join", film),
)


def _subtitle_texts(path: Path) -> list[str]:
    return parse_subtitles(path.read_text("utf-8"), path.suffix).texts
