"""Files that cannot be read or written, over a real pipe: refused before anything is sent."""

from pathlib import Path
from typing import Any

import pytest

from tests.files.samples import wav_bytes
from tests.loopback import Loopback
from tests.support import CANARY
from tests.wire.conftest import Start
from tests.wire.world import failure, named
from tests.wire_driver import Message, Wire, environment, serving

FILE_ROWS: list[tuple[str, dict[str, Any], str]] = [
    ("webvoice_tts", {"text": "Hi", "output_path": "there.mp3"}, "file_exists"),
    ("webvoice_tts", {"text": "Hi", "output_path": "there"}, "file_exists"),
    ("webvoice_stt", {"audio_path": "talk.wav", "output_path": "there.txt"}, "file_exists"),
    ("webvoice_whisper_fast_stt", {"audio_path": "talk.wav", "output_path": "there"}, "file_exists"),
    ("webvoice_tts", {"text": "Hi", "output_path": "talk.wav/hi.mp3"}, "disk_error"),
    ("webvoice_tts", {"text": "Hi", "output_path": "talk.wav/"}, "disk_error"),
    ("webvoice_stt", {"audio_path": "talk.wav", "output_path": "there.txt/deep/talk.txt"}, "disk_error"),
    ("webvoice_stt", {"audio_path": "talk.wav", "output_path": "talk.mp3"}, "invalid_argument"),
    ("webvoice_tts", {"text": "Hi", "output_path": ".hidden.mp3"}, "path_not_allowed"),
    ("webvoice_tts", {"text": "Hi", "output_path": "sub/.git/hi.mp3"}, "path_not_allowed"),
    ("webvoice_stt", {"audio_path": "nowhere.mp3"}, "file_not_found"),
    ("webvoice_stt", {"audio_path": "~/nowhere.mp3"}, "file_not_found"),
    ("webvoice_stt", {"audio_path": "talk.wav/nowhere.mp3"}, "file_not_found"),
    ("webvoice_whisper_fast_stt", {"audio_path": "nowhere.mp3"}, "file_not_found"),
    ("webvoice_stt", {"audio_path": "text.mp3"}, "unsupported_media"),
    ("webvoice_stt", {"audio_path": "page.wav"}, "unsupported_media"),
    ("webvoice_stt", {"audio_path": "picture.mp3"}, "unsupported_media"),
    ("webvoice_stt", {"audio_path": "empty.mp3"}, "unsupported_media"),
    ("webvoice_stt", {"audio_path": "."}, "unsupported_media"),
    ("webvoice_whisper_fast_stt", {"audio_path": "text.mp3"}, "unsupported_media"),
]


@pytest.fixture(scope="module")
def wire(start: Start, service: Loopback) -> Wire:
    """A server with a key."""
    return start(BASE_URL=service.base_url, API_KEY=CANARY)


@pytest.mark.usefixtures("files", "untouched")
@pytest.mark.parametrize(("tool", "arguments", "expected"), FILE_ROWS, ids=map(named, FILE_ROWS))
def test_what_cannot_be_read_or_written_is_refused_before_any_request(
    wire: Wire, tool: str, arguments: Message, expected: str
) -> None:
    assert failure(wire.call(tool, arguments))[0] == expected


@pytest.mark.usefixtures("files")
def test_files_outside_the_allowed_folders_are_neither_read_nor_written(tmp_path: Path, service: Loopback) -> None:
    allowed, outside, home = (tmp_path / name for name in ("allowed", "outside", "home"))
    for folder in (allowed, outside, home):
        folder.mkdir()
    (outside / "talk.wav").write_bytes(wav_bytes())
    (allowed / "link.wav").symlink_to(outside / "talk.wav")
    (allowed / "way-out").symlink_to(outside)
    asked = len(service.asked)
    variables = {"BASE_URL": service.base_url, "API_KEY": CANARY, "ALLOWED_DIRS": allowed}
    with serving(environment(home, variables)) as wire:
        for tool, arguments in (
            ("webvoice_stt", {"audio_path": str(outside / "talk.wav")}),
            ("webvoice_stt", {"audio_path": str(allowed / "link.wav")}),
            ("webvoice_stt", {"audio_path": str(allowed / ".." / "outside" / "talk.wav")}),
            ("webvoice_tts", {"text": "Hi", "output_path": str(outside / "hi.mp3")}),
            ("webvoice_tts", {"text": "Hi", "output_path": str(allowed / "way-out" / "hi.mp3")}),
            ("webvoice_tts", {"text": "Hi", "output_path": "../../outside/hi.mp3"}),
            ("webvoice_stt", {"audio_path": str(allowed / "link.wav"), "output_path": "~/talk.txt"}),
        ):
            assert failure(wire.call(tool, arguments))[0] == "path_not_allowed", arguments
    assert len(service.asked) == asked
    assert [path.name for path in outside.iterdir()] == ["talk.wav"]
