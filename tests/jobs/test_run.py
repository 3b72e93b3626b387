"""One paid call: refused before its request, or delivered with everything that was paid for."""

import base64
import errno
import itertools
import os
from pathlib import Path
from typing import Any

import pytest

from tests.files.samples import PNG_BYTES
from tests.jobs.world import BY_TOOL, Upstream, last_job, left, made_in, put_inputs, rows
from tests.support import MakeSettings, connected, failed, fields

CHAT = BY_TOOL["webvoice_chat"]
TTS, STT, EDIT = BY_TOOL["webvoice_tts"], BY_TOOL["webvoice_stt"], BY_TOOL["webvoice_image_to_image"]


@pytest.mark.parametrize(
    ("tool", "arguments", "code"),
    [
        ("webvoice_tts", {"text": "x", "output_path": "new/there.wav"}, "invalid_argument"),
        ("webvoice_stt", {"audio_path": "missing.wav", "output_path": "new/x.txt"}, "file_not_found"),
        ("webvoice_image_to_video", {"prompt": "x", "image": "talk.wav"}, "unsupported_media"),
        ("webvoice_text_to_video", {"prompt": "x", "duration": 15, "output_path": "new/x.mp4"}, "budget_exceeded"),
    ],
)
async def test_a_refused_call_leaves_neither_job_nor_folder(
    make_settings: MakeSettings, tmp_path: Path, tool: str, arguments: dict[str, Any], code: str
) -> None:
    put_inputs(tmp_path / "out")
    upstream = Upstream({})
    async with connected(make_settings(MAX_CREDITS=1), upstream) as client:
        assert failed(await client.call_tool(tool, arguments)).startswith(f"{code}: ")
        assert fields(await client.call_tool("webvoice_jobs", {})) == {"jobs": []}
    assert upstream.asked == []
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["photo.png", "talk.wav"]


@pytest.mark.parametrize(
    ("tool", "arguments", "argument"),
    [
        ("webvoice_stt", {"audio_path": "photo.png"}, "audio_path: photo.png is PNG"),
        ("webvoice_image_to_video", {"prompt": "x", "image": "talk.wav"}, "image: talk.wav is WAV"),
        ("webvoice_image_to_image", {"prompt": "x", "images": ["photo.png", "talk.wav"]}, "images[1]: talk.wav is WAV"),
    ],
)
async def test_a_file_of_the_wrong_kind_is_refused_by_its_argument(
    make_settings: MakeSettings, tmp_path: Path, tool: str, arguments: dict[str, Any], argument: str
) -> None:
    put_inputs(tmp_path / "out")
    async with connected(make_settings(), Upstream({})) as client:
        assert failed(await client.call_tool(tool, arguments)).startswith(f"unsupported_media: {argument}, judged by ")


async def test_voices_are_asked_for_only_if_the_result_could_be_saved(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    upstream = Upstream({"voices": {"fr": [{"id": "ff_siwis"}]}, **TTS.answer})
    async with connected(make_settings(), upstream) as client:
        asked = {"text": "x", "language": "fr", "output_path": "deep/made.mp3"}
        fields(await client.call_tool("webvoice_tts", asked))
        failed(await client.call_tool("webvoice_tts", asked))
    assert upstream.asked == [("GET", "voices/"), ("POST", "tts/")]
    assert made_in(tmp_path / "out") == {"made.mp3": TTS.content}


async def test_media_of_another_kind_is_kept_and_recorded(make_settings: MakeSettings, tmp_path: Path) -> None:
    wrong = {**TTS.answer, "audio": EDIT.answer["image"]}
    async with connected(make_settings(MAX_CREDITS=100), Upstream(wrong)) as client:
        assert failed(await client.call_tool("webvoice_tts", TTS.arguments)).startswith("invalid_response: ")
        job = await last_job(client)
        assert await left(client) == 99.25
    (row,) = rows(tmp_path / "state")
    ((name, content),) = made_in(tmp_path / "out").items()
    assert content == EDIT.content
    assert (row["state"], row["error"], row["credits"]) == ("failed", "invalid_response", 0.75)
    assert row["files"] == f'["{tmp_path / "out" / name}"]'
    assert job["error"]["code"] == "invalid_response"


def refuse_call(monkeypatch: pytest.MonkeyPatch, call: str, number: int) -> None:
    """Let the file system refuse one call of a function of os."""
    real, number_of_call = getattr(os, call), itertools.count(1)

    def call_or_refuse(*arguments: Any, **options: Any) -> Any:
        if next(number_of_call) == number:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*arguments, **options)

    monkeypatch.setattr(os, call, call_or_refuse)


