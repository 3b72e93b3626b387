"""The speech tools, through MCP, with scripted replies of the service."""

import base64
import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp.types import ResourceLink

from tests.files.samples import FRAME, MP3_BYTES, everything_in, put, wav_bytes
from tests.support import ChunkedBody, MakeSettings, ScriptedTransport, answer, ask, connected, failed, fields, form
from tests.tools.calls import check_refused
from webvoice_mcp.client.free_client import FreeClient
from webvoice_mcp.contract.speech import SPEECH, TRANSCRIPTION, SpeechRequest
from webvoice_mcp.files import Output
from webvoice_mcp.jobs.call import Input
from webvoice_mcp.server import create_services
from webvoice_mcp.tools.speech import webvoice_tts
from webvoice_mcp.tools.transcription import webvoice_stt

VOICES = {
    "success": True,
    "voices": {
        "en": [{"id": "af_sarah", "name": "Sarah"}, {"id": "am_adam"}],
        "fr": [{"id": "ff_siwis", "name": "Siwis", "new": 1}],
    },
}
TRANSCRIPT = {"success": True, "text": "Hello", "language": "en", "duration": 10.5, "credits_used": 0.3}
MAYBE_SPENT = "The service had answered, so credits may have been spent: see webvoice_jobs and webvoice_usage."


def spoken(content: bytes = MP3_BYTES, **more: Any) -> httpx2.Response:
    audio = base64.b64encode(content).decode()
    return answer({"success": True, "audio": audio, "format": "mp3", "duration": 2.5, "credits_used": 0.5, **more})


def client_of(make_settings: MakeSettings, *replies: httpx2.Response) -> FreeClient:
    return create_services(make_settings(), ScriptedTransport(*replies)).free_client


async def test_speech_is_described_without_a_server(make_settings: MakeSettings) -> None:
    call = await webvoice_tts("Ciao", language="it", output_path="ciao", background=True)
    assert call.endpoint is SPEECH
    assert call.request == SpeechRequest(text="Ciao", voice="if_sara", language="it", speed=0.9)
    assert call.output == Output("ciao", "tts", name_from="Ciao", suffixes=(".mp3",), family="audio")
    assert (call.complete, call.background) == (None, True)

    french = await webvoice_tts("Salut", language="fr", provider="p")
    assert french.complete is not None
    completed = await french.complete(client_of(make_settings, answer(VOICES)))
    assert completed == SpeechRequest(text="Salut", voice="ff_siwis", language="fr", speed=0.9, provider="p")


async def test_mp3_behind_tags_and_junk_is_kept_as_mp3(make_settings: MakeSettings, out: Path) -> None:
    ape = b"APETAGEX\xd0\x07\x00\x00\x20\x00\x00\x00" + bytes(16) + bytes(32)
    starts = [bytes(600), ape, b"LYRICSBEGINLYR00005hello000024LYRICS200", FRAME[100:], b"\xab" * 9000]
    for number, start in enumerate(starts):
        arguments = {"text": "Hi", "output_path": f"{number}.mp3"}
        result, _ = await ask(make_settings(), "webvoice_tts", arguments, spoken(start + MP3_BYTES))
        assert result["files"][0]["mime_type"] == "audio/mpeg"
        assert (out / f"{number}.mp3").read_bytes() == start + MP3_BYTES


async def test_transcription_is_described_without_a_server() -> None:
    call = await webvoice_stt("a/my talk.mp3", "Auto", output_path="notes/")
    assert call.endpoint is TRANSCRIPTION
    assert call.recording == Input("a/my talk.mp3", "audio_path", "audio")
    assert call.output
    assert (call.output.name_from, call.output.suffixes) == ("my talk", (".txt", ".srt", ".vtt"))
    assert (await webvoice_stt("a.mp3")).output is None


