"""A hostile or broken service: every answer is delivered or reported as a known error, and does no harm."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mcp.types import CallToolResult, ResourceLink

from tests.client.helpers import patient, raw
from tests.client.test_odd_answers import JSON_VALUES, TEXTS
from tests.files.samples import FLAC_BYTES, JPEG_BYTES, MP3_BYTES, PNG_BYTES, mp4_bytes, wav_bytes
from tests.support import (
    CANARY,
    ChunkedBody,
    MakeSettings,
    ScriptedTransport,
    answer,
    base64_text,
    connected,
    failed,
    fields,
    text_of,
)

CODES = {
    *("unauthorized", "insufficient_credits", "bad_request", "rate_limited", "provider_unavailable", "server_error"),
    *("timeout", "network_error", "invalid_response"),
}
MAX_ERROR_CHARACTERS = 500
BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
HARMFUL = {
    chr(code)
    for code in {*range(0x10000)} - {*b"\t\n"}
    if unicodedata.category(chr(code)) == "Cc" or unicodedata.bidirectional(chr(code)) in BIDI
}
ESCAPES = "\x1b[31m\x1b]0;owned\x07\x1b]8;;http://evil.example\x1b\\\x1b]52;c;aGk=\x07\x9b2J\r\x00\u202e\u2066"
TRANSLATE = ("webvoice_translate", {"text": "Hi", "target_language": "it"})


def load_strictly(text: str) -> Any:
    """Parse JSON that every client accepts."""
    return json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))


# Any answer

CHAT_ANSWER = {"id": "c1", "choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}]}
IMAGE_ANSWER = {"success": True, "image": base64_text(PNG_BYTES), "credits_used": 0.75}
VIDEO_ANSWER = {"success": True, "video": base64_text(mp4_bytes(b"isom", b"vide")), "credits_used": 0.75}
CALLS: list[tuple[str, dict[str, Any], Any]] = [
    ("webvoice_chat", {"prompt": "Hi"}, CHAT_ANSWER),
    ("webvoice_chat", {"prompt": "Hi", "stream": True}, CHAT_ANSWER),
    ("webvoice_tts", {"text": "Hi"}, {"success": True, "audio": base64_text(MP3_BYTES), "credits_used": 0.75}),
    ("webvoice_stt", {"audio_path": "talk.wav"}, {"success": True, "text": "Good day", "language": "en"}),
    (*TRANSLATE, {"translated_text": "Ciao", "credits_used": 0.05}),
    ("webvoice_image", {"prompt": "x"}, IMAGE_ANSWER),
    (
        "webvoice_image",
        {"prompt": "x", "provider": "nucleus", "num_images": 2},
        {"images": [base64_text(PNG_BYTES)] * 2},
    ),
    ("webvoice_image_to_image", {"prompt": "x", "images": ["photo.png"]}, IMAGE_ANSWER),
    ("webvoice_image_to_video", {"prompt": "x", "image": "photo.png"}, VIDEO_ANSWER),
    ("webvoice_text_to_video", {"prompt": "x"}, VIDEO_ANSWER),
    ("webvoice_send_email", {"to": "a@b.co", "body": "Hi"}, {"success": True, "message": "Sent"}),
    ("webvoice_voice_memo", {"text": "Hi"}, {"voice_note_id": "1", "title": "t"}),
    ("webvoice_status", {}, {"user": "ann", "credits": 1.5, "api_key": {"name": "k"}}),
    ("webvoice_onboarding", {}, {"credits": 1, "can_use_api": True, "solana": {"memo_code": "M"}}),
    ("webvoice_list_voices", {}, {"voices": {"en": [{"id": "af_sarah", "name": "Sarah"}]}}),
    ("webvoice_list_chat_models", {}, {"models": [{"id": "m", "provider": "p", "credits_per_request": 1}]}),
]
MEDIA = [b"", b"\0", b"<html>No</html>", PNG_BYTES, PNG_BYTES[:9], JPEG_BYTES, MP3_BYTES, MP3_BYTES[:50], FLAC_BYTES]
MEDIA += [wav_bytes(), mp4_bytes(b"isom", b"vide"), mp4_bytes(b"M4A ", b"soun"), mp4_bytes(b"isom", b"vide")[:40]]
ODD_VALUES = st.one_of(
    JSON_VALUES,
    st.just(f"Your key: {CANARY}"),
    st.sampled_from([*map(base64_text, MEDIA), ESCAPES, f"https://x.example/?{CANARY}", "data:,x", "x" * 3000]),
    st.sampled_from([10**400, -(10**30), 1e308, "NaN", [[]] * 300, {"error": "x"}, {"url": 5}, ["", None, {}]]),
)
NAMES = sorted({name for *_, good in CALLS for name in good})
NAMES += ["error", "detail", "note", "job_id", "state", "format", "duration", "count", "url", "path", "fields", "shown"]
MESSAGE_NAMES = ["content", "reasoning", "tool_calls", "images", "finish_reason", "role"]
STATUSES = [201, 204, 206, 299, 300, 304, 399, 400, 401, 402, 403, 404, 408, 413, 429, 499, 500, 503, 504, 599, 999]
HEADERS = [
    *({"content-type": kind} for kind in ("application/json", "text/html; charset=utf-16", "text/event-stream", "")),
    *({"content-encoding": coding} for coding in ("gzip", "deflate, gzip", "br", "\u00ff", "gzip," * 9)),
    *({"content-length": length} for length in ("0", "-1", "7, 8", "9" * 30)),
    *({"location": "http://[::1"}, {"set-cookie": "a=b; expires=" + "9" * 999}, {"date": "\u00ff"}),
]


@st.composite
def bodies(draw: st.DrawFn, good: Any) -> bytes:
    """Generate a body with some odd fields, maybe cut or garbled."""
    odd = draw(st.dictionaries(st.sampled_from(NAMES), ODD_VALUES, max_size=3))
    if "choices" in good and draw(st.booleans()):
        message_fields = st.dictionaries(st.sampled_from(MESSAGE_NAMES), ODD_VALUES, max_size=3)
        message = {"content": "Hi", **draw(message_fields)}
        odd["choices"] = [{"message": message, "delta": message, **draw(message_fields)}]
    body = json.dumps({**good, **odd}).encode()
    match draw(st.sampled_from(["whole"] * 5 + ["events", "cut", "garbled", "BOM", "UTF-16", "deep", "page"])):
        case "events":
            end = draw(st.sampled_from([b"", b"\n\n"])) + b"data: [DONE]\n\n" * draw(st.integers(0, 2))
            return b"data: " + body + end
        case "cut":
            return body[: draw(st.integers(0, len(body)))]
        case "garbled":
            at = draw(st.integers(0, len(body) - 1))
            return body[:at] + draw(st.binary(min_size=1, max_size=3)) + body[at + 1 :]
        case "BOM":
            return b"\xef\xbb\xbf" + body
        case "UTF-16":
            return body.decode().encode("utf-16")
        case "deep":
            return b'{"a":' * 10_000 + b"1" + b"}" * 10_000
        case "page":
            return b"<html><body>Traceback (most recent call last)</body></html>"
    return body


@st.composite
def responses(draw: st.DrawFn, good: Any, *, without_retries: bool) -> httpx2.Response:
    """Generate a response with a few faults, so that not every response is refused at once.

    Args:
        draw: given by Hypothesis.
        good: a body without faults.
        without_retries: leave out faults after which the client would pause and repeat the request.
    """
    body = draw(bodies(good))
    retried = {429, 503, 504} if without_retries else set()
    status = draw(st.sampled_from([200] * 20 + [code for code in STATUSES if code not in retried]))
    odd_headers = [header for header in HEADERS if not (without_retries and "content-encoding" in header)]
    headers = draw(st.sampled_from([{}] * 9 + odd_headers)) | ({"retry-after": "99"} if status == 429 else {})
    size = draw(st.sampled_from([len(body) + 1, 100, 1])) if len(body) < 10_000 else len(body)
    pieces: list[bytes | Exception] = [body[at : at + size] for at in range(0, len(body), size)]
    if not without_retries and draw(st.integers(0, 9)) == 0:
        pieces.append(draw(st.sampled_from([httpx2.ReadError("x"), httpx2.RemoteProtocolError(ESCAPES)])))
    encoded_headers = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    return httpx2.Response(status, headers=encoded_headers, stream=ChunkedBody(pieces))


def check(result: CallToolResult, folder: Path, inputs: set[str]) -> None:
    """Check a result's invariants, and remove the files that were saved."""
    text = text_of(result)
    assert CANARY not in text + json.dumps(result.structured_content)
    if result.is_error:
        assert (result.meta or {})["webvoice/error"]["code"] in CODES, text
        failed(result)
        assert len(text) <= MAX_ERROR_CHARACTERS
        assert not HARMFUL & set(text), text
        assert not [word for word in ("Traceback", "<html") if word in text]
    else:
        assert load_strictly(text) == fields(result)
    for file in folder.iterdir():
        if file.name not in inputs:
            assert file.suffix != ".part"
            assert json.dumps(str(file))[1:-1] in text
            file.unlink()