def drawing(*images: bytes | str) -> Upstream:
    media = [image if isinstance(image, str) else base64.b64encode(image).decode() for image in images]
    return Upstream({"success": True, "images": media, "credits_used": 4})


TWO = {"prompt": "x", "provider": "nucleus", "num_images": 2, "output_path": "x.png"}
FULL = "No space left on device. Make room, or choose a folder on another disk."


async def test_an_image_after_one_that_cannot_be_saved_is_saved(
    make_settings: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_call(monkeypatch, "fsync", 1)
    async with connected(make_settings(), drawing(PNG_BYTES, PNG_BYTES + b"2")) as client:
        result = fields(await client.call_tool("webvoice_image", TWO))
    path = tmp_path / "out" / "x.png"
    assert result["note"] == f"One more arrived and could not be saved: Cannot write {path}: {FULL}"
    assert made_in(tmp_path / "out") == {"x.png": PNG_BYTES + b"2"}


async def test_unusable_content_is_named_beside_an_error_of_the_disk(
    make_settings: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_call(monkeypatch, "fsync", 1)
    async with connected(make_settings(), drawing(PNG_BYTES, b"\0\1")) as client:
        said = failed(await client.call_tool("webvoice_image", TWO))
    assert FULL in said
    assert said.endswith(f" Not image, kept as it came: {tmp_path / 'out' / 'x.bin'} (2 bytes).")


async def test_all_unusable_content_is_kept_and_named(make_settings: MakeSettings, tmp_path: Path) -> None:
    async with connected(make_settings(), drawing(b"\0\1", b"\0\2\3")) as client:
        said = failed(await client.call_tool("webvoice_image", TWO))
    path = tmp_path / "out" / "x"
    assert said.endswith(f" Not image, kept as it came: {path}.bin (2 bytes), {path}-2.bin (3 bytes).")


async def test_several_links_are_named_in_one_line(make_settings: MakeSettings) -> None:
    async with connected(make_settings(), drawing("https://a/1.png", "https://b/2.png")) as client:
        said = failed(await client.call_tool("webvoice_image", TWO))
    assert said.endswith(" The service sent a link; fetch it yourself: https://a/1.png https://b/2.png")


async def test_long_links_are_quoted_if_no_file_can_hold_them(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = "https://a/" + "x" * 250
    refuse_call(monkeypatch, "fsync", 1)
    async with connected(make_settings(), drawing(link)) as client:
        said = failed(await client.call_tool("webvoice_image", TWO))
    assert said.endswith(f" The service sent a link; fetch it yourself: {link}")


async def test_a_chat_without_a_bill_counts_as_estimated(make_settings: MakeSettings, tmp_path: Path) -> None:
    answer = {name: value for name, value in CHAT.answer.items() if name != "webvoice"}
    async with connected(make_settings(MAX_CREDITS=100), Upstream(answer)) as client:
        assert fields(await client.call_tool(CHAT.tool, CHAT.arguments))["text"] == "Good day to you"
        assert await left(client) == 100 - CHAT.estimate
    assert rows(tmp_path / "state")[0]["credits"] is None


async def test_a_transcription_without_a_bill_counts_as_estimated(make_settings: MakeSettings, tmp_path: Path) -> None:
    without_bill = {name: value for name, value in STT.answer.items() if not name.startswith("credits")}
    put_inputs(tmp_path / "out")
    async with connected(make_settings(MAX_CREDITS=100), Upstream(without_bill)) as client:
        fields(await client.call_tool(STT.tool, STT.arguments))
        assert await left(client) == pytest.approx(99.7)
        assert fields(await client.call_tool("webvoice_usage", {}))["recent"][0]["credits"] is None
    async with connected(make_settings(), Upstream({})) as client:
        later = await last_job(client)
    assert [file["path"] for file in later["result"]["files"]] == [str(tmp_path / "out" / "talk.txt")]
    assert "credits_used" not in later["result"]


async def test_a_bill_of_zero_counts_as_estimated_and_is_shown_as_sent(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    async with connected(make_settings(MAX_CREDITS=100), Upstream({**TTS.answer, "credits_used": 0})) as client:
        assert fields(await client.call_tool(TTS.tool, TTS.arguments))["credits_used"] == 0
        assert await left(client) == 100 - TTS.estimate
    assert rows(tmp_path / "state")[0]["credits"] is None


@pytest.mark.slow
async def test_a_refused_connection_costs_nothing(make_settings: MakeSettings, tmp_path: Path) -> None:
    upstream = Upstream({}, fail="refused")
    async with connected(make_settings(MAX_CREDITS=100), upstream) as client:
        assert failed(await client.call_tool("webvoice_tts", {"text": "x"})).startswith("network_error: ")
        assert await left(client) == 100
    assert rows(tmp_path / "state")[0]["credits"] == 0.0
