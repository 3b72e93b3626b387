"""The speech tools, through MCP, against scripted answers."""

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
from tests.support import ChunkedBody, MakeSettings, ScriptedTransport, answer, connected, failed, fields, form

VOICES = {
    "success": True,
    "voices": {
        "en": [{"id": "af_sarah", "name": "Sarah"}, {"id": "am_adam"}],
        "fr": [{"id": "ff_siwis", "name": "Siwis", "new": 1}],
    },
}
HEARD = {"success": True, "text": "Hello", "language": "en", "duration": 10.5, "credits_used": 0.3}


def spoken(content: bytes = MP3_BYTES, **more: Any) -> httpx2.Response:
    audio = base64.b64encode(content).decode()
    body = {"success": True, "audio": audio, "format": "mp3", "duration": 2.5, "credits_used": 0.5, **more}
    return answer(body)


async def test_text_is_spoken_into_a_file(make_settings: MakeSettings, out: Path) -> None:
    sent = ScriptedTransport(spoken(credits_remaining=99.5, provider="kokoro"))
    async with connected(make_settings(), sent) as client:
        result = await client.call_tool("webvoice_tts", {"text": "Hello there", "output_path": "hello"})
    path = out / "hello.mp3"
    assert path.read_bytes() == MP3_BYTES
    assert json.loads(sent.bodies[0]) == {"text": "Hello there", "voice": "af_sarah", "language": "en", "speed": 0.9}
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


async def test_base64_is_in_no_text(make_settings: MakeSettings) -> None:
    async with connected(make_settings(), ScriptedTransport(spoken())) as client:
        result = await client.call_tool("webvoice_tts", {"text": "Hi"})
    assert base64.b64encode(FRAME).decode()[:40] not in result.model_dump_json()


async def test_a_name_is_made_from_tool_time_and_words(make_settings: MakeSettings, out: Path) -> None:
    async with connected(make_settings(), ScriptedTransport(spoken(), spoken())) as client:
        for _ in range(2):
            fields(await client.call_tool("webvoice_tts", {"text": "Ciao, città/../mondo!"}))
    names = everything_in(out)
    assert len(names) == 2
    assert all(name.startswith("tts-") and name.endswith(".mp3") and "/" not in name for name in names)
    assert all("ciao-citta-mondo" in name for name in names)


async def test_every_argument_reaches_the_service(make_settings: MakeSettings) -> None:
    sent = ScriptedTransport(spoken())
    arguments = {"text": "Hi", "voice": "v", "language": "de", "speed": "2.0", "provider": "p"}
    async with connected(make_settings(), sent) as client:
        fields(await client.call_tool("webvoice_tts", arguments))
    assert json.loads(sent.bodies[0]) == {**arguments, "speed": 2.0}


@pytest.mark.parametrize(
    ("language", "voice", "asked"),
    [
        ("it", "if_sara", [("POST", "tts/")]),
        ("fr", "ff_siwis", [("GET", "voices/"), ("POST", "tts/")]),
    ],
)
async def test_a_language_has_a_voice_of_its_own(
    make_settings: MakeSettings, language: str, voice: str, asked: list[tuple[str, str]]
) -> None:
    answers = [answer(VOICES), spoken()][-len(asked) :]
    sent = ScriptedTransport(*answers)
    async with connected(make_settings(), sent) as client:
        result = fields(await client.call_tool("webvoice_tts", {"text": "Hi", "language": language}))
    assert sent.asked == asked
    assert json.loads(sent.bodies[-1])["voice"] == result["voice"] == voice