@given(data=st.data())
@settings(patient, max_examples=25)
@pytest.mark.slow
@pytest.mark.untraced
async def test_whatever_the_service_answers_is_delivered_or_told(
    make_settings: MakeSettings, tmp_path: Path, data: st.DataObject
) -> None:
    folder = tmp_path / "out"
    folder.mkdir(exist_ok=True)
    inputs = {"talk.wav": wav_bytes(8000), "photo.png": PNG_BYTES}
    for name, content in inputs.items():
        (folder / name).write_bytes(content)
    sent = ScriptedTransport()
    async with connected(make_settings(INLINE_IMAGES=0), sent) as client:
        for tool, arguments, good in data.draw(st.lists(st.sampled_from(CALLS), min_size=5, max_size=10)):
            is_get = tool.startswith(("webvoice_status", "webvoice_onboarding", "webvoice_list"))
            sent.answers = [data.draw(responses(good, without_retries=is_get))]
            sent.requests.clear()
            check(await client.call_tool(tool, arguments), folder, {*inputs})
            assert len(sent.requests) == 1
        sent.answers = [answer({"translated_text": "Ciao"})]
        assert fields(await client.call_tool(*TRANSLATE)) == {"translated_text": "Ciao"}


# Files

TOOLS_WITHOUT_FILES: list[tuple[str, dict[str, Any]]] = [
    TRANSLATE,
    ("webvoice_status", {}),
    ("webvoice_onboarding", {}),
    ("webvoice_send_email", {"to": "a@b.co", "body": "Hi"}),
    ("webvoice_voice_memo", {"text": "Hi"}),
    ("webvoice_create_api_key", {"name": "k"}),
    ("webvoice_register_send_code", {"email": "a@b.co", "accept_privacy": True, "accept_terms": True}),
    ("webvoice_register_verify", {"email": "a@b.co", "code": "1"}),
]
FORGED = {"path": "/secret", "uri": "file:///secret", "mime_type": "text/plain", "size_bytes": 5}


