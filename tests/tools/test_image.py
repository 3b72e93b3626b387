"""The image tools, through MCP, with scripted replies of the service."""

import base64
import errno
import io
import itertools
import json
import os
import struct
import sys
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.types import CallToolResult, ImageContent, ResourceLink
from PIL import Image

from tests.files.samples import everything_in, put
from tests.support import (
    EXAMPLES,
    MakeSettings,
    ScriptedTransport,
    answer,
    ask,
    base64_text,
    connected,
    example,
    failed,
    fields,
    form,
)
from tests.tools.calls import check_refused
from tests.tools.provider_values import BAD_LINKS, LINK
from webvoice_mcp.contract.image import EDIT, IMAGE, EditRequest, ImageRequest
from webvoice_mcp.files import Output, SavedFile
from webvoice_mcp.jobs.call import Input
from webvoice_mcp.tools.image import webvoice_image, webvoice_image_to_image
from webvoice_mcp.tools.pictures import image_content

DRAW, CHANGE = "webvoice_image", "webvoice_image_to_image"
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif")
TWO = {"prompt": "x", "provider": "nucleus", "num_images": 2, "output_path": "x.png"}
DISK_FULL = "No space left on device. Make room, or choose a folder on another disk."
MAYBE_SPENT = "The service had answered, so credits may have been spent: see webvoice_jobs and webvoice_usage."


def picture(kind: str = "PNG", colour: str = "red") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(buffer, kind)
    return buffer.getvalue()


def noise(side: int) -> bytes:
    """Return a PNG that does not compress."""
    buffer = io.BytesIO()
    Image.frombytes("RGB", (side, side), os.urandom(side * side * 3)).save(buffer, "PNG")
    return buffer.getvalue()


PNG, JPEG, WEBP, BLUE = picture(), picture("JPEG"), picture("WEBP"), picture(colour="blue")


def drawn(*pictures: bytes) -> httpx2.Response:
    listed = [base64_text(content) for content in pictures]
    body = {"success": True, "provider": "wan", "image": listed[0], "images": listed, "count": len(listed)}
    return answer({**body, "credits_used": 8.0, "credits_remaining": 92.0})


def edited(**more: Any) -> httpx2.Response:
    body = {"success": True, "provider": "flux-2-flash-edit", "image": base64_text(PNG), "input_count": 1}
    return answer({**body, "credits_used": 1.0, **more})


async def draw(settings: Any, arguments: dict[str, Any], reply: httpx2.Response) -> CallToolResult:
    async with connected(settings, ScriptedTransport(reply)) as client:
        return await client.call_tool(DRAW, {"prompt": "x", **arguments})


def paths(result: CallToolResult) -> list[str]:
    return [file["path"] for file in fields(result)["files"]]


def shown(result: CallToolResult) -> list[bytes]:
    return [base64.b64decode(block.data) for block in result.content if isinstance(block, ImageContent)]


@pytest.fixture
def local(out: Path) -> list[str]:
    """Two local pictures, one of them given as a file: URL."""
    put(out / "a.png", PNG)
    put(out / "b.jpg", JPEG)
    return [str(out / "a.png"), (out / "b.jpg").as_uri()]


async def test_drawing_is_described_without_a_server() -> None:
    call = await webvoice_image("A dot", "nucleus", width=512, height=512, num_images=2, output_path="dot")
    assert call.endpoint is IMAGE
    assert call.request == ImageRequest(prompt="A dot", provider="nucleus", width=512, height=512, num_images=2)
    assert call.output == Output("dot", "image", name_from="A dot", suffixes=SUFFIXES, family="image")
    assert (call.expected_files, call.inputs, call.background) == (2, (), False)