async def test_text_is_spoken_into_a_file(make_settings: MakeSettings, out: Path) -> None:
    service = ScriptedTransport(spoken(credits_remaining=99.5, provider="kokoro"))
    async with connected(make_settings(), service) as client:
        result = await client.call_tool("webvoice_tts", {"text": "Hello there", "output_path": "hello"})
    path = out / "hello.mp3"
    assert path.read_bytes() == MP3_BYTES
    assert json.loads(service.bodies[0]) == {"text": "Hello there", "voice": "af_sarah", "language": "en", "speed": 0.9}
    assert fields(result) == {
        "files": [{"path": str(path), "uri": path.as_uri(), "mime_type": "audio/mpeg", "size_bytes": len(MP3_BYTES)}],
        "format": "mp3",
        "duration": 2.5,
        "voice": "af_sarah",
        "language": "en",
        "provider": "kokoro",
        "credits_used": 0.5,
        "credits_remaining": 99.5,
    }
    assert result.content[1:] == [
        ResourceLink(uri=path.as_uri(), name="hello.mp3", mime_type="audio/mpeg", size=len(MP3_BYTES))
    ]
    assert everything_in(out) == ["hello.mp3"]


async def test_a_file_name_is_made_of_tool_time_and_words(make_settings: MakeSettings, out: Path) -> None:
    async with connected(make_settings(), ScriptedTransport(spoken(), spoken())) as client:
        for _ in range(2):
            fields(await client.call_tool("webvoice_tts", {"text": "Ciao, città/../mondo!"}))
    names = everything_in(out)
    assert len(names) == 2
    assert all(name.startswith("tts-") and name.endswith(".mp3") and "ciao-citta-mondo" in name for name in names)


async def test_every_argument_is_sent(make_settings: MakeSettings) -> None:
    arguments = {"text": "Hi", "voice": "v", "language": "de", "speed": "2.0", "provider": "p"}
    _, sent = await ask(make_settings(), "webvoice_tts", arguments, spoken())
    assert sent == {**arguments, "speed": 2.0}


async def test_null_and_blank_arguments_count_as_left_out(make_settings: MakeSettings) -> None:
    blank = {"voice": None, "language": "", "speed": None, "provider": "  ", "output_path": " "}
    _, sent = await ask(make_settings(), "webvoice_tts", {"text": "Hi", **blank}, spoken())
    assert sent == {"text": "Hi", "voice": "af_sarah", "language": "en", "speed": 0.9}


async def test_the_first_listed_voice_of_a_language_is_used(make_settings: MakeSettings) -> None:
    service = ScriptedTransport(answer(VOICES), spoken())
    async with connected(make_settings(), service) as client:
        result = fields(await client.call_tool("webvoice_tts", {"text": "Hi", "language": "fr"}))
    assert service.asked == [("GET", "voices/"), ("POST", "tts/")]
    assert json.loads(service.bodies[-1])["voice"] == result["voice"] == "ff_siwis"


@pytest.mark.parametrize("background", [False, True])
async def test_a_language_without_a_voice_is_refused_unpaid(
    make_settings: MakeSettings, out: Path, background: bool
) -> None:
    service = ScriptedTransport(answer({"voices": {"en": [{"id": "af_sarah"}]}}))
    arguments = {"text": "Hi", "language": "xx", "background": background}
    async with connected(make_settings(), service) as client:
        text = failed(await client.call_tool("webvoice_tts", arguments))
    assert text.startswith("invalid_argument: language 'xx' has no voice.")
    assert service.asked == [("GET", "voices/")]
    assert not await anyio.Path(out).exists()


async def test_speech_that_cannot_be_made_is_refused_before_any_request(make_settings: MakeSettings, out: Path) -> None:
    put(out / "there.mp3", MP3_BYTES)
    expected: list[tuple[dict[str, Any], str]] = [
        ({"text": "Hi", "output_path": "x.wav"}, "invalid_argument: output_path"),
        ({"text": "Hi", "output_path": ".ssh/x.mp3"}, "path_not_allowed: "),
        ({"text": "Hi", "output_path": "there.mp3/x.mp3"}, "disk_error: "),
        ({"text": "Hi", "output_path": "there.mp3", "language": "fr"}, "file_exists: "),
        ({"text": "Hi", "speed": 0.4}, "invalid_argument: speed must be a number from 0.5 to 2. "),
        ({"text": "Hi", "speed": 2.1}, "invalid_argument: speed must be a number from 0.5 to 2. "),
    ]
    await check_refused(make_settings(), "webvoice_tts", expected)
    assert everything_in(out) == ["there.mp3"]