async def test_files_that_the_service_speaks_of_are_no_files_of_ours(make_settings: MakeSettings) -> None:
    good = {"translated_text": "Ciao", "user": "ann", "voice_note_id": "1", "success": True, "message": "Sent"}
    good |= {"credits": 5, "api_key": "wv_second_1234567890"}
    forgeries: list[Any] = [["a"], [FORGED], [{"size_bytes": 5}], [5], 5]
    sent = ScriptedTransport()
    async with connected(make_settings(), sent) as client:
        for tool, arguments in TOOLS_WITHOUT_FILES:
            sent.answers = [answer({**good, "files": files}) for files in forgeries]
            for result in [await client.call_tool(tool, arguments) for _ in forgeries]:
                assert fields(result), tool
                assert not [block for block in result.content if isinstance(block, ResourceLink)], tool
        for job in fields(await client.call_tool("webvoice_jobs", {}))["jobs"]:
            result = await client.call_tool("webvoice_jobs", {"job_id": job["id"]})
            assert not [block for block in result.content if isinstance(block, ResourceLink)]


async def test_long_links_next_to_an_image_are_written_to_a_file(make_settings: MakeSettings, tmp_path: Path) -> None:
    links = [f"https://x.example/{number}?{'a' * 5000}" for number in range(3)]
    sent = ScriptedTransport(answer({"images": [base64_text(PNG_BYTES), *links]}))
    async with connected(make_settings(INLINE_IMAGES=0), sent) as client:
        result = fields(await client.call_tool("webvoice_image", {"prompt": "x", "output_path": "x.png"}))
    (listing,) = [file for file in (tmp_path / "out").iterdir() if file.suffix == ".txt"]
    assert str(listing) in result["note"]
    assert listing.read_text().split() == links
    assert len(json.dumps(result)) < 1500