async def test_an_edit_is_described_without_a_server() -> None:
    call = await webvoice_image_to_image("Merge", ["a.png", LINK], size="1024x768", background=True)
    assert call.endpoint is EDIT
    assert call.request == EditRequest(prompt="Merge", size="1024*768")
    assert call.inputs == (Input("a.png", "images[0]", "image"), Input(LINK, "images[1]", "image", is_url=True))
    assert call.output == Output("", "image_to_image", name_from="Merge", suffixes=SUFFIXES, family="image")
    assert call.background
    linked = await webvoice_image_to_image("Merge", [LINK])
    assert (linked.request, linked.inputs) == (EditRequest(prompt="Merge", images=[LINK]), ())


async def test_an_image_is_saved_and_shown_to_the_model(make_settings: MakeSettings, out: Path) -> None:
    service = ScriptedTransport(drawn(PNG))
    async with connected(make_settings(), service) as client:
        result = await client.call_tool(DRAW, {"prompt": "A red dot", "output_path": "red dot ü"})
    path = out / "red dot ü.png"
    assert path.read_bytes() == PNG
    assert json.loads(service.bodies[0]) == {"provider": "minimax", "prompt": "A red dot"}
    assert fields(result) == {
        "files": [{"path": str(path), "uri": path.as_uri(), "mime_type": "image/png", "size_bytes": len(PNG)}],
        "provider": "wan",
        "count": 1,
        "credits_used": 8.0,
        "credits_remaining": 92.0,
    }
    assert result.content[1:] == [
        ImageContent(data=base64_text(PNG), mime_type="image/png"),
        ResourceLink(uri=path.as_uri(), name="red dot ü.png", mime_type="image/png", size=len(PNG)),
    ]


@pytest.mark.slow
async def test_documented_examples_are_sent_as_documented(make_settings: MakeSettings) -> None:
    names = sorted(path.stem for path in EXAMPLES.glob("image_*request.json") if not path.name.startswith("image_to"))
    assert len(names) == 8
    for name in names:
        arguments = {"prompt": "x", **example(name)}
        _, sent = await ask(make_settings(), DRAW, arguments, drawn(PNG))
        assert sent == arguments
    documented = example("image_to_image_request")
    result, sent = await ask(make_settings(), CHANGE, documented, edited())
    assert sent == documented
    assert (result["provider"], result["input_count"], result["credits_used"]) == ("flux-2-flash-edit", 1, 1.0)


async def test_drawings_that_make_no_sense_are_refused_before_any_request(make_settings: MakeSettings) -> None:
    lora = {"provider": "flux-klein-lora"}
    refused: list[tuple[dict[str, Any], str]] = [
        ({"width": 512}, "width and height go together"),
        ({"height": 512}, "width and height go together"),
        ({"prompt": "x" * 4001}, "prompt should have at most 4000 characters"),
        ({"seed": -2}, "seed must be a whole number, -1 or more. For repeatable"),
        ({"seed": True}, "seed must be a whole number, -1 or more. For repeatable results; -1: none."),
        ({"width": True}, "width must be a whole number. All: 512 to 2048 pixels, with height."),
        ({"provider": "nucleus", "guidance_scale": "x"}, "guidance_scale must be a number"),
        ({**lora, "loras": [{"path": LINK}], "lora_url": LINK}, "Give loras or lora_url"),
        ({**lora, "lora_scale": 1}, "lora_scale goes with lora_url"),
        ({**lora, "loras": [{"path": LINK}, {"path": "x"}]}, "loras[1] must be an object"),
        ({**lora, "loras": [{"path": LINK, "weight": 1}]}, "loras[0] must be an object"),
        ({**lora, "loras": [{"path": LINK, "scale": "x"}]}, "loras[0] must be an object"),
        ({**lora, "loras": [{"path": LINK, "scale": True}]}, "loras[0] must be an object"),
        ({"output_path": "x.mp4"}, "output_path"),
    ]
    expected = [({"prompt": "x", **arguments}, f"invalid_argument: {text}") for arguments, text in refused]
    await check_refused(make_settings(), DRAW, expected)


