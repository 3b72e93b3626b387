"""Paths of other systems and of unusual lengths, given to the real process."""

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.files.samples import MP3_BYTES
from tests.loopback import LoopbackService
from tests.wire.results import failure, fields
from tests.wire.setups import SPEECH, session, speak, variables
from tests.wire_driver import ServerProcess

pytestmark = [pytest.mark.wide, pytest.mark.skipif(os.name == "nt", reason="paths of POSIX")]


@pytest.fixture(scope="module")
def service() -> Iterator[LoopbackService]:
    with LoopbackService(
        {"tts/": SPEECH, "stt/": {"success": True, "text": "Hi", "language": "en"}}
    ).running() as running:
        yield running


def refused(server: ServerProcess, service: LoopbackService, path: str) -> str:
    """Return the words of a refused call, after checking that nothing was sent."""
    before = len(service.requests)
    code, text = failure(server.call("webvoice_tts", {"text": "Hello", "output_path": path}))
    assert code == "invalid_argument"
    assert len(service.requests) == before
    return text


def test_paths_of_windows_are_refused_in_words(service: LoopbackService, tmp_path: Path) -> None:
    with session(variables(tmp_path, service.base_url)) as server:
        for path in ("C:\\music\\x\\a.mp3", "c:/music/x/a.mp3", "\\\\server\\share\\a.mp3", "sub\\a.mp3"):
            assert "path of Windows" in refused(server, service, path), path
        assert failure(server.call("webvoice_stt", {"audio_path": "C:\\music\\x\\a.mp3"}))[0] == "file_not_found"
        speak(server, tmp_path / "out/a.mp3")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.mp3"]


def test_the_longest_name_is_kept_and_a_longer_one_refused(service: LoopbackService, tmp_path: Path) -> None:
    stem = "é" * 125  # of two bytes
    with session(variables(tmp_path, service.base_url)) as server:
        speak(server, tmp_path / f"out/{stem}a.mp3")
        assert "is longer than 255 bytes" in refused(server, service, f"{stem}ab.mp3")


def test_a_path_longer_than_the_system_allows_is_refused(service: LoopbackService, tmp_path: Path) -> None:
    folder = "/".join(["d" * 200] * 21)
    with session(variables(tmp_path, service.base_url)) as server:
        assert "is longer than 4095 bytes" in refused(server, service, f"{folder}/a.mp3")
        code, _ = failure(server.call("webvoice_stt", {"audio_path": f"{folder}/a.mp3"}))
        assert code == "file_not_found"
        speak(server, tmp_path / "out/a.mp3")
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_a_path_nearly_as_long_as_the_system_allows_is_written(service: LoopbackService, tmp_path: Path) -> None:
    left = 4095 - len(os.fsencode(tmp_path / "out")) - len("/a.mp3")
    names = ["d" * 199] * (left // 200)
    path = tmp_path.joinpath("out", *names, "a.mp3")
    with session(variables(tmp_path, service.base_url)) as server:
        speak(server, path)


def test_decomposed_letters_name_a_file_as_they_are(service: LoopbackService, tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "Grüße è 한국.mp3")
    with session(variables(tmp_path, service.base_url)) as server:
        speak(server, tmp_path / "out" / decomposed)
        assert [path.name for path in (tmp_path / "out").iterdir()] == [decomposed]
        assert (tmp_path / "out" / decomposed).read_bytes() == MP3_BYTES
        assert fields(server.call("webvoice_stt", {"audio_path": decomposed}))["text"] == "Hi"