async def test_a_language_without_a_voice_is_refused_unpaid(make_settings: MakeSettings, out: Path) -> None:
    sent = ScriptedTransport(answer({"voices": {"en": [{"id": "af_sarah"}]}}))
    async with connected(make_settings(), sent) as client:
        said = failed(await client.call_tool("webvoice_tts", {"text": "Hi", "language": "xx"}))
    assert said.startswith("invalid_argument: language 'xx' has no voice.")
    assert sent.asked == [("GET", "voices/")]
    assert not await anyio.Path(out).exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"text": "Hi", "output_path": "x.wav"}, "invalid_argument: output_path"),
        ({"text": "Hi", "output_path": "there.mp3"}, "file_exists: "),
        ({"text": "Hi", "output_path": ".ssh/x.mp3"}, "path_not_allowed: "),
        ({"text": "Hi", "output_path": "there.mp3/x.mp3"}, "disk_error: "),
        ({"text": "Hi", "output_path": "there.mp3", "language": "fr"}, "file_exists: "),
        ({"text": "Hi", "speed": 0.4}, "invalid_argument: speed should be greater than or equal to 0.5"),
        ({"text": "Hi", "speed": 2.1}, "invalid_argument: speed should be less than or equal to 2"),
        ({"text": " \n"}, "invalid_argument: text is blank"),
        ({}, "invalid_argument: text is missing"),
        ({"text": 5}, "invalid_argument: text should be a valid string"),
        ({"text": "Hi", "speeed": 1}, "invalid_argument: webvoice_tts does not know the argument 'speeed'"),
    ],
)
async def test_what_cannot_be_spoken_or_saved_is_refused_before_any_request(
    make_settings: MakeSettings, out: Path, arguments: dict[str, Any], sentence: str
) -> None:
    put(out / "there.mp3", MP3_BYTES)
    sent = ScriptedTransport()
    async with connected(make_settings(), sent) as client:
        assert failed(await client.call_tool("webvoice_tts", arguments)).startswith(sentence)
    assert sent.requests == []
    assert everything_in(out) == ["there.mp3"]


@pytest.mark.parametrize("nothing", [None, "", "  "])
async def test_optional_arguments_may_be_null_or_blank(make_settings: MakeSettings, nothing: str | None) -> None:
    sent = ScriptedTransport(spoken())
    arguments = dict.fromkeys(("voice", "language", "speed", "provider", "output_path"), nothing)
    async with connected(make_settings(), sent) as client:
        fields(await client.call_tool("webvoice_tts", {"text": "Hi", **arguments}))
    assert json.loads(sent.bodies[0]) == {"text": "Hi", "voice": "af_sarah", "language": "en", "speed": 0.9}


async def test_an_existing_file_may_be_replaced_when_a_person_allows_it(make_settings: MakeSettings, out: Path) -> None:
    put(out / "x.mp3", FRAME * 9)
    async with connected(make_settings(OVERWRITE=1), ScriptedTransport(spoken())) as client:
        fields(await client.call_tool("webvoice_tts", {"text": "Hi", "output_path": "x.mp3"}))
    assert (out / "x.mp3").read_bytes() == MP3_BYTES


async def test_an_extension_tells_the_truth_about_another_audio_format(make_settings: MakeSettings, out: Path) -> None:
    async with connected(make_settings(), ScriptedTransport(spoken(wav_bytes()))) as client:
        result = fields(await client.call_tool("webvoice_tts", {"text": "Hi", "output_path": "x.mp3"}))
    assert [(each["path"], each["mime_type"]) for each in result["files"]] == [(str(out / "x.wav"), "audio/wav")]