async def test_the_images_of_a_chat_share_the_limit_of_an_answer(make_settings: MakeSettings, tmp_path: Path) -> None:
    image = {"image_url": {"url": f"data:image/png;base64,{base64_text(PNG_BYTES + bytes(700))}"}}
    body = {"choices": [{"message": {"content": "Hi", "images": [image] * 5}}]}
    async with connected(make_settings(MAX_FILE_MB="0.001"), ScriptedTransport(answer(body))) as client:
        assert "WEBVOICE_MAX_FILE_MB" in fields(await client.call_tool("webvoice_chat", {"prompt": "Hi"}))["note"]
    assert sum(file.stat().st_size for file in (tmp_path / "out").iterdir()) <= 0.001 * 1024**2


# Texts and numbers


@pytest.mark.slow
@given(
    status=st.sampled_from([200, 400, 401, 402, 403, 429, 500, 503]),
    words=st.lists(st.sampled_from([*ESCAPES, CANARY[:9], CANARY[9:], CANARY, "\x1b[", "\n"]) | TEXTS, max_size=40),
)
@example(status=400, words=[CANARY[:9], "\x07", CANARY[9:]])
@example(status=402, words=["x" * 290, CANARY])
@settings(patient, max_examples=25)
async def test_an_error_quotes_the_service_as_harmless_text(
    make_settings: MakeSettings, status: int, words: list[str]
) -> None:
    body = json.dumps({"success": False, "message": "".join(words) * 5}).encode()
    response = httpx2.Response(status, headers={"retry-after": "99"}, content=body)
    async with connected(make_settings(), ScriptedTransport(response)) as client:
        text = failed(await client.call_tool(*TRANSLATE))
    assert len(text) <= MAX_ERROR_CHARACTERS
    assert not HARMFUL & set(text)
    assert CANARY not in text


async def test_enormous_bills_keep_the_total_finite(make_settings: MakeSettings) -> None:
    bill = answer({"translated_text": "Ciao", "credits_used": 1.7e308})
    async with connected(make_settings(), ScriptedTransport(bill, bill)) as client:
        for _ in range(2):
            assert load_strictly(text_of(await client.call_tool(*TRANSLATE)))["translated_text"] == "Ciao"
        used = await client.call_tool("webvoice_usage", {})
    assert isinstance(load_strictly(text_of(used))["total_credits"], float)


@pytest.mark.parametrize("bill", [-1e6, "NaN"])
async def test_no_bill_undoes_the_budget(make_settings: MakeSettings, bill: Any) -> None:
    body = raw(json.dumps({"translated_text": "Ciao", "credits_used": bill}).encode())
    async with connected(make_settings(MAX_CREDITS="0.15"), ScriptedTransport(body, body)) as client:
        assert fields(await client.call_tool(*TRANSLATE))["translated_text"] == "Ciao"
        assert failed(await client.call_tool(*TRANSLATE)).startswith("budget_exceeded: ")
