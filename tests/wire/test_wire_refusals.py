"""Calls that are refused on this computer, over a real pipe: the error says why, and nothing is sent or written."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.files.samples import wav_bytes
from tests.wire.calls import SEND_CODE
from tests.wire.conftest import ConnectedServer
from tests.wire.results import failure
from tests.wire_driver import Message

USER = {"role": "user", "content": "Hi"}
WEATHER = {"type": "function", "function": {"name": "get_weather"}}
LONG = "x" * (1 << 20)
LONG_NAME = {"type": "function", "function": {"name": LONG}}

# The tool, its arguments, and the beginning of the error text after "invalid_argument: ".
INVALID: list[tuple[str, Message, str]] = [
    ("webvoice_register_send_code", {**SEND_CODE, "email": " \n"}, "email is blank"),
    ("webvoice_register_send_code", {**SEND_CODE, "email": None}, "email is missing"),
    ("webvoice_register_send_code", {**SEND_CODE, "email": "somebody"}, "email is not an e-mail address"),
    ("webvoice_register_send_code", {**SEND_CODE, "accept_privacy": False}, "accept_privacy must be true"),
    ("webvoice_register_send_code", {**SEND_CODE, "accept_terms": False}, "accept_terms must be true"),
    ("webvoice_register_verify", {"email": "nobody", "code": "1"}, "email is not an e-mail address"),
    ("webvoice_status", {"": 1}, "webvoice_status does not know the argument ''"),
    ("webvoice_account_links", {"x": None}, "webvoice_account_links does not know the argument 'x'"),
    ("webvoice_list_chat_models", {"free_only": True, "openai_format": True}, "free_only needs the prices"),
    ("webvoice_chat", {}, "Give exactly one of prompt"),
    ("webvoice_chat", {"prompt": "Hi", "messages": [USER]}, "Give exactly one of prompt"),
    ("webvoice_chat", {"messages": [{"role": ["user"], "content": "Hi"}]}, "messages[0].role is not one of"),
    ("webvoice_chat", {"messages": [{"role": "user", "content": 5}]}, "messages[0].content must be a string"),
    ("webvoice_chat", {"messages": [{"role": "tool", "content": "1"}]}, "messages[0].tool_call_id is missing"),
    ("webvoice_chat", {"messages": [USER, {"role": "assistant", "content": "Hi"}]}, "messages ends with role"),
    ("webvoice_chat", {"messages": [USER], "system": "Be kind"}, "system goes with prompt"),
    ("webvoice_chat", {"prompt": "Hi", "max_tokens": "1" * 5000}, "max_tokens"),
    ("webvoice_chat", {"prompt": "Hi", "max_tokens": True}, "max_tokens must be a whole number from 1 to 8000. "),
    ("webvoice_chat", {"prompt": "Hi", "temperature": "nan"}, "temperature must be a number from 0 to 2. "),
    ("webvoice_chat", {"prompt": "Hi", "tools": [{}]}, "tools[0] is not a function tool"),
    ("webvoice_chat", {"prompt": "Hi", "tools": [WEATHER], "web_search": True}, "web_search cannot be combined"),
    ("webvoice_chat", {"prompt": "Hi", "tool_choice": "auto"}, "tool_choice goes with tools"),
    ("webvoice_chat", {"prompt": "Hi", "tools": [LONG_NAME], "tool_choice": "other"}, "tool_choice is not one of"),
    ("webvoice_deepinfra_chat", {"prompt": "Hi", "model": "gemini"}, "model should be 'moonshotai/Kimi-K2.6'"),
    ("webvoice_tts", {"text": "Hi", "output_path": "hi.wav"}, "output_path: "),
    ("webvoice_tts", {"text": "Hi", "output_path": "a\0b.mp3"}, "output_path is not a path"),
    ("webvoice_tts", {"text": "Hi", "output_path": f"{'long' * 1000}.mp3"}, "output_path "),
    ("webvoice_tts", {"text": "Hi", "output_path": "deep/" * 2000}, "output_path "),
    ("webvoice_stt", {"audio_path": "a\0b.mp3"}, "audio_path is not a path"),
    ("webvoice_translate", {"text": "Hi", "target_language": LONG}, "target_language should be 'en', 'it'"),
    ("webvoice_translate", {"text": "Hi", "target_language": "it", LONG: 1}, "webvoice_translate does not know"),
    ("webvoice_transcribe", {}, "There is no tool 'webvoice_transcribe'. Did you mean webvoice_translate"),
    ("", {}, "There is no tool ''"),
    (LONG, {}, "There is no tool 'xxxx"),
]

# The tool, its arguments, and the error code.
UNUSABLE_PATHS: list[tuple[str, Message, str]] = [
    ("webvoice_tts", {"text": "Hi", "output_path": "there"}, "file_exists"),
    ("webvoice_stt", {"audio_path": "talk.wav", "output_path": "there.txt"}, "file_exists"),
    ("webvoice_tts", {"text": "Hi", "output_path": "talk.wav/hi.mp3"}, "disk_error"),
    ("webvoice_tts", {"text": "Hi", "output_path": "talk.wav/"}, "disk_error"),
    ("webvoice_stt", {"audio_path": "talk.wav", "output_path": "talk.mp3"}, "invalid_argument"),
    ("webvoice_tts", {"text": "Hi", "output_path": ".hidden.mp3"}, "path_not_allowed"),
    ("webvoice_tts", {"text": "Hi", "output_path": "sub/.git/hi.mp3"}, "path_not_allowed"),
    ("webvoice_stt", {"audio_path": "~/nowhere.mp3"}, "file_not_found"),
    ("webvoice_stt", {"audio_path": "talk.wav/nowhere.mp3"}, "file_not_found"),
    ("webvoice_stt", {"audio_path": "text.mp3"}, "unsupported_media"),
    ("webvoice_stt", {"audio_path": "picture.mp3"}, "unsupported_media"),
    ("webvoice_stt", {"audio_path": "empty.mp3"}, "unsupported_media"),
    ("webvoice_stt", {"audio_path": "."}, "unsupported_media"),
]


def short_id(row: tuple[str, Message, str]) -> str:
    """Return a short test id for a row of a table."""
    tool, arguments, _ = row
    return f"{tool.removeprefix('webvoice_')[:25]} {json.dumps(arguments)[:50]}"


@pytest.fixture(autouse=True)
def unchanged(connected: ConnectedServer) -> Iterator[None]:
    """Fail a test that sends a request or changes the output folder."""
    before = sorted(connected.out.rglob("*")), len(connected.service.requests)
    yield
    assert (sorted(connected.out.rglob("*")), len(connected.service.requests)) == before


@pytest.mark.parametrize(("tool", "arguments", "sentence"), INVALID, ids=map(short_id, INVALID))
def test_invalid_arguments_are_refused_by_name(
    connected: ConnectedServer, tool: str, arguments: Message, sentence: str
) -> None:
    code, text = failure(connected.server.call(tool, arguments))
    assert code == "invalid_argument"
    assert text.startswith(f"invalid_argument: {sentence}")


@pytest.mark.parametrize(("tool", "arguments", "code"), UNUSABLE_PATHS, ids=map(short_id, UNUSABLE_PATHS))
def test_a_path_that_cannot_be_used_is_refused(
    connected: ConnectedServer, tool: str, arguments: Message, code: str
) -> None:
    assert failure(connected.server.call(tool, arguments))[0] == code


def test_paths_outside_the_allowed_folders_are_refused(connected: ConnectedServer, tmp_path: Path) -> None:
    outside, links = tmp_path / "outside", connected.out.parent / "links"
    outside.mkdir()
    links.mkdir()
    (outside / "talk.wav").write_bytes(wav_bytes())
    (links / "link.wav").symlink_to(outside / "talk.wav")
    (links / "folder").symlink_to(outside)
    for tool, arguments in (
        ("webvoice_stt", {"audio_path": str(outside / "talk.wav")}),
        ("webvoice_stt", {"audio_path": str(links / "link.wav")}),
        ("webvoice_stt", {"audio_path": str(links / os.path.relpath(outside / "talk.wav", links))}),
        ("webvoice_tts", {"text": "Hi", "output_path": str(outside / "hi.mp3")}),
        ("webvoice_tts", {"text": "Hi", "output_path": str(links / "folder" / "hi.mp3")}),
        ("webvoice_tts", {"text": "Hi", "output_path": os.path.relpath(outside / "hi.mp3", connected.out)}),
        ("webvoice_stt", {"audio_path": "talk.wav", "output_path": str(outside / "talk.txt")}),
    ):
        assert failure(connected.server.call(tool, arguments))[0] == "path_not_allowed", arguments
    assert [path.name for path in outside.iterdir()] == ["talk.wav"]


@pytest.mark.parametrize("argument", ["output_path", "audio_path"])
def test_a_long_argument_is_shortened_in_its_error(connected: ConnectedServer, argument: str) -> None:
    long = "/".join(["folder"] * 500)
    if argument == "audio_path":
        code, text = failure(connected.server.call("webvoice_stt", {"audio_path": long}))
        end = f"Give an absolute path, or one relative to the output folder {connected.out}."
    else:
        code, text = failure(connected.server.call("webvoice_tts", {"text": "Hi", "output_path": f"{long}/hi.wav"}))
        end = "Use .mp3."
    assert code in ("file_not_found", "invalid_argument")
    assert "folder/folder" in text
    assert "…" in text
    assert text.endswith(end)