@pytest.mark.parametrize(("content", "name"), [(b"<html>Sorry</html>", "x.txt"), (b"\0\1\2", "x.bin")])
async def test_what_is_no_audio_is_an_error_and_kept_since_it_may_have_been_paid_for(
    make_settings: MakeSettings, out: Path, content: bytes, name: str
) -> None:
    async with connected(make_settings(), ScriptedTransport(spoken(content))) as client:
        said = failed(await client.call_tool("webvoice_tts", {"text": "Hi", "output_path": "x.mp3"}))
    assert said.startswith("invalid_response: The service's answer has no audio in it.")
    assert f"{out / name} ({len(content)} bytes)" in said
    assert (out / name).read_bytes() == content


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (answer({"success": True, "duration": 2.5}), "invalid_response: The service's answer has no audio in it."),
        (answer({"audio": "https://cdn.example/a.mp3"}), "invalid_response: The service's answer has no audio in it."),
        (answer({"audio": "####"}), "invalid_response: "),
        (answer({"success": False, "message": "No."}), "bad_request: "),
        (answer({"error": "No"}, 402), "insufficient_credits: "),
        (httpx2.Response(200, text="<html>"), "invalid_response: "),
        (httpx2.ReadError("reset"), "network_error: "),
        (
            httpx2.Response(200, stream=ChunkedBody([b'{"audio":"' + b"QUJD" * 999, httpx2.ReadError("cut")])),
            "invalid_response: The service's answer was cut short.",
        ),
    ],
)
async def test_a_failed_call_leaves_no_file(make_settings: MakeSettings, out: Path, answer: Any, sentence: str) -> None:
    async with connected(make_settings(), ScriptedTransport(answer)) as client:
        said = failed(await client.call_tool("webvoice_tts", {"text": "Hi", "output_path": "deep/er/x.mp3"}))
    assert said.startswith(sentence)
    assert everything_in(out) == []


async def test_a_link_in_place_of_the_audio_is_told(make_settings: MakeSettings) -> None:
    async with connected(make_settings(), ScriptedTransport(answer({"audio": "https://cdn.example/a.mp3"}))) as client:
        assert "https://cdn.example/a.mp3" in failed(await client.call_tool("webvoice_tts", {"text": "Hi"}))


async def test_an_answer_over_the_limit_is_stopped_and_nothing_stays(make_settings: MakeSettings, out: Path) -> None:
    async with connected(make_settings(MAX_FILE_MB="0.001"), ScriptedTransport(spoken(MP3_BYTES))) as client:
        said = failed(await client.call_tool("webvoice_tts", {"text": "Hi"}))
    assert said.startswith("invalid_response: ")
    assert "WEBVOICE_MAX_FILE_MB" in said
    assert "Credits may have been spent" in said
    assert everything_in(out) == []


async def test_a_disk_that_fails_after_the_answer_says_that_credits_may_be_gone(
    make_settings: MakeSettings, out: Path
) -> None:
    async def removed(_: httpx2.Request) -> httpx2.Response:
        await anyio.to_thread.run_sync(shutil.rmtree, out)
        return spoken()

    async with connected(make_settings(), ScriptedTransport(removed)) as client:
        said = failed(await client.call_tool("webvoice_tts", {"text": "Hi"}))
    assert said.startswith("disk_error: ")
    assert not await anyio.Path(out).exists()