async def test_several_images_are_numbered(make_settings: MakeSettings, out: Path) -> None:
    result = await draw(make_settings(), TWO, drawn(PNG, BLUE))
    assert paths(result) == [str(out / "x.png"), str(out / "x-2.png")]
    assert [(out / name).read_bytes() for name in ("x.png", "x-2.png")] == [PNG, BLUE]
    assert (fields(result)["count"], "note" in fields(result)) == (2, False)


@pytest.mark.parametrize("order", [["image", "images"], ["images", "image"]])
async def test_an_image_that_arrives_twice_is_saved_once(
    make_settings: MakeSettings, out: Path, order: list[str]
) -> None:
    put(out / "x.png", picture(colour="green"))
    reply = {"image": base64_text(PNG), "images": [base64_text(PNG), base64_text(BLUE)]}
    result = await draw(make_settings(OVERWRITE=1), TWO, answer({name: reply[name] for name in order}))
    assert paths(result) == [str(out / "x.png"), str(out / "x-2.png")]
    assert [(out / name).read_bytes() for name in everything_in(out)] == [BLUE, PNG]


async def test_a_single_image_that_is_not_in_the_list_is_saved_too(make_settings: MakeSettings, out: Path) -> None:
    reply = answer({"image": base64_text(BLUE), "images": [base64_text(PNG)]})
    result = await draw(make_settings(), {"output_path": "x.png"}, reply)
    assert paths(result) == [str(out / "x.png"), str(out / "x-2.png")]
    assert [(out / name).read_bytes() for name in everything_in(out)] == [BLUE, PNG]


async def test_a_list_of_images_is_enough(make_settings: MakeSettings, out: Path) -> None:
    result = await draw(make_settings(), TWO, answer({"images": [base64_text(PNG)]}))
    assert (out / "x.png").read_bytes() == PNG
    assert (fields(result)["count"], fields(result)["note"]) == (1, "2 were ordered, 1 arrived.")


async def test_a_link_beside_an_image_is_reported(make_settings: MakeSettings, out: Path) -> None:
    link = "http://cdn.example/second.png"
    result = await draw(
        make_settings(), TWO, answer({"image": base64_text(PNG), "images": [base64_text(PNG), f" {link} "]})
    )
    assert paths(result) == [str(out / "x.png")]
    assert fields(result)["note"] == f"The service sent a link; fetch it yourself: {link}"


async def test_long_links_are_saved_in_a_text_file(make_settings: MakeSettings, out: Path) -> None:
    links = [f"https://cdn.example/{'x' * 300}?{number}" for number in range(2)]
    text = failed(await draw(make_settings(), {"output_path": "x.png"}, answer({"images": links})))
    assert text.startswith(f"invalid_response: The service's answer has no image in it. {MAYBE_SPENT[:20]}")
    assert text.endswith(f"The service sent a link; fetch it yourself: {out / 'x.txt'}")
    assert (out / "x.txt").read_text().split() == links


def fail_calls(monkeypatch: pytest.MonkeyPatch, name: str, *numbers: int) -> None:
    """Make these calls of a function of `os`, counted from 1, report a full disk."""
    original, counter = getattr(os, name), itertools.count(1)

    def sometimes(*arguments: Any, **options: Any) -> Any:
        if next(counter) in numbers:
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(*arguments, **options)

    monkeypatch.setattr(os, name, sometimes)


