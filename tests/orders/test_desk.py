"""Where an order is carried out: what is refused before it, and what is given back."""

from pathlib import Path
from typing import Any

import pytest

from tests.orders.world import BY_TOOL, Upstream, last_job, left, made_in, put_inputs, rows
from tests.support import MakeSettings, connected, failed, fields

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
async def test_what_is_refused_before_the_request_leaves_nothing_behind(
    make_settings: MakeSettings, tmp_path: Path, tool: str, arguments: dict[str, Any], code: str
) -> None:
    put_inputs(tmp_path / "out")
    upstream = Upstream({})
    async with connected(make_settings(MAX_CREDITS=1), upstream) as client:
        assert failed(await client.call_tool(tool, arguments)).startswith(f"{code}: ")
        assert fields(await client.call_tool("webvoice_jobs", {})) == {"jobs": []}
    assert upstream.asked == []
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == ["photo.png", "talk.wav"]


async def test_a_voice_is_looked_up_only_where_the_result_could_be_saved(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    upstream = Upstream({"voices": {"fr": [{"id": "ff_siwis"}]}, **TTS.answer})
    async with connected(make_settings(), upstream) as client:
        asked = {"text": "x", "language": "fr", "output_path": "deep/made.mp3"}
        fields(await client.call_tool("webvoice_tts", asked))
        failed(await client.call_tool("webvoice_tts", asked))
    assert upstream.asked == [("GET", "voices/"), ("POST", "tts/")]
    assert made_in(tmp_path / "out") == {"made.mp3": TTS.content}


async def test_something_else_than_what_was_ordered_is_kept_and_written_down(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    odd = {**TTS.answer, "audio": EDIT.answer["image"]}
    async with connected(make_settings(MAX_CREDITS=100), Upstream(odd)) as client:
        assert failed(await client.call_tool("webvoice_tts", TTS.arguments)).startswith("invalid_response: ")
        job = await last_job(client)
        assert await left(client) == 99.25
    (row,) = rows(tmp_path / "state")
    ((name, content),) = made_in(tmp_path / "out").items()
    assert content == EDIT.content
    assert (row["state"], row["error"], row["credits"]) == ("failed", "invalid_response", 0.75)
    assert row["files"] == f'["{tmp_path / "out" / name}"]'
    assert job["error"]["code"] == "invalid_response"


async def test_an_answer_that_names_no_price_counts_as_estimated(make_settings: MakeSettings, tmp_path: Path) -> None:
    silent = {name: value for name, value in STT.answer.items() if not name.startswith("credits")}
    put_inputs(tmp_path / "out")
    async with connected(make_settings(MAX_CREDITS=100), Upstream(silent)) as client:
        fields(await client.call_tool(STT.tool, STT.arguments))
        assert await left(client) == pytest.approx(99.7)
        assert fields(await client.call_tool("webvoice_usage", {}))["recent"][0]["credits"] is None
    async with connected(make_settings(), Upstream({})) as client:
        later = await last_job(client)
    assert [file["path"] for file in later["result"]["files"]] == [str(tmp_path / "out" / "talk.txt")]
    assert "credits_used" not in later["result"]


async def test_an_answer_that_cost_nothing_counts_nothing(make_settings: MakeSettings, tmp_path: Path) -> None:
    async with connected(make_settings(MAX_CREDITS=100), Upstream({**TTS.answer, "credits_used": 0})) as client:
        assert fields(await client.call_tool(TTS.tool, TTS.arguments))["credits_used"] == 0
        assert await left(client) == 100
    assert rows(tmp_path / "state")[0]["credits"] == 0.0


async def test_a_refused_connection_costs_nothing(make_settings: MakeSettings, tmp_path: Path) -> None:
    upstream = Upstream({}, fail="refused")
    async with connected(make_settings(MAX_CREDITS=100), upstream) as client:
        assert failed(await client.call_tool("webvoice_tts", {"text": "x"})).startswith("network_error: ")
        assert await left(client) == 100
    assert rows(tmp_path / "state")[0]["credits"] == 0.0