async def test_a_file_may_be_replaced_if_the_settings_allow_it(make_settings: MakeSettings, out: Path) -> None:
    put(out / "x.mp3", FRAME * 9)
    await ask(make_settings(OVERWRITE=1), "webvoice_tts", {"text": "Hi", "output_path": "x.mp3"}, spoken())
    assert (out / "x.mp3").read_bytes() == MP3_BYTES


async def test_another_audio_format_gets_its_own_extension(make_settings: MakeSettings, out: Path) -> None:
    arguments = {"text": "Hi", "output_path": "x.mp3"}
    result, _ = await ask(make_settings(), "webvoice_tts", arguments, spoken(wav_bytes()))
    assert [(file["path"], file["mime_type"]) for file in result["files"]] == [(str(out / "x.wav"), "audio/wav")]


@pytest.mark.parametrize(
    ("content", "name", "kind", "mime_type"),
    [
        (b"OggS" + bytes(22) + b"\x01\x08OpusHead", "x.ogg", "Ogg", "audio/ogg"),
        (b"\xff\xf1\x50\x80\x01\x1f\xfc" + bytes(1), "x.aac", "AAC", "audio/aac"),
        (wav_bytes(), "x.wav", "WAV", "audio/wav"),
    ],
)
async def test_sound_of_another_kind_is_kept_under_its_true_extension(
    make_settings: MakeSettings, out: Path, content: bytes, name: str, kind: str, mime_type: str
) -> None:
    async with connected(make_settings(), ScriptedTransport(spoken(content))) as client:
        result = fields(await client.call_tool("webvoice_tts", {"text": "Hello", "output_path": "x.mp3"}))
    path = out / name
    (file,) = result["files"]
    assert (file["path"], file["mime_type"]) == (str(path), mime_type)
    assert result["note"] == f"It came as {kind}, so its extension is {path.suffix}: {path}."
    assert path.read_bytes() == content


@pytest.mark.parametrize(("content", "name"), [(b"<html>Sorry</html>", "x.txt"), (b"\0\1\2", "x.bin")])
async def test_content_that_is_no_audio_is_an_error_but_kept(
    make_settings: MakeSettings, out: Path, content: bytes, name: str
) -> None:
    async with connected(make_settings(), ScriptedTransport(spoken(content))) as client:
        text = failed(await client.call_tool("webvoice_tts", {"text": "Hi", "output_path": "x.mp3"}))
    assert text.startswith("invalid_response: The service's answer has no audio in it.")
    assert f"{out / name} ({len(content)} bytes)" in text
    assert (out / name).read_bytes() == content


async def test_a_failed_call_leaves_no_file(make_settings: MakeSettings, out: Path) -> None:
    no_audio = f"invalid_response: The service's answer has no audio in it. {MAYBE_SPENT}"
    cut = ChunkedBody([b'{"audio":"' + b"QUJD" * 999, httpx2.ReadError("cut")])
    failures: list[tuple[Any, str]] = [
        (answer({"success": True, "duration": 2.5}), no_audio),
        (answer({"audio": "https://cdn.example/a.mp3"}), f"{no_audio} The service sent a link; fetch it yourself: "),
        (answer({"audio": "####"}), "invalid_response: "),
        (answer({"success": False, "message": "No."}), "bad_request: "),
        (answer({"error": "No"}, 402), "insufficient_credits: "),
        (httpx2.ReadError("reset"), "network_error: "),
        (httpx2.Response(200, stream=cut), "invalid_response: The service's answer was cut short."),
    ]
    async with connected(make_settings(), ScriptedTransport(*(reply for reply, _ in failures))) as client:
        arguments = {"text": "Hi", "output_path": "deep/er/x.mp3"}
        texts = [failed(await client.call_tool("webvoice_tts", arguments)) for _ in failures]
    for (_, beginning), text in zip(failures, texts, strict=True):
        assert text.startswith(beginning)
    assert everything_in(out) == []


async def test_an_answer_over_the_size_limit_is_stopped(make_settings: MakeSettings, out: Path) -> None:
    async with connected(make_settings(MAX_FILE_MB="0.001"), ScriptedTransport(spoken())) as client:
        text = failed(await client.call_tool("webvoice_tts", {"text": "Hi"}))
    assert text.startswith("invalid_response: ")
    assert "WEBVOICE_MAX_FILE_MB" in text
    assert "Credits may have been spent" in text
    assert everything_in(out) == []