async def test_an_image_that_cannot_be_saved_does_not_hide_the_other(
    make_settings: MakeSettings, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_calls(monkeypatch, "fsync", 2)
    result = await draw(make_settings(), TWO, drawn(PNG, BLUE))
    assert paths(result) == [str(out / "x.png")]
    assert fields(result)["note"] == (
        f"One more arrived and could not be saved: Cannot write {out / 'x.png'}: {DISK_FULL}"
    )
    assert everything_in(out) == ["x.png"]


@pytest.mark.parametrize("name", ["fsync", "dup"])
async def test_if_no_image_can_be_saved_credits_may_be_spent(
    make_settings: MakeSettings, out: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    fail_calls(monkeypatch, name, 1, 2)
    text = failed(await draw(make_settings(), TWO, drawn(PNG, BLUE)))
    assert text.startswith("disk_error: Cannot ")
    assert text.endswith(f"{DISK_FULL} {MAYBE_SPENT}")
    assert everything_in(out) == []


async def test_content_that_is_no_image_is_kept_and_reported(make_settings: MakeSettings, out: Path) -> None:
    result = await draw(make_settings(), TWO, drawn(PNG, b"\0\1\2\3"))
    assert paths(result) == [str(out / "x.png")]
    assert fields(result)["note"] == (
        f"2 were ordered, 1 arrived. Not image, kept as it came: {out / 'x.bin'} (4 bytes)."
    )
    assert (out / "x.bin").read_bytes() == b"\0\1\2\3"


async def test_an_answer_without_an_image_fails_and_names_what_it_kept(make_settings: MakeSettings, out: Path) -> None:
    text = failed(await draw(make_settings(), {"output_path": "x.png"}, drawn(b"<html></html>")))
    assert text.startswith("invalid_response: The service's answer has no image in it.")
    assert text.endswith(f"Not image, kept as it came: {out / 'x.txt'} (13 bytes).")
    assert MAYBE_SPENT in text
    assert everything_in(out) == ["x.txt"]


async def test_the_content_decides_the_extension(make_settings: MakeSettings, out: Path) -> None:
    for content, name in ((JPEG, "x.jpg"), (WEBP, "x.webp"), (PNG, "x.png")):
        assert paths(await draw(make_settings(), {"output_path": "x.png"}, drawn(content))) == [str(out / name)]


async def test_all_images_of_an_answer_share_the_size_limit(make_settings: MakeSettings, out: Path) -> None:
    three = drawn(noise(20), noise(20), noise(20))  # 1.2 kB each
    text = failed(await draw(make_settings(MAX_FILE_MB="0.003"), TWO, three))
    assert "WEBVOICE_MAX_FILE_MB" in text
    assert everything_in(out) == []


async def test_pictures_can_be_kept_from_the_model(make_settings: MakeSettings) -> None:
    assert shown(await draw(make_settings(INLINE_IMAGES=0), {}, drawn(PNG))) == []


async def test_a_large_picture_is_shown_smaller(make_settings: MakeSettings) -> None:
    large = noise(600)
    assert len(large) > 700 * 1024
    result = await draw(make_settings(), {}, drawn(large))
    (small,) = shown(result)
    assert len(small) <= 700 * 1024
    assert result.content[1].mime_type == "image/jpeg"  # type: ignore[union-attr]  # the picture
    assert Image.open(io.BytesIO(small)).size == (600, 600)


async def test_all_pictures_of_an_answer_share_the_space(make_settings: MakeSettings) -> None:
    pictures = shown(await draw(make_settings(), TWO, drawn(noise(600), noise(601))))
    assert len(pictures) == 2
    assert sum(map(len, pictures)) <= 700 * 1024


async def test_pictures_that_fit_together_are_shown_unchanged(make_settings: MakeSettings) -> None:
    pictures = [noise(400), PNG]
    assert 350 * 1024 < sum(map(len, pictures)) < 700 * 1024
    assert shown(await draw(make_settings(), TWO, drawn(*pictures))) == pictures


async def test_without_pillow_a_large_picture_is_only_linked(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = drawn(noise(600))
    monkeypatch.setitem(sys.modules, "PIL", None)
    result = await draw(make_settings(), {}, reply)
    assert (shown(result), len(paths(result))) == ([], 1)


@pytest.mark.slow
@pytest.mark.parametrize("content", [PNG[:33] + bytes(800_000), noise(3000)], ids=["damaged", "too large"])
async def test_a_picture_that_cannot_be_made_small_is_only_linked(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr("webvoice_mcp.tools.pictures._MAX_BYTES", 100_000)
    result = await draw(make_settings(), {}, drawn(content))
    assert (shown(result), len(paths(result))) == ([], 1)


async def test_no_error_of_pillow_costs_the_paid_picture(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = noise(600)
    for error in (SyntaxError, OSError, ValueError, MemoryError):

        def fail(*_: Any, error: type[Exception] = error) -> None:
            raise error

        monkeypatch.setattr(Image, "open", fail)
        result = await draw(make_settings(), {}, drawn(reply))
        assert (shown(result), len(paths(result))) == ([], 1)


def black(side: int) -> bytes:
    """Return a PNG of two colours whose lines are all black; it has few bytes."""
    parts = (
        struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0),
        zlib.compress(bytes((1 + (side + 7) // 8) * side), 1),
        b"",
    )
    chunks = [name + content for name, content in zip((b"IHDR", b"IDAT", b"IEND"), parts, strict=True)]
    return PNG[:8] + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks
    )


@pytest.mark.parametrize("limit", [1_000_000, 10_000], ids=["small enough to show", "to be made smaller"])
async def test_a_picture_of_too_many_pixels_is_only_linked(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    opened: list[Any] = []
    reply = drawn(black(13_000))
    monkeypatch.setattr(Image, "open", opened.append)
    monkeypatch.setattr("webvoice_mcp.tools.pictures._MAX_BYTES", limit)
    result = await draw(make_settings(), {}, reply)
    assert (shown(result), len(paths(result)), opened) == ([], 1, [])


async def test_a_picture_with_a_second_size_is_never_decoded(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = io.BytesIO()
    Image.new("RGB", (16, 16)).save(file, "JPEG")
    start = file.getvalue().index(b"\xff\xc0")
    small, large = b"\x00\x10\x00\x10", b"\x1b\x58\x1b\x58"
    frame = file.getvalue()[start : start + 19]
    content = file.getvalue()[:start] + frame + frame.replace(small, large) + file.getvalue()[start + 19 :]
    loaded: list[Any] = []
    monkeypatch.setattr("PIL.JpegImagePlugin.JpegImageFile.load", loaded.append)
    monkeypatch.setattr("webvoice_mcp.tools.pictures._MAX_BYTES", 100)
    result = await draw(make_settings(), {}, drawn(content))
    assert (shown(result), len(paths(result)), loaded) == ([], 1, [])


async def test_a_picture_that_takes_long_to_decode_is_only_linked(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = io.BytesIO()
    Image.effect_noise((64, 64), 90).save(file, "JPEG", progressive=True)
    content = file.getvalue()
    scan = content[content.rindex(b"\xff\xda") : -2]
    monkeypatch.setattr("webvoice_mcp.tools.pictures._MAX_BYTES", 4_000)
    for scans, count in ((20, 1), (100, 0)):
        result = await draw(make_settings(), {}, drawn(content[:-2] + scan * scans + content[-2:]))
        assert (len(shown(result)), len(paths(result))) == (count, 1)


async def test_a_huge_picture_is_not_read(make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webvoice_mcp.tools.pictures._MAX_READ_BYTES", len(PNG) - 1)
    result = await draw(make_settings(), {}, drawn(PNG))
    assert (shown(result), len(paths(result))) == ([], 1)


async def test_missing_files_and_other_types_are_not_shown(out: Path) -> None:
    put(out / "x.bin", PNG)
    missing = SavedFile(str(out / "x.png"), "file:///x.png", "image/png", 8)
    other = replace(missing, path=str(out / "x.bin"), mime_type="application/octet-stream", size_bytes=len(PNG))
    assert await image_content([missing, other]) == ()


async def test_spaces_are_stripped_from_codes_and_links_but_not_from_texts(make_settings: MakeSettings) -> None:
    arguments = {"prompt": " x ", "provider": " sd3 ", "aspect_ratio": "1:1 ", "image_url": f"{LINK} \n"}
    _, sent = await ask(make_settings(), DRAW, arguments, drawn(PNG))
    assert sent == {"prompt": " x ", "provider": "sd3", "aspect_ratio": "1:1", "image_url": LINK}
    _, sent = await ask(make_settings(), CHANGE, {"prompt": "x", "images": [f" {LINK}", f"{LINK} "]}, edited())
    assert sent == {"prompt": "x", "images": [LINK, LINK]}


async def test_local_images_are_uploaded_in_a_form(make_settings: MakeSettings, local: list[str]) -> None:
    service = ScriptedTransport(edited(input_count=2))
    arguments = {"prompt": "Merge", "images": local, "size": "1024x768", "seed": 0}
    async with connected(make_settings(), service) as client:
        result = fields(await client.call_tool(CHANGE, arguments))
    assert result["input_count"] == 2
    parts = form(service.requests[0], service.bodies[0])
    assert [(name, mime_type, content) for name, _, mime_type, content in parts] == [
        ("prompt", "text/plain", b"Merge"),
        ("size", "text/plain", b"1024*768"),
        ("seed", "text/plain", b"0"),
        ("images", "image/png", PNG),
        ("images", "image/jpeg", JPEG),
    ]


async def test_local_and_linked_images_are_mixed_in_json(make_settings: MakeSettings, local: list[str]) -> None:
    service = ScriptedTransport(edited(input_count=3))
    arguments = {"prompt": "Merge ✓", "images": [local[0], LINK, local[1]], "aspect_ratio": "1:1"}
    async with connected(make_settings(), service) as client:
        fields(await client.call_tool(CHANGE, arguments))
    assert json.loads(service.bodies[0]) == {**arguments, "images": [base64_text(PNG), LINK, base64_text(JPEG)]}
    assert service.requests[0].headers["content-length"] == str(len(service.bodies[0]))
    assert service.requests[0].headers["content-type"] == "application/json"


async def test_inputs_that_cannot_be_edited_are_refused_before_any_request(
    make_settings: MakeSettings, out: Path
) -> None:
    put(out / "text.png", b"just words")
    put(out / "sound.png", b"fLaC\0\0\0\x22" + bytes(34))
    before = everything_in(out)
    bad_links = [link for link in BAD_LINKS if "://" in link]
    refused = [
        ([LINK] * 5, "invalid_argument: images has 5 entries. Give 1 to 4."),
        ([], "invalid_argument: images has 0 entries. Give 1 to 4."),
        *[([LINK, link], f"invalid_argument: images[1]: the link {link!r} must") for link in bad_links],
        (["data:image/png;base64,AAAA"], "invalid_argument: images[0] is a data: URL."),
        ([LINK, "nowhere.png"], "file_not_found: images[1]"),
        (["text.png"], "unsupported_media: images[0]"),
        (["sound.png"], "unsupported_media: images[0]"),
    ]
    expected = [({"prompt": "x", "images": images}, text) for images, text in refused]
    await check_refused(make_settings(), CHANGE, expected)
    assert everything_in(out) == before


async def test_an_image_over_the_upload_limit_is_not_sent(make_settings: MakeSettings, out: Path) -> None:
    put(out / "large.png", noise(40))
    settings = make_settings(MAX_UPLOAD_MB="0.001")
    async with connected(settings, ScriptedTransport()) as client:
        text = failed(await client.call_tool(CHANGE, {"prompt": "x", "images": ["large.png"]}))
    assert "WEBVOICE_MAX_UPLOAD_MB" in text


async def test_an_input_that_changes_while_it_is_sent_costs_nothing(
    make_settings: MakeSettings, local: list[str]
) -> None:
    class Shrinking(ScriptedTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            put(Path(local[0]), b"")
            return await super().handle_async_request(request)

    async with connected(make_settings(), Shrinking()) as client:
        text = failed(await client.call_tool(CHANGE, {"prompt": "x", "images": local[:1]}))
        usage = fields(await client.call_tool("webvoice_usage", {}))
    assert text.startswith("disk_error: ")
    assert text.endswith("Try again when it is complete.")
    assert [row["credits"] for row in usage["recent"]] == [0.0]
