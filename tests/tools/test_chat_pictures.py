"""Pictures in answers of webvoice_chat, streamed and whole, saved while they arrive."""

import base64
import json
import random
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client.helpers import patient
from tests.files.samples import PNG_BYTES, everything_in
from tests.support import CANARY, ChunkedBody, MakeSettings, ScriptedTransport, answer, connected, failed, fields
from webvoice_mcp.client import stream
from webvoice_mcp.client.data_links import LinkScanner, scan
from webvoice_mcp.client.pictures import Pictures

TOOL = "webvoice_chat"
BASE64 = base64.b64encode(PNG_BYTES).decode()
LARGE = PNG_BYTES + random.Random(1).randbytes(300_000)
LARGE_BASE64 = base64.b64encode(LARGE).decode()
URL, LARGE_URL = f"data:image/png;base64,{BASE64}", f"data:image/png;base64,{LARGE_BASE64}"


def streamed(*deltas: dict[str, Any], step: int = 5000, last: dict[str, Any] | None = None) -> httpx2.Response:
    chunks = [{"choices": [{"delta": delta}]} for delta in deltas]
    chunks.append({"choices": [last or {"delta": {}, "finish_reason": "stop"}]})
    body = b"".join(b"data: %b\n\n" % json.dumps(chunk).encode() for chunk in chunks) + b"data: [DONE]\n\n"
    return httpx2.Response(200, stream=ChunkedBody([body[at : at + step] for at in range(0, len(body), step)]))


def whole(message: dict[str, Any]) -> httpx2.Response:
    return answer({"choices": [{"message": message, "finish_reason": "stop"}]})


async def draw(settings: Any, reply: httpx2.Response) -> tuple[dict[str, Any], str]:
    """Return the result, and all that the client received: the answer and the progress messages."""
    heard: list[str] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message or "")

    async with connected(settings, ScriptedTransport(reply), "legacy") as client:
        result = await client.call_tool(TOOL, {"prompt": "Draw a fox"}, progress_callback=on_progress)
    return fields(result), result.model_dump_json() + "".join(heard)