async def test_a_folder_that_is_removed_during_the_call_is_an_error(make_settings: MakeSettings, out: Path) -> None:
    async def remove_folder(_: httpx2.Request) -> httpx2.Response:
        await anyio.to_thread.run_sync(shutil.rmtree, out)
        return spoken()

    async with connected(make_settings(), ScriptedTransport(remove_folder)) as client:
        text = failed(await client.call_tool("webvoice_tts", {"text": "Hi"}))
    assert text.startswith("disk_error: ")
    assert not await anyio.Path(out).exists()


async def test_a_disk_that_fills_up_is_reported_with_the_credits(
    make_settings: MakeSettings, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = os.write

    def write(descriptor: int, data: bytes) -> int:
        if len(data) > 100:
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(descriptor, data)

    monkeypatch.setattr(os, "write", write)
    async with connected(make_settings(), ScriptedTransport(spoken())) as client:
        text = failed(await client.call_tool("webvoice_tts", {"text": "Hi", "output_path": "x.mp3"}))
    assert text == (
        f"disk_error: Cannot write {out / 'x.mp3'}: No space left on device. Make room, or choose a folder on another "
        f"disk. {MAYBE_SPENT}"
    )
    assert everything_in(out) == []


async def test_a_link_beside_the_audio_is_reported(make_settings: MakeSettings) -> None:
    audio = [base64.b64encode(MP3_BYTES).decode(), "https://cdn.example/b.mp3"]
    result, _ = await ask(make_settings(), "webvoice_tts", {"text": "Hi"}, answer({"audio": audio}))
    assert result["note"] == "The service sent a link; fetch it yourself: https://cdn.example/b.mp3"


@pytest.fixture
def recording(out: Path) -> Path:
    put(out / "my talk.mp3", MP3_BYTES)
    return out / "my talk.mp3"


async def test_a_recording_is_uploaded_and_its_text_returned(make_settings: MakeSettings, recording: Path) -> None:
    service = ScriptedTransport(answer({**TRANSCRIPT, "credits_remaining": 99.2}))
    async with connected(make_settings(), service) as client:
        arguments = {"audio_path": "my talk.mp3", "language": " it ", "provider": "whisper_groq"}
        result = fields(await client.call_tool("webvoice_stt", arguments))
    assert result == {
        "text": "Hello",
        "language": "en",
        "duration": 10.5,
        "credits_used": 0.3,
        "credits_remaining": 99.2,
    }
    request = service.requests[0]
    assert request.headers["content-length"] == str(len(service.bodies[0]))
    language, provider, audio = form(request, service.bodies[0])
    assert (language[0], language[3]) == ("language", b"it")
    assert (provider[0], provider[3]) == ("provider", b"whisper_groq")
    assert (audio[0], audio[2], audio[3]) == ("audio", "audio/mpeg", MP3_BYTES)
    assert (audio[1] or "").endswith(".mp3")


@pytest.mark.parametrize("output_path", ["talk", "talk.txt"])
async def test_the_text_can_be_saved(make_settings: MakeSettings, recording: Path, out: Path, output_path: str) -> None:
    async with connected(make_settings(), ScriptedTransport(answer({**TRANSCRIPT, "text": "Città ✓"}))) as client:
        arguments = {"audio_path": str(recording), "output_path": output_path}
        result = fields(await client.call_tool("webvoice_stt", arguments))
    assert [file["path"] for file in result["files"]] == [str(out / "talk.txt")]
    assert (out / "talk.txt").read_text("utf-8") == "Città ✓"


async def test_a_text_that_cannot_be_saved_is_returned_nevertheless(
    make_settings: MakeSettings, recording: Path, out: Path
) -> None:
    reply = answer({**TRANSCRIPT, "text": "x" * 3000})
    async with connected(make_settings(MAX_FILE_MB="0.001", MAX_UPLOAD_MB="1"), ScriptedTransport(reply)) as client:
        arguments = {"audio_path": str(recording), "output_path": "talk.txt"}
        result = fields(await client.call_tool("webvoice_stt", arguments))
    assert result["text"] == "x" * 3000
    assert result["note"].startswith("The text could not be saved: ")
    assert everything_in(out) == ["my talk.mp3"]


async def test_recordings_that_cannot_be_sent_are_refused_before_any_request(
    make_settings: MakeSettings, recording: Path, out: Path
) -> None:
    put(out / "text.mp3", b"just words")
    put(out / "text.txt", b"just words")
    before = everything_in(out)
    expected: list[tuple[dict[str, Any], str]] = [
        ({"audio_path": "nowhere.mp3"}, "file_not_found: audio_path"),
        ({"audio_path": "."}, "unsupported_media: audio_path"),
        ({"audio_path": "my talk.mp3", "output_path": "x.mp3"}, "invalid_argument: output_path"),
        ({"audio_path": "my talk.mp3", "output_path": "text.txt"}, "file_exists: "),
        ({"audio_path": "text.mp3", "output_path": "new/"}, "unsupported_media: audio_path"),
        ({"audio_path": "x", "provider": "y"}, "invalid_argument: provider should be 'whisper_small', 'whisper_fast'"),
    ]
    await check_refused(make_settings(), "webvoice_stt", expected)
    too_large = [({"audio_path": str(recording)}, "invalid_argument: Two seconds of this recording")]
    await check_refused(make_settings(MAX_UPLOAD_MB="0.001"), "webvoice_stt", too_large)
    assert everything_in(out) == before


async def test_an_answer_without_text_is_an_error(make_settings: MakeSettings, recording: Path) -> None:
    async with connected(make_settings(), ScriptedTransport(answer({"success": True}))) as client:
        text = failed(await client.call_tool("webvoice_stt", {"audio_path": str(recording)}))
    assert text.startswith("invalid_response: The service's answer has no usable text.")


async def test_an_odd_small_field_of_a_paid_answer_is_left_out(make_settings: MakeSettings, recording: Path) -> None:
    odd = {**TRANSCRIPT, "duration": {"seconds": 1}, "credits_used": "many", "new": [1]}
    async with connected(make_settings(), ScriptedTransport(answer(odd))) as client:
        result = fields(await client.call_tool("webvoice_stt", {"audio_path": str(recording)}))
    assert result == {"text": "Hello", "language": "en", "new": [1]}


@pytest.mark.parametrize(
    ("arguments", "codes"), [({}, ["en", "fr"]), ({"language": "EN", "provider": "p"}, ["en"]), ({"language": "x"}, [])]
)
async def test_voices_are_listed_by_language(
    make_settings: MakeSettings, arguments: dict[str, str], codes: list[str]
) -> None:
    service = ScriptedTransport(answer(VOICES))
    async with connected(make_settings(), service) as client:
        result = fields(await client.call_tool("webvoice_list_voices", arguments))
    all_voices = {
        "en": [{"id": "af_sarah", "name": "Sarah"}, {"id": "am_adam", "name": "am_adam"}],
        "fr": [{"id": "ff_siwis", "name": "Siwis"}],
    }
    voices = {code: all_voices[code] for code in codes}
    assert result == {"voices": voices, "count": sum(map(len, voices.values()))}
    assert dict(service.requests[0].url.params) == arguments


@pytest.mark.parametrize(("language", "codes"), [("fr-CA", ["fr"]), ("en_US", ["en"]), ("xx-YY", []), ("-", [])])
async def test_a_language_without_voices_is_answered_with_its_base(
    make_settings: MakeSettings, language: str, codes: list[str]
) -> None:
    service = ScriptedTransport(answer(VOICES), answer(VOICES))
    async with connected(make_settings(), service) as client:
        result = fields(await client.call_tool("webvoice_list_voices", {"language": language}))
    assert list(result["voices"]) == codes
    asked = [request.url.params["language"] for request in service.requests]
    assert asked == ([language, language[:2]] if language[:2] != language else [language])


async def test_a_recording_without_speech_has_an_empty_transcript(make_settings: MakeSettings, recording: Path) -> None:
    reply = answer({**TRANSCRIPT, "text": None})
    async with connected(make_settings(), ScriptedTransport(reply)) as client:
        result = fields(await client.call_tool("webvoice_stt", {"audio_path": str(recording)}))
    assert (result["text"], result["credits_used"]) == ("", 0.3)