async def test_a_disk_that_is_full_when_the_audio_comes_says_that_credits_may_be_gone(
    make_settings: MakeSettings, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = os.write

    def full(descriptor: int, data: bytes) -> int:
        if len(data) > 100:
            raise OSError(errno.ENOSPC, "No space left on device")
        return really(descriptor, data)

    monkeypatch.setattr(os, "write", full)
    async with connected(make_settings(), ScriptedTransport(spoken())) as client:
        said = failed(await client.call_tool("webvoice_tts", {"text": "Hi", "output_path": "x.mp3"}))
    assert said == (
        f"disk_error: Cannot write {out / 'x.mp3'}: No space left on device. Make room, or choose a folder on another "
        "disk. The service had answered, so credits may have been spent. See webvoice_status before you repeat the "
        "call."
    )
    assert everything_in(out) == []


async def test_an_answer_without_audio_says_what_to_do(make_settings: MakeSettings) -> None:
    async with connected(make_settings(), ScriptedTransport(answer({"success": True}))) as client:
        said = failed(await client.call_tool("webvoice_tts", {"text": "Hi"}))
    assert said == (
        "invalid_response: The service's answer has no audio in it. The service had answered, so credits may have been "
        "spent. See webvoice_status before you repeat the call."
    )


async def test_what_came_beside_the_audio_is_told(make_settings: MakeSettings) -> None:
    audio = [base64.b64encode(MP3_BYTES).decode(), "https://cdn.example/b.mp3"]
    async with connected(make_settings(), ScriptedTransport(answer({"audio": audio}))) as client:
        result = fields(await client.call_tool("webvoice_tts", {"text": "Hi"}))
    assert result["note"] == "The service sent a link; fetch it yourself: https://cdn.example/b.mp3"


@pytest.fixture
def recording(out: Path) -> Path:
    out.mkdir()
    path = out / "my talk.mp3"
    path.write_bytes(MP3_BYTES)
    return path


async def test_a_recording_is_uploaded_and_its_text_returned(make_settings: MakeSettings, recording: Path) -> None:
    sent = ScriptedTransport(answer({**HEARD, "credits_remaining": 99.2}))
    async with connected(make_settings(), sent) as client:
        result = await client.call_tool("webvoice_stt", {"audio_path": str(recording)})
    assert fields(result) == {
        "text": "Hello",
        "language": "en",
        "duration": 10.5,
        "credits_used": 0.3,
        "credits_remaining": 99.2,
    }
    request = sent.requests[0]
    assert request.headers["content-length"] == str(len(sent.bodies[0]))
    ((field, name, mime_type, content),) = form(request, sent.bodies[0])
    assert (field, mime_type, content) == ("audio", "audio/mpeg", MP3_BYTES)
    assert name is not None
    assert name.endswith(".mp3")


@pytest.mark.parametrize(
    ("arguments", "sent_fields"),
    [
        ({"language": "auto"}, {}),
        ({"language": " Auto "}, {}),
        ({"language": "it", "provider": "whisper_groq"}, {"language": b"it", "provider": b"whisper_groq"}),
    ],
)
async def test_language_and_provider_are_fields_of_the_form(
    make_settings: MakeSettings, recording: Path, arguments: dict[str, str], sent_fields: dict[str, bytes]
) -> None:
    sent = ScriptedTransport(answer(HEARD))
    async with connected(make_settings(), sent) as client:
        fields(await client.call_tool("webvoice_stt", {"audio_path": "my talk.mp3", **arguments}))
    parts = {name: content for name, _, _, content in form(sent.requests[0], sent.bodies[0])}
    assert parts == {**sent_fields, "audio": MP3_BYTES}


@pytest.mark.parametrize("output_path", ["talk", "talk.txt"])
async def test_the_text_can_be_saved(make_settings: MakeSettings, recording: Path, out: Path, output_path: str) -> None:
    async with connected(make_settings(), ScriptedTransport(answer({**HEARD, "text": "Città ✓"}))) as client:
        arguments = {"audio_path": str(recording), "output_path": output_path}
        result = fields(await client.call_tool("webvoice_stt", arguments))
    assert [each["path"] for each in result["files"]] == [str(out / "talk.txt")]
    assert (out / "talk.txt").read_text("utf-8") == "Città ✓"


async def test_a_text_that_cannot_be_saved_is_returned_all_the_same(
    make_settings: MakeSettings, recording: Path, out: Path
) -> None:
    body = answer({**HEARD, "text": "x" * 3000})
    async with connected(make_settings(MAX_FILE_MB="0.001", MAX_UPLOAD_MB="1"), ScriptedTransport(body)) as client:
        arguments = {"audio_path": str(recording), "output_path": "talk.txt"}
        result = fields(await client.call_tool("webvoice_stt", arguments))
    assert result["text"] == "x" * 3000
    assert result["note"].startswith("The text could not be saved: ")
    assert everything_in(out) == ["my talk.mp3"]


@pytest.mark.parametrize("tool", ["webvoice_stt", "webvoice_whisper_fast_stt"])
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"audio_path": "nowhere.mp3"}, "file_not_found: "),
        ({"audio_path": "text.mp3"}, "unsupported_media: "),
        ({"audio_path": "."}, "unsupported_media: "),
        ({"audio_path": "my talk.mp3", "output_path": "x.mp3"}, "invalid_argument: output_path"),
        ({"audio_path": "my talk.mp3", "output_path": "text.txt"}, "file_exists: "),
        ({"audio_path": "text.mp3", "output_path": "new/"}, "unsupported_media: "),
        ({}, "invalid_argument: audio_path is missing"),
    ],
)
async def test_what_cannot_be_heard_is_refused_before_any_request(
    make_settings: MakeSettings, recording: Path, out: Path, tool: str, arguments: dict[str, str], sentence: str
) -> None:
    (out / "text.mp3").write_text("just words")
    (out / "text.txt").write_text("just words")
    before = everything_in(out)
    sent = ScriptedTransport()
    async with connected(make_settings(), sent) as client:
        assert failed(await client.call_tool(tool, arguments)).startswith(sentence)
    assert sent.requests == []
    assert everything_in(out) == before