SPELLINGS = [
    {"images": [{"type": "image_url", "image_url": {"url": "@"}}]},
    {"images": [{"image_url": "@"}]},
    {"images": ["@"]},
    {"images": [{"b64_json": "#"}]},
    {"content": [{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {"url": "@"}}]},
    {"content": [{"type": "output_image", "output_image": "@"}]},
    {"content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "#"}}]},
    {"content": [{"inline_data": {"mime_type": "image/png", "data": "#"}}]},
    {"content": [{"type": "image", "image": {"base64": "#"}}]},
    {"image": "@"},
    {"content": "![x](@)"},
    {"content": "@"},
    {"content": 'Here: <img src="@"> and that is all.'},
    {"content": [{"type": "text", "text": "See @."}]},
    {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": {"image": "@"}}}]},
]


@pytest.mark.parametrize("size", ["small", "large"])
@pytest.mark.parametrize("is_streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("spelling", SPELLINGS, ids=lambda spelling: json.dumps(spelling)[:60])
async def test_a_picture_is_saved_however_it_is_spelled(
    make_settings: MakeSettings, out: Path, spelling: dict[str, Any], is_streamed: bool, size: str
) -> None:
    url, encoded, content = (URL, BASE64, PNG_BYTES) if size == "small" else (LARGE_URL, LARGE_BASE64, LARGE)
    message = json.loads(json.dumps(spelling).replace("@", url).replace("#", encoded))
    result, received = await draw(make_settings(), streamed(message) if is_streamed else whole(message))
    (name,) = everything_in(out)
    assert (out / name).read_bytes() == content
    assert "draw-a-fox" in name
    assert [file["path"] for file in result["files"]] == [str(out / name)]
    assert "note" not in result
    assert encoded[:60] not in received
    assert "images" not in result
    text = spelling.get("content")
    if isinstance(text, str):
        assert result["text"] == text.replace("@", str(out / name))


@pytest.mark.parametrize("step", [1, 7, 30_000])
async def test_a_link_cut_over_deltas_is_one_picture(make_settings: MakeSettings, out: Path, step: int) -> None:
    url, content = (URL, PNG_BYTES) if step == 1 else (LARGE_URL[:40_000], LARGE[:29_983])
    text = f"First ![a]({url}) then data: and metadata, [b](data:text/plain,hello) \u00e9nd"
    deltas = [{"content": text[at : at + step]} for at in range(0, len(text), step)]
    result, received = await draw(make_settings(), streamed(*deltas))
    (name,) = everything_in(out)
    assert (out / name).read_bytes()[: len(content) - 3] == content[: len(content) - 3]
    assert result["text"] == text.replace(url, str(out / name))
    assert BASE64[:20] not in received


async def test_a_broken_picture_costs_neither_text_nor_other_pictures(make_settings: MakeSettings, out: Path) -> None:
    broken = LARGE_URL[:200_000] + "!" + LARGE_URL[200_000:]
    images = [{"image_url": {"url": broken}}, {"image_url": {"url": URL}}]
    for reply in (
        whole({"content": f"One ({broken}) two", "images": images}),
        streamed({"content": f"One ({broken}) two"}, {"images": images}),
    ):
        result, received = await draw(make_settings(), reply)
        assert result["text"] == "One (a picture that could not be saved) two"
        assert result["note"] == " ".join(["A picture could not be saved: The answer's picture is not base64."] * 2)
        assert len(result["files"]) == 1
        assert LARGE_BASE64[200_100:200_160] not in received
    assert len(everything_in(out)) == 2


async def test_a_picture_over_the_limit_costs_neither_text_nor_disk(make_settings: MakeSettings, out: Path) -> None:
    reply = streamed({"content": f"Big: {LARGE_URL}"}, {"content": " end"})
    result, _ = await draw(make_settings(MAX_FILE_MB="0.1"), reply)
    assert result["text"] == "Big: a picture that could not be saved end"
    assert "WEBVOICE_MAX_FILE_MB" in result["note"]
    assert everything_in(out) == []


async def test_a_picture_that_a_whole_message_repeats_is_saved_once(make_settings: MakeSettings, out: Path) -> None:
    images = [{"image_url": {"url": URL}}, {"image_url": {"url": LARGE_URL}}]
    more = {"image_url": {"url": URL.replace("AAAA", "AAAB", 1)}}
    last = {"message": {"content": "Done", "images": [*images, more]}, "finish_reason": "stop"}
    result, _ = await draw(make_settings(), streamed({"content": "Done", "images": images}, last=last))
    assert len(result["files"]) == len(everything_in(out)) == 3
    assert result["text"] == "Done"


async def test_an_example_of_a_link_stays_in_the_text(make_settings: MakeSettings, out: Path) -> None:
    text = (
        "Write `data:image/png;base64,iVBORw0...`, data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUA\u2026,"
        " data:;base64, or data:text/plain;base64,SGVsbG8=."
    )
    for reply in (streamed({"content": text}), whole({"content": text})):
        result, _ = await draw(make_settings(), reply)
        assert (result["text"], "files" in result, "note" in result) == (text, False, False)
    assert everything_in(out) == []


async def test_the_key_is_masked_in_an_example_of_a_link(make_settings: MakeSettings) -> None:
    for reply in (streamed({"content": f"data:;base64,{CANARY}"}), whole({"content": f"data:;base64,{CANARY} ."})):
        result, received = await draw(make_settings(), reply)
        assert result["text"].startswith("data:;base64,wv_\u2026cdef")
        assert CANARY not in received


async def test_a_picture_in_pieces_of_arguments_is_saved(make_settings: MakeSettings, out: Path) -> None:
    pieces = ['{"image":"data:image/png;ba', "se64," + BASE64[:50], BASE64[50:] + '"}']
    calls = [{"index": 0, "id": "a", "function": {"name": "f", "arguments": piece}} for piece in pieces]
    result, _ = await draw(make_settings(), streamed(*({"tool_calls": [call]} for call in calls)))
    (name,) = everything_in(out)
    assert (out / name).read_bytes() == PNG_BYTES
    assert json.loads(result["tool_calls"][0]["function"]["arguments"]) == {"image": str(out / name)}


async def test_a_picture_of_any_size_may_come_in_small_deltas(make_settings: MakeSettings, out: Path) -> None:
    content = PNG_BYTES + bytes(7 << 20)
    url = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    result, _ = await draw(
        make_settings(),
        streamed(*({"content": url[at : at + 15_000]} for at in range(0, len(url), 15_000)), step=30_000),
    )
    (name,) = everything_in(out)
    assert (result["text"], (out / name).read_bytes() == content) == (str(out / name), True)


async def test_pictures_over_the_limit_are_counted_without_being_kept(make_settings: MakeSettings, out: Path) -> None:
    for reply in (streamed(*[{"content": f"{URL}\n"}] * 200), whole({"content": f"{URL}\n" * 200})):
        before = len(everything_in(out))
        result, _ = await draw(make_settings(), reply)
        assert len(result["files"]) == len(everything_in(out)) - before == 64
        assert result["note"] == "The answer has 200 pictures; 64 were saved."
        assert result["text"].count("a picture that could not be saved") == 136
    pictures = Pictures()
    scan(f"{URL} " * 200, pictures, "content")
    assert (len(pictures.items), pictures.count) == (65, 200)


async def test_a_picture_of_a_kind_that_cannot_be_told_is_noted(make_settings: MakeSettings) -> None:
    part = {"inline_data": {"mime_type": "image/bmp", "data": base64.b64encode(b"BM" + bytes(100)).decode()}}
    result, _ = await draw(make_settings(), whole({"content": [part]}))
    assert result["note"] == "A picture could not be saved: It is neither base64 nor a link."


async def test_a_modern_picture_without_a_data_link_is_saved(make_settings: MakeSettings, out: Path) -> None:
    content = b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" + bytes(50)
    part = {"inline_data": {"mime_type": "image/avif", "data": base64.b64encode(content).decode()}}
    result, _ = await draw(make_settings(), whole({"content": [part]}))
    assert [file["mime_type"] for file in result["files"]] == ["image/avif"]
    assert [(out / name).read_bytes() for name in everything_in(out)] == [content]


async def test_a_picture_that_a_complete_answer_leaves_unfinished_is_noted(make_settings: MakeSettings) -> None:
    body = b'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\ndata: {"images":["'
    cut = httpx2.Response(200, stream=ChunkedBody([body + LARGE_URL[:100_000].encode()]))
    result, _ = await draw(make_settings(), cut)
    assert result["text"] == "Hi"
    assert result["note"] == "A picture could not be saved: The answer ended before it was complete."


async def test_a_picture_may_follow_the_finish_reason_slowly(
    make_settings: MakeSettings, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "_LINGER_SECONDS", 0.3)

    class Body(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n'
            last = b'data: {"choices":[{"delta":{"images":["%b"]}}]}\n\n' % LARGE_URL.encode()
            for at in range(0, len(last), 100_000):
                yield last[at : at + 100_000]
                await anyio.sleep(0.12)
            yield b"data: [DONE]\n\n"

    await draw(make_settings(), httpx2.Response(200, stream=Body()))
    assert [(out / name).read_bytes() for name in everything_in(out)] == [LARGE]


async def test_pictures_that_had_come_are_kept_when_the_caller_cancels(make_settings: MakeSettings, out: Path) -> None:
    class Body(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            chunks = [{"choices": [{"delta": {"content": "Hi", "images": [url]}}]} for url in (URL, LARGE_URL)]
            yield b"data: %b\n\n" % json.dumps(chunks[0]).encode()
            yield b"data: %b" % json.dumps(chunks[1]).encode()[:100_000]
            came.set()
            await anyio.sleep_forever()

    came = anyio.Event()
    async with connected(make_settings(), ScriptedTransport(httpx2.Response(200, stream=Body())), "legacy") as client:
        async with anyio.create_task_group() as calls:
            calls.start_soon(client.call_tool, TOOL, {"prompt": "Draw a fox"})
            await came.wait()
            await anyio.sleep(0.3)
            calls.cancel_scope.cancel()
        (job,) = fields(await client.call_tool("webvoice_jobs"))["jobs"]
        (job,) = fields(await client.call_tool("webvoice_jobs", {"job_id": job["id"], "wait_seconds": 5}))["jobs"]
        recent = fields(await client.call_tool("webvoice_usage"))["recent"]
    (name,) = everything_in(out)
    assert (out / name).read_bytes() == PNG_BYTES
    assert job["error"]["code"] == "cancelled"
    assert recent[0]["files"] == [str(out / name)]


async def test_links_of_many_pictures_are_all_told(make_settings: MakeSettings) -> None:
    links = [f"https://pictures.example/{number}?signature={'x' * 1800}" for number in range(30)]
    result, _ = await draw(make_settings(), streamed(*({"images": [{"image_url": {"url": link}}]} for link in links)))
    assert [link for link in links if link not in result["note"]] == []


async def test_a_picture_in_arguments_becomes_a_path_in_json(make_settings: MakeSettings, out: Path) -> None:
    call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": json.dumps({"image": LARGE_URL, "n": 1})}}
    for reply in (streamed({"tool_calls": [call]}), whole({"tool_calls": [call]})):
        result, _ = await draw(make_settings(), reply)
        arguments = json.loads(result["tool_calls"][0]["function"]["arguments"])
        assert arguments == {"image": result["files"][0]["path"], "n": 1}


async def test_pictures_before_an_error_are_kept_and_named(make_settings: MakeSettings, out: Path) -> None:
    reply = streamed({"content": "Hi", "images": [URL]}, last={"error": {"message": "overloaded"}})
    async with connected(make_settings(), ScriptedTransport(reply)) as client:
        text = failed(await client.call_tool(TOOL, {"prompt": "Draw", "stream": True}))
    (name,) = everything_in(out)
    assert "overloaded" in text
    assert str(out / name) in text


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not remove a folder with open files")
async def test_a_folder_that_vanishes_costs_neither_text_nor_call(make_settings: MakeSettings, out: Path) -> None:
    class Body(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            chunk = {"choices": [{"delta": {"content": "Hi", "images": [URL]}, "finish_reason": "stop"}]}
            yield b"data: %b\n\n" % json.dumps(chunk).encode()
            yield b": removing\n"
            await anyio.to_thread.run_sync(shutil.rmtree, out)
            message = {"choices": [{"message": {"images": [URL]}}]}
            yield b"data: %b\n\ndata: [DONE]\n\n" % json.dumps(message).encode()

    result, _ = await draw(make_settings(), httpx2.Response(200, stream=Body()))
    assert (result["text"], "files" in result) == ("Hi", False)
    assert result["note"].startswith("A picture could not be saved: ")


def read_links(pieces: list[str]) -> tuple[str, list[tuple[str, bytes]]]:
    """Return the text that stays, and the pictures with their problems."""
    pictures = Pictures()
    scanner = LinkScanner(pictures)
    scanned = "".join([*map(scanner.feed, pieces), scanner.finish()])
    return pictures.preview(scanned), [(picture.problem, b"".join(picture.blocks)) for picture in pictures.items]


WRAPPED = "\r\n".join(URL[start : start + 50] for start in range(0, len(URL), 50))


@pytest.mark.parametrize(
    ("text", "left", "is_whole"),
    [
        (f"a {URL}\r\nb", "a picture 1\r\nb", True),
        (f"a {URL}\rb", "a picture 1\rb", True),
        (f"a {URL}!", "a picture 1!", True),
        (f"a {URL}! b", "a picture 1! b", True),
        (f"({WRAPPED}) b", "(picture 1) b", True),
        (f"{WRAPPED}\n\nb", "picture 1\n\nb", True),
        (f"meta{URL} b", "metapicture 1 b", True),
        (f"a {URL.replace(',', ', ')} b", "a picture 1 b", True),
        (f"(DATA{WRAPPED[4:].replace(',', ',' + chr(10) + '  ')}) b", "(picture 1) b", True),
        (f"a {URL.replace(';', '; charset=utf-8; ')} b", "a picture 1 b", True),
        (json.dumps({"a": URL}).replace("/", "\\/"), '{"a": "picture 1"}', True),
        (f"a {URL}\\", "a picture 1\\", True),
        (f"a {URL}\\n", "a picture 1\\n", True),
        ("data:image/png;base64, iVBO", "data:image/png;base64, iVBO", True),
        (f"({URL[:60]}!{URL[60:]}) b", "(picture 1) b", False),
        (f"{URL[:60]}!{URL[60:]}", "picture 1", False),
        ("data:image/png;base64, and da", "data:image/png;base64, and da", True),
    ],
)
def test_a_link_ends_where_its_text_goes_on(text: str, left: str, is_whole: bool) -> None:
    expected = read_links([text])
    assert expected[0] == left
    assert all((content == PNG_BYTES) == is_whole and bool(problem) != is_whole for problem, content in expected[1])
    for at in range(len(text) + 1):
        assert read_links([text[:at], text[at:]])[0] == left
    assert read_links(list(text))[0] == left


def test_json_in_a_text_may_have_backslashes_before_slashes() -> None:
    text = '{"a":"data:image\\/jpeg;base64,\\/9j\\/4AAQ"}'
    for pieces in ([text], list(text)):
        assert read_links(pieces) == ('{"a":"picture 1"}', [("", b"\xff\xd8\xff\xe0\x00\x10")])


@patient
@given(
    text=st.lists(st.sampled_from(["a", " ", "d", "data:", "\n", "(", ")", "é", "@", "~", ".", "!"])), data=st.data()
)
def test_links_are_found_wherever_a_text_is_cut(text: list[str], data: st.DataObject) -> None:
    joined = "".join(text).replace("@", URL).replace("~", WRAPPED)
    offsets = sorted(data.draw(st.lists(st.integers(0, len(joined)), max_size=8)))
    pieces = [joined[start:stop] for start, stop in zip([0, *offsets], [*offsets, len(joined)], strict=True)]
    assert read_links(pieces) == read_links([joined])
    assert BASE64[-30:] not in read_links(pieces)[0]
