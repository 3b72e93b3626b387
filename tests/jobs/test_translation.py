"""Translation of files and of lists of texts as one job."""
# ruff: noqa: ASYNC240 - the files are small

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support import MakeSettings, answer, connected, failed, fields
from webvoice_mcp.studio.subtitle_files import parse_subtitles

PARAGRAPH = "The quick brown fox jumps over the lazy dog. " * 70  # 3,150 characters, so two do not share a request
SRT = """1
00:00:01,000 --> 00:00:02,500
Hello there.

2
00:00:03,000 --> 00:00:05,000
<i>Good morning,
my friend.</i>

3
00:00:06,000 --> 00:00:07,000
...
"""


class Translator(httpx2.AsyncBaseTransport):
    """A translation service that writes in capital letters.

    Attributes:
        asked: the texts that it was asked to translate.
        fail: returns the response to a text that is to fail, None for the others.
        joins_lines: return a text of several lines as one line.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fail: Callable[[str], httpx2.Response | None] = lambda _: None
        self.joins_lines = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        text = json.loads(await request.aread())["text"]
        self.asked.append(text)
        if failure := self.fail(text):
            return failure
        translated = text.upper().replace("\n", " ") if self.joins_lines else text.upper()
        reply = {"success": True, "translated_text": translated, "source_language": "en", "target_language": "it"}
        return answer({**reply, "credits_used": 0.1, "credits_remaining": 9.0})


def given(tmp_path: Path, name: str, text: str) -> dict[str, Any]:
    """Write a file to the output folder, and return the arguments of its translation."""
    (tmp_path / "out").mkdir(exist_ok=True)
    (tmp_path / "out" / name).write_bytes(text.encode())
    return {"text_path": name, "target_language": "it"}


async def translate(settings: Any, service: Translator, arguments: dict[str, Any]) -> dict[str, Any]:
    async with connected(settings, service) as client:
        return fields(await client.call_tool("webvoice_translate", {"target_language": "it", **arguments}))


async def test_texts_share_a_request_and_come_back_in_their_order(make_settings: MakeSettings) -> None:
    service = Translator()
    texts = ["One.", "", "Two\nthree.", "- 5 -", "One."]
    result = await translate(make_settings(), service, {"texts": texts})
    assert service.asked == ["One.\nTwo\nthree.\nOne."]
    assert result["translations"] == ["ONE.", "", "TWO\nTHREE.", "- 5 -", "ONE."]
    assert (result["parts"], result["credits_used"], result["text_length"]) == (1, 0.1, sum(map(len, texts)))
    assert (result["source_language"], result["target_language"]) == ("en", "it")


async def test_where_other_lines_come_back_each_text_is_sent_by_itself(make_settings: MakeSettings) -> None:
    service = Translator()
    service.joins_lines = True
    result = await translate(make_settings(), service, {"texts": ["One.", "Two.", "One."]})
    assert service.asked[0] == "One.\nTwo.\nOne."
    assert sorted(service.asked[1:]) == ["One.", "Two."]
    assert result["translations"] == ["ONE.", "TWO.", "ONE."]
    assert (result["parts"], result["credits_used"]) == (3, 0.3)


async def test_every_cue_and_time_of_subtitles_comes_back(make_settings: MakeSettings, tmp_path: Path) -> None:
    service = Translator()
    result = await translate(make_settings(), service, given(tmp_path, "a.srt", SRT))
    assert service.asked == ["Hello there.\nGood morning, my friend."]
    translated = result["translated_text"]
    assert parse_subtitles(translated, ".srt").texts == ["HELLO THERE.", "GOOD MORNING,\nMY FRIEND.", "..."]
    assert [line for line in translated.splitlines() if "-->" in line] == re.findall(".*-->.*", SRT)
    assert "<i>" in translated
    assert "files" not in result


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.srt", "a.vtt"])
async def test_a_translation_is_saved_as_a_file_of_its_kind(
    make_settings: MakeSettings, tmp_path: Path, name: str
) -> None:
    text = {".srt": SRT, ".vtt": "WEBVTT\n\n00:01.000 --> 00:02.000\nHi\n"}.get(
        Path(name).suffix, "# Hi\r\n\r\n`you`\r\n"
    )
    service = Translator()
    arguments = given(tmp_path, name, text) | {"output_path": "made/"}
    result = await translate(make_settings(), service, arguments)
    (file,) = result["files"]
    path = Path(file["path"])
    assert (path.parent, path.suffix) == (tmp_path / "out" / "made", Path(name).suffix)
    assert path.read_bytes().decode() == result["translated_text"]
    assert len(path.read_bytes().splitlines()) == len(text.splitlines())
    other = failed_suffix = ".srt" if name.endswith(".txt") else ".txt"
    async with connected(make_settings(), service) as client:
        message = failed(await client.call_tool("webvoice_translate", arguments | {"output_path": f"b{other}"}))
    assert "output_path" in message
    assert failed_suffix in message
    assert len(service.asked) == 1


async def test_a_long_translation_is_saved_and_its_beginning_shown(make_settings: MakeSettings, tmp_path: Path) -> None:
    service = Translator()
    text = "\n\n".join(f"Chapter {number}. {PARAGRAPH}" for number in range(1, 4))
    result = await translate(make_settings(), service, given(tmp_path, "book.txt", text))
    assert "translated_text" not in result
    assert result["preview"] == text.upper()[:500]
    assert result["characters"] == result["text_length"] == len(text)
    (file,) = result["files"]
    assert Path(file["path"]).read_text("utf-8") == text.upper()
    assert Path(file["path"]).name.endswith("-book.txt")
    assert result["parts"] == len(service.asked) == 3


async def test_after_a_failure_only_the_rest_is_translated(make_settings: MakeSettings, tmp_path: Path) -> None:
    service = Translator()
    service.fail = lambda text: answer({"error": "Full."}, 402) if text.startswith("Chapter 2.") else None
    text = "\n\n".join(f"Chapter {number}. {PARAGRAPH}" for number in range(1, 4))
    arguments = given(tmp_path, "book.txt", text)
    async with connected(make_settings(), service) as client:
        message = failed(await client.call_tool("webvoice_translate", arguments))
    assert "2 of 3 parts are kept. Call webvoice_translate again with the same arguments" in message
    service.fail = lambda _: None
    service.asked.clear()
    result = await translate(make_settings(), service, arguments)
    assert [text[:10] for text in service.asked] == ["Chapter 2."]
    assert (result["parts"], result["parts_reused"], result["credits_used"]) == (3, 2, 0.1)
    assert Path(result["files"][0]["path"]).read_text("utf-8") == text.upper()


async def test_the_price_is_that_of_all_requests(make_settings: MakeSettings, tmp_path: Path) -> None:
    text = "\n\n".join(f"Chapter {number}. {PARAGRAPH}" for number in range(1, 4))
    call: dict[str, Any] = {"tool": "webvoice_translate", "arguments": given(tmp_path, "book.txt", text)}
    service = Translator()
    async with connected(make_settings(CONFIRM_ABOVE=1), service) as client:
        said = fields(await client.call_tool("webvoice_estimate_credits", call))
        message = failed(await client.call_tool("webvoice_translate", call["arguments"]))
    assert said["credits"] == pytest.approx(3 * 0.4)
    assert said["basis"].startswith("3 parts of at most 4000 characters, 0.1 per started 1000 of each part")
    assert message.startswith("declined: webvoice_translate would cost about 1.2 credits (3 parts of at most")
    assert service.asked == []


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, "invalid_argument: Give exactly one of text, texts (a list) and text_path (a file)."),
        ({"text": "a", "texts": ["b"]}, "invalid_argument: Give exactly one of text, texts"),
        ({"text": "a", "output_path": "a.txt"}, "invalid_argument: output_path goes with text_path"),
        ({"texts": ["a"] * 201}, "invalid_argument: texts has 201 entries. Give at most 200, or a file as text_path."),
        ({"texts": ["1", "!"]}, "invalid_argument: There is no text with letters to translate."),
        ({"text_path": "wrong.srt"}, "unsupported_media: text_path: wrong.srt: Line 1 is not the beginning of an SRT"),
        ({"text_path": "gone.md"}, "file_not_found: text_path: there is no file "),
    ],
)
async def test_what_cannot_be_translated_is_refused_before_any_request(
    make_settings: MakeSettings, tmp_path: Path, arguments: dict[str, Any], error: str
) -> None:
    given(tmp_path, "wrong.srt", "Hello.")
    service = Translator()
    async with connected(make_settings(), service) as client:
        message = failed(await client.call_tool("webvoice_translate", {"target_language": "it", **arguments}))
    assert message.startswith(error)
    assert service.asked == []