async def test_a_recording_over_the_limit_is_not_sent(make_settings: MakeSettings, recording: Path) -> None:
    sent = ScriptedTransport()
    async with connected(make_settings(MAX_UPLOAD_MB="0.001"), sent) as client:
        said = failed(await client.call_tool("webvoice_stt", {"audio_path": str(recording)}))
    assert said.startswith("invalid_argument: audio_path")
    assert "WEBVOICE_MAX_UPLOAD_MB" in said
    assert sent.requests == []


async def test_an_unknown_provider_names_those_there_are(make_settings: MakeSettings, recording: Path) -> None:
    async with connected(make_settings(), ScriptedTransport()) as client:
        arguments = {"audio_path": str(recording), "provider": "x"}
        said = failed(await client.call_tool("webvoice_stt", arguments))
    assert said.startswith("invalid_argument: provider should be 'whisper_small', 'whisper_fast'")


async def test_whisper_fast_sends_what_stt_would_with_that_provider(
    make_settings: MakeSettings, recording: Path, out: Path
) -> None:
    forms = []
    for tool, more in (("webvoice_whisper_fast_stt", {}), ("webvoice_stt", {"provider": "whisper_fast"})):
        sent = ScriptedTransport(answer(HEARD))
        async with connected(make_settings(), sent) as client:
            arguments = {"audio_path": str(recording), "language": "it", "output_path": f"{tool}.txt", **more}
            fields(await client.call_tool(tool, arguments))
        forms.append(form(sent.requests[0], sent.bodies[0]))
    assert forms[0] == forms[1]


async def test_an_answer_without_text_is_an_invalid_response(make_settings: MakeSettings, recording: Path) -> None:
    async with connected(make_settings(), ScriptedTransport(answer({"success": True}))) as client:
        said = failed(await client.call_tool("webvoice_stt", {"audio_path": str(recording)}))
    assert said.startswith("invalid_response: The service's answer to stt/ has no usable text.")


async def test_an_odd_small_field_of_a_paid_answer_is_left_out(make_settings: MakeSettings, recording: Path) -> None:
    odd = {**HEARD, "duration": {"seconds": 1}, "credits_used": "many", "new": [1]}
    async with connected(make_settings(), ScriptedTransport(answer(odd))) as client:
        result = fields(await client.call_tool("webvoice_stt", {"audio_path": str(recording)}))
    assert result == {"text": "Hello", "language": "en", "new": [1]}


@pytest.mark.parametrize(
    ("arguments", "query", "codes"),
    [
        ({}, {}, ["en", "fr"]),
        ({"language": "EN", "provider": "p"}, {"language": "EN", "provider": "p"}, ["en"]),
        ({"language": "xx"}, {"language": "xx"}, []),
    ],
)
async def test_voices_are_listed_by_language(
    make_settings: MakeSettings, arguments: dict[str, str], query: dict[str, str], codes: list[str]
) -> None:
    sent = ScriptedTransport(answer(VOICES))
    async with connected(make_settings(), sent) as client:
        result = fields(await client.call_tool("webvoice_list_voices", arguments))
    everything = {
        "en": [{"id": "af_sarah", "name": "Sarah"}, {"id": "am_adam", "name": "am_adam"}],
        "fr": [{"id": "ff_siwis", "name": "Siwis"}],
    }
    voices = {code: everything[code] for code in codes}
    assert result == {"voices": voices, "count": sum(map(len, voices.values()))}
    assert dict(sent.requests[0].url.params) == query
