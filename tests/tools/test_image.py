"""The image tools, through MCP, against scripted answers."""

import base64
import errno
import io
import itertools
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.types import ImageContent, ResourceLink
from PIL import Image

from tests import support
from tests.files.samples import everything_in, put
from tests.support import EXAMPLES, MakeSettings, ScriptedTransport, answer, connected, example, failed, fields, form
from tests.tools.rows import LINK, NO_LINKS, accepted, refused
from webvoice_mcp.contract.image import EDIT_RULES, IMAGE_RULES
from webvoice_mcp.files import SavedFile
from webvoice_mcp.tools._pictures import Pictures


def picture(kind: str = "PNG", colour: str = "red", size: tuple[int, int] = (8, 8)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind)
    return buffer.getvalue()


def noise(side: int) -> bytes:
    """A PNG that does not compress."""
    buffer = io.BytesIO()
    Image.frombytes("RGB", (side, side), os.urandom(side * side * 3)).save(buffer, "PNG")
    return buffer.getvalue()


PNG, JPEG, WEBP = picture(), picture("JPEG"), picture("WEBP")


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def drawn(*pictures: bytes, **more: Any) -> httpx2.Response:
    listed = [encoded(each) for each in pictures]
    body = {"success": True, "provider": "wan", "image": listed[0], "images": listed, "count": len(listed)}
    return answer({**body, "credits_used": 8.0, "credits_remaining": 92.0, **more})


async def ask(
    settings: Any, arguments: dict[str, Any], *answers: Any, tool: str = "webvoice_image"
) -> tuple[dict[str, Any], dict[str, Any]]:
    return await support.ask(settings, tool, arguments, *(answers or [drawn(PNG)]))


async def test_an_image_is_drawn_into_a_file_and_shown_to_the_model(make_settings: MakeSettings, out: Path) -> None:
    sent = ScriptedTransport(drawn(PNG))
    async with connected(make_settings(), sent) as client:
        result = await client.call_tool("webvoice_image", {"prompt": "A red dot", "output_path": "dot"})
    path = out / "dot.png"
    assert path.read_bytes() == PNG
    assert json.loads(sent.bodies[0]) == {"provider": "minimax", "prompt": "A red dot"}
    assert fields(result) == {
        "files": [{"path": str(path), "uri": path.as_uri(), "mime_type": "image/png", "size_bytes": len(PNG)}],
        "provider": "wan",
        "count": 1,
        "credits_used": 8.0,
        "credits_remaining": 92.0,
    }
    assert result.content[1:] == [
        ImageContent(data=encoded(PNG), mime_type="image/png"),
        ResourceLink(uri=path.as_uri(), name="dot.png", mime_type="image/png", size=len(PNG)),
    ]


@pytest.mark.parametrize(
    "name",
    sorted(path.stem for path in EXAMPLES.glob("image_*request.json") if not path.name.startswith("image_to")),
)
async def test_the_documented_examples_are_sent_as_documented(make_settings: MakeSettings, name: str) -> None:
    documented = example(name)
    arguments = {"prompt": "x", **documented}
    _, sent = await ask(make_settings(), arguments)
    assert sent == arguments


@pytest.mark.parametrize(("provider", "parameter", "value"), list(accepted(IMAGE_RULES)))
async def test_a_parameter_of_the_provider_is_sent(
    make_settings: MakeSettings, provider: str, parameter: str, value: Any
) -> None:
    pairs: dict[str, Any] = {"width": {"height": 512}, "height": {"width": 512}, "lora_scale": {"lora_url": LINK}}
    arguments = {"prompt": "x", "provider": provider, parameter: value, **pairs.get(parameter, {})}
    _, sent = await ask(make_settings(), arguments)
    if parameter == "size":
        value = value.replace("*", "x") if provider == "qwen-image-max" else value.replace("x", "*")
    assert sent == {**arguments, parameter: value}


@pytest.mark.parametrize(("provider", "parameter", "value", "sentence"), list(refused(IMAGE_RULES)))
async def test_what_the_provider_does_not_take_is_refused_before_any_request(
    make_settings: MakeSettings, provider: str, parameter: str, value: Any, sentence: str
) -> None:
    sent = ScriptedTransport()
    async with connected(make_settings(), sent) as client:
        arguments = {"prompt": "x", "provider": provider, parameter: value}
        assert failed(await client.call_tool("webvoice_image", arguments)).startswith(f"invalid_argument: {sentence}")
    assert sent.requests == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"provider": "dalle"}, "provider should be 'minimax', 'wan', 'nucleus'"),
        ({"width": 512}, "width and height go together"),
        ({"height": 512}, "width and height go together"),
        ({"prompt": "x" * 4001}, "prompt should have at most 4000 characters"),
        ({"seed": -2}, "seed should be greater than or equal to -1: a whole number, -1 or more. For repeatable"),
        ({"seed": True}, "seed should be a number: a whole number, -1 or more. For repeatable results."),
        ({"width": True}, "width should be a number: a whole number. Pixels, 512 to 2048, with height."),
        ({"provider": "nucleus", "guidance_scale": "x"}, "guidance_scale should be a valid number, unable to parse"),
        ({"provider": "flux-klein-lora", "loras": [{"path": LINK}], "lora_url": LINK}, "Give loras or lora_url"),
        ({"provider": "flux-klein-lora", "lora_scale": 1}, "lora_scale goes with lora_url"),
        ({"provider": "flux-klein-lora", "loras": [{"path": "x"}]}, "loras[0] must be an object"),
        ({"provider": "flux-klein-lora", "loras": [{"path": LINK, "weight": 1}]}, "loras[0] must be an object"),
        ({"provider": "flux-klein-lora", "loras": [{"path": LINK, "scale": "x"}]}, "loras[0] must be an object"),
        ({"provider": "flux-klein-lora", "loras": [{"path": LINK, "scale": True}]}, "loras[0] must be an object"),
        ({"output_path": "x.mp4"}, "output_path"),
    ],
)
async def test_what_cannot_be_drawn_is_refused_before_any_request(
    make_settings: MakeSettings, arguments: dict[str, Any], sentence: str
) -> None:
    sent = ScriptedTransport()
    async with connected(make_settings(), sent) as client:
        said = failed(await client.call_tool("webvoice_image", {"prompt": "x", **arguments}))
    assert said.startswith(f"invalid_argument: {sentence}")
    assert sent.requests == []


async def test_several_images_are_numbered(make_settings: MakeSettings, out: Path) -> None:
    blue = picture(colour="blue")
    arguments = {"prompt": "x", "provider": "nucleus", "num_images": 2, "output_path": "two.png"}
    result, _ = await ask(make_settings(), arguments, drawn(PNG, blue))
    assert [each["path"] for each in result["files"]] == [str(out / "two.png"), str(out / "two-2.png")]
    assert [(out / name).read_bytes() for name in ("two.png", "two-2.png")] == [PNG, blue]
    assert (result["count"], "note" in result) == (2, False)


@pytest.mark.parametrize("order", [["image", "images"], ["images", "image"]])
async def test_the_first_image_is_not_saved_twice(make_settings: MakeSettings, out: Path, order: list[str]) -> None:
    values = {"image": encoded(PNG), "images": [encoded(PNG)]}
    body = {name: values[name] for name in order}
    result, _ = await ask(make_settings(), {"prompt": "x", "output_path": "x.png"}, answer(body))
    assert (result["count"], everything_in(out)) == (1, ["x.png"])


@pytest.mark.parametrize("order", [["image", "images"], ["images", "image"]])
async def test_an_image_that_comes_twice_replaces_what_a_person_allows(
    make_settings: MakeSettings, out: Path, order: list[str]
) -> None:
    put(out / "x.png", picture(colour="green"))
    blue = picture(colour="blue")
    values = {"image": encoded(PNG), "images": [encoded(PNG), encoded(blue)]}
    arguments = {"prompt": "x", "provider": "nucleus", "num_images": 2, "output_path": "x.png"}
    result, _ = await ask(make_settings(OVERWRITE=1), arguments, answer({name: values[name] for name in order}))
    assert [each["path"] for each in result["files"]] == [str(out / "x.png"), str(out / "x-2.png")]
    assert [(out / name).read_bytes() for name in everything_in(out)] == [blue, PNG]


async def test_a_single_image_that_is_none_of_those_listed_is_kept_too(make_settings: MakeSettings, out: Path) -> None:
    blue = picture(colour="blue")
    body = {"image": encoded(blue), "images": [encoded(PNG)]}
    result, _ = await ask(make_settings(), {"prompt": "x", "output_path": "x.png"}, answer(body))
    assert [each["path"] for each in result["files"]] == [str(out / "x.png"), str(out / "x-2.png")]
    assert [(out / name).read_bytes() for name in everything_in(out)] == [blue, PNG]


async def test_a_link_beside_an_image_is_told(make_settings: MakeSettings, out: Path) -> None:
    link = "http://cdn.example/second.png"
    arguments = {"prompt": "x", "provider": "nucleus", "num_images": 2, "output_path": "x.png"}
    body = {"image": encoded(PNG), "images": [encoded(PNG), f" {link} "]}
    result, _ = await ask(make_settings(), arguments, answer(body))
    assert [each["path"] for each in result["files"]] == [str(out / "x.png")]
    assert result["note"] == f"The service sent a link; fetch it yourself: {link}"


async def test_a_link_that_is_too_long_to_be_told_is_kept_in_a_file(make_settings: MakeSettings, out: Path) -> None:
    links = [f"https://cdn.example/{'x' * 300}?{number}" for number in range(2)]
    async with connected(make_settings(), ScriptedTransport(answer({"images": links}))) as client:
        said = failed(await client.call_tool("webvoice_image", {"prompt": "x", "output_path": "x.png"}))
    assert said.startswith("invalid_response: The service's answer has no image in it. The service had answered, so")
    assert said.endswith(f"The service sent a link; fetch it yourself: {out / 'x.txt'}")
    assert (out / "x.txt").read_text().split() == links


def failing(monkeypatch: pytest.MonkeyPatch, call: str, *numbers: int) -> None:
    """Let the file system refuse these calls of a kind, counted from 1."""
    really, made = getattr(os, call), itertools.count(1)

    def maybe(*arguments: Any, **options: Any) -> Any:
        if next(made) in numbers:
            raise OSError(errno.ENOSPC, "No space left on device")
        return really(*arguments, **options)

    monkeypatch.setattr(os, call, maybe)


TWO = {"prompt": "x", "provider": "nucleus", "num_images": 2, "output_path": "x.png"}
FULL = "No space left on device. Make room, or choose a folder on another disk."
SPENT = "The service had answered, so credits may have been spent. See webvoice_status before you repeat the call."


async def test_one_image_that_cannot_be_saved_does_not_hide_the_other(
    make_settings: MakeSettings, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, "fsync", 2)
    result, _ = await ask(make_settings(), TWO, drawn(PNG, picture(colour="blue")))
    assert [each["path"] for each in result["files"]] == [str(out / "x.png")]
    assert result["note"] == f"One more came and could not be saved: Cannot write {out / 'x.png'}: {FULL}"
    assert everything_in(out) == ["x.png"]


@pytest.mark.parametrize(("call", "numbers"), [("fsync", (1, 2)), ("dup", (1, 2))])
async def test_images_that_cannot_be_saved_at_all_may_have_cost_credits(
    make_settings: MakeSettings, out: Path, monkeypatch: pytest.MonkeyPatch, call: str, numbers: tuple[int, ...]
) -> None:
    failing(monkeypatch, call, *numbers)
    async with connected(make_settings(), ScriptedTransport(drawn(PNG, picture(colour="blue")))) as client:
        said = failed(await client.call_tool("webvoice_image", TWO))
    assert said.startswith("disk_error: Cannot ")
    assert said.endswith(f"{FULL} {SPENT}")
    assert everything_in(out) == []


@pytest.mark.parametrize("alone", [{"image": encoded(PNG)}, {"images": [encoded(PNG)]}])
async def test_one_of_the_two_fields_is_enough(make_settings: MakeSettings, out: Path, alone: dict[str, Any]) -> None:
    await ask(make_settings(), {"prompt": "x", "output_path": "x.png"}, answer(alone))
    assert (out / "x.png").read_bytes() == PNG


async def test_fewer_images_than_ordered_are_delivered_and_it_is_said(make_settings: MakeSettings) -> None:
    arguments = {"prompt": "x", "provider": "nucleus", "num_images": 2}
    result, _ = await ask(make_settings(), arguments, drawn(PNG))
    assert (result["count"], result["note"]) == (1, "2 were ordered, 1 came.")


async def test_an_image_that_is_none_is_kept_beside_the_good_one(make_settings: MakeSettings, out: Path) -> None:
    arguments = {"prompt": "x", "provider": "nucleus", "num_images": 2, "output_path": "x.png"}
    result, _ = await ask(make_settings(), arguments, drawn(PNG, b"\0\1\2\3"))
    kept = out / "x.bin"
    assert [each["path"] for each in result["files"]] == [str(out / "x.png")]
    assert result["note"] == f"2 were ordered, 1 came. Not image, kept as it came: {kept} (4 bytes)."
    assert kept.read_bytes() == b"\0\1\2\3"


async def test_an_answer_whose_image_is_none_is_an_error_that_says_where_it_is_kept(
    make_settings: MakeSettings, out: Path
) -> None:
    async with connected(make_settings(), ScriptedTransport(drawn(b"<html></html>"))) as client:
        said = failed(await client.call_tool("webvoice_image", {"prompt": "x", "output_path": "x.png"}))
    assert said.startswith("invalid_response: The service's answer has no image in it.")
    assert said.endswith(f"Not image, kept as it came: {out / 'x.txt'} (13 bytes).")
    assert SPENT in said
    assert everything_in(out) == ["x.txt"]


@pytest.mark.parametrize(("content", "name"), [(JPEG, "x.jpg"), (WEBP, "x.webp"), (PNG, "x.png")])
async def test_the_true_format_decides_the_extension(
    make_settings: MakeSettings, out: Path, content: bytes, name: str
) -> None:
    result, _ = await ask(make_settings(), {"prompt": "x", "output_path": "x.png"}, drawn(content))
    assert result["files"][0]["path"] == str(out / name)


async def test_all_images_of_an_answer_share_the_limit(make_settings: MakeSettings, out: Path) -> None:
    pictures = [noise(20), noise(20), noise(20)]  # 1.2 kB each
    arguments = {"prompt": "x", "provider": "nucleus", "num_images": 2}
    async with connected(make_settings(MAX_FILE_MB="0.003"), ScriptedTransport(drawn(*pictures))) as client:
        said = failed(await client.call_tool("webvoice_image", arguments))
    assert "WEBVOICE_MAX_FILE_MB" in said
    assert everything_in(out) == []


def images(result: Any) -> list[ImageContent]:
    return [block for block in result.content if isinstance(block, ImageContent)]


async def test_pictures_can_be_kept_from_the_model(make_settings: MakeSettings) -> None:
    async with connected(make_settings(INLINE_IMAGES=0), ScriptedTransport(drawn(PNG))) as client:
        result = await client.call_tool("webvoice_image", {"prompt": "x"})
    assert images(result) == []


async def test_a_large_picture_is_shown_smaller(make_settings: MakeSettings) -> None:
    large = noise(600)
    assert len(large) > 700 * 1024
    async with connected(make_settings(), ScriptedTransport(drawn(large))) as client:
        (shown,) = images(await client.call_tool("webvoice_image", {"prompt": "x"}))
    data = base64.b64decode(shown.data)
    assert len(data) <= 700 * 1024
    assert (shown.mime_type, Image.open(io.BytesIO(data)).size) == ("image/jpeg", (600, 600))


async def test_all_pictures_of_an_answer_share_what_hosts_let_through(make_settings: MakeSettings) -> None:
    pictures = [noise(600), noise(601)]
    arguments = {"prompt": "x", "provider": "nucleus", "num_images": 2}
    async with connected(make_settings(), ScriptedTransport(drawn(*pictures))) as client:
        shown = images(await client.call_tool("webvoice_image", arguments))
    assert len(shown) == 2
    assert sum(len(base64.b64decode(each.data)) for each in shown) <= 700 * 1024


async def test_pictures_that_fit_together_are_all_shown_as_they_are(make_settings: MakeSettings) -> None:
    pictures = [noise(400), PNG]
    assert 350 * 1024 < sum(map(len, pictures)) < 700 * 1024
    async with connected(make_settings(), ScriptedTransport(drawn(*pictures))) as client:
        shown = images(await client.call_tool("webvoice_image", TWO))
    assert [base64.b64decode(each.data) for each in shown] == pictures


async def test_without_pillow_a_large_picture_is_left_to_its_link(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = drawn(noise(600))
    monkeypatch.setitem(sys.modules, "PIL", None)
    async with connected(make_settings(), ScriptedTransport(answer)) as client:
        result = await client.call_tool("webvoice_image", {"prompt": "x"})
    assert images(result) == []
    assert len(fields(result)["files"]) == 1


@pytest.mark.parametrize("broken", [PNG[:33] + bytes(800_000), noise(3000)])
async def test_a_picture_that_cannot_be_made_small_enough_is_left_to_its_link(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, broken: bytes
) -> None:
    monkeypatch.setattr("webvoice_mcp.tools._pictures._ALL_BYTES", 100_000)
    async with connected(make_settings(), ScriptedTransport(drawn(broken))) as client:
        result = await client.call_tool("webvoice_image", {"prompt": "x"})
    assert images(result) == []
    assert len(fields(result)["files"]) == 1


@pytest.mark.parametrize("error", [SyntaxError, OSError, ValueError, MemoryError])
async def test_a_picture_that_pillow_cannot_read_is_left_to_its_link(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def broken(*_: Any) -> None:
        raise error

    monkeypatch.setattr(Image, "open", broken)
    async with connected(make_settings(), ScriptedTransport(drawn(noise(600)))) as client:
        result = await client.call_tool("webvoice_image", {"prompt": "x"})
    assert (images(result), len(fields(result)["files"])) == ([], 1)


async def test_a_huge_picture_is_not_even_read(make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webvoice_mcp.tools._pictures._MOST_READ", len(PNG) - 1)
    async with connected(make_settings(), ScriptedTransport(drawn(PNG))) as client:
        result = await client.call_tool("webvoice_image", {"prompt": "x"})
    assert (images(result), len(fields(result)["files"])) == ([], 1)


async def test_a_picture_that_is_gone_again_is_left_to_its_link(make_settings: MakeSettings, out: Path) -> None:
    gone = SavedFile(str(out / "x.png"), "file:///x.png", "image/png", 8)
    assert await Pictures(enabled=True).of([gone]) == ()
    assert await Pictures(enabled=True).of([replace(gone, mime_type="application/octet-stream")]) == ()


async def test_a_link_is_named_as_its_file_is(make_settings: MakeSettings) -> None:
    async with connected(make_settings(), ScriptedTransport(drawn(PNG))) as client:
        result = await client.call_tool("webvoice_image", {"prompt": "x", "output_path": "my pic ü.png"})
    (link,) = [block for block in result.content if isinstance(block, ResourceLink)]
    assert link.name == "my pic ü.png"


async def test_blanks_around_codes_and_links_are_dropped_and_those_around_texts_are_sent(
    make_settings: MakeSettings,
) -> None:
    arguments = {"prompt": " x ", "provider": " sd3 ", "aspect_ratio": "1:1 ", "image_url": f"{LINK} \n"}
    _, sent = await ask(make_settings(), arguments)
    assert sent == {"prompt": " x ", "provider": "sd3", "aspect_ratio": "1:1", "image_url": LINK}
    _, sent = await ask(make_settings(), {"prompt": "x", "images": [f" {LINK}", f"{LINK} "]}, edited(), tool=EDIT)
    assert sent == {"prompt": "x", "images": [LINK, LINK]}


async def test_an_input_that_changes_while_it_is_sent_cost_nothing(
    make_settings: MakeSettings, local: list[str]
) -> None:
    class Shrinking(ScriptedTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            put(Path(local[0]), b"")
            return await super().handle_async_request(request)

    async with connected(make_settings(), Shrinking()) as client:
        said = failed(await client.call_tool(EDIT, {"prompt": "x", "images": local[:1]}))
        usage = fields(await client.call_tool("webvoice_usage", {}))
    assert said.startswith("disk_error: ")
    assert said.endswith("Try again when it is complete.")
    assert [each["credits"] for each in usage["recent"]] == [0.0]


async def test_qwen_image_max_sends_what_image_would_with_that_provider(make_settings: MakeSettings) -> None:
    arguments = {"prompt": "x", "aspect_ratio": "3:4", "size": "1024*1536", "seed": 7}
    _, narrow = await ask(make_settings(), arguments, tool="webvoice_qwen_image_max")
    _, general = await ask(make_settings(), {**arguments, "provider": "qwen-image-max"})
    assert narrow == general == {**arguments, "size": "1024x1536", "provider": "qwen-image-max"}


EDIT = "webvoice_image_to_image"


def edited(**more: Any) -> httpx2.Response:
    body = {"success": True, "provider": "flux-2-flash-edit", "image": encoded(PNG), "input_count": 1}
    return answer({**body, "credits_used": 1.0, **more})


async def test_linked_images_are_edited_as_documented(make_settings: MakeSettings) -> None:
    documented = example("image_to_image_request")
    result, sent = await ask(make_settings(), documented, edited(), tool=EDIT)
    assert sent == documented
    assert (result["provider"], result["input_count"], result["credits_used"]) == ("flux-2-flash-edit", 1, 1.0)


@pytest.fixture
def local(out: Path) -> list[str]:
    out.mkdir()
    (out / "a.png").write_bytes(PNG)
    (out / "b.jpg").write_bytes(JPEG)
    return [str(out / "a.png"), (out / "b.jpg").as_uri()]


async def test_local_images_are_uploaded_in_a_form(make_settings: MakeSettings, local: list[str]) -> None:
    sent = ScriptedTransport(edited(input_count=2))
    arguments = {"prompt": "Merge", "images": local, "size": "1024x768", "seed": 0}
    async with connected(make_settings(), sent) as client:
        result = fields(await client.call_tool(EDIT, arguments))
    assert result["input_count"] == 2
    assert sent.requests[0].headers["content-length"] == str(len(sent.bodies[0]))
    parts = form(sent.requests[0], sent.bodies[0])
    assert [(name, mime_type) for name, _, mime_type, _ in parts] == [
        ("prompt", "text/plain"),
        ("size", "text/plain"),
        ("seed", "text/plain"),
        ("images", "image/png"),
        ("images", "image/jpeg"),
    ]
    assert [content for *_, content in parts] == [b"Merge", b"1024*768", b"0", PNG, JPEG]


async def test_local_and_linked_images_mix_as_base64_in_json(make_settings: MakeSettings, local: list[str]) -> None:
    arguments = {"prompt": "Merge ✓", "images": [local[0], LINK, local[1]], "aspect_ratio": "1:1"}
    sent = ScriptedTransport(edited(input_count=3))
    async with connected(make_settings(), sent) as client:
        fields(await client.call_tool(EDIT, arguments))
    assert json.loads(sent.bodies[0]) == {**arguments, "images": [encoded(PNG), LINK, encoded(JPEG)]}
    assert sent.requests[0].headers["content-length"] == str(len(sent.bodies[0]))
    assert sent.requests[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize(("provider", "parameter", "value", "sentence"), list(refused(EDIT_RULES)))
async def test_an_edit_takes_its_documented_values_only(
    make_settings: MakeSettings, provider: str, parameter: str, value: Any, sentence: str
) -> None:
    arguments = {"prompt": "x", "images": [LINK], "provider": provider, parameter: value}
    async with connected(make_settings(), ScriptedTransport()) as client:
        assert failed(await client.call_tool(EDIT, arguments)).startswith(f"invalid_argument: {sentence}")


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ([LINK] * 5, "invalid_argument: images has 5 entries. Give 1 to 4."),
        ([], "invalid_argument: images has 0 entries. Give 1 to 4."),
        *[([LINK, each], f"invalid_argument: images[1]: the link {each!r} must") for each in NO_LINKS if "://" in each],
        (["data:image/png;base64,AAAA"], "invalid_argument: images[0] is a data: URL."),
        (["nowhere.png"], "file_not_found: images[0]"),
        ([LINK, "nowhere.png"], "file_not_found: images[1]"),
        (["text.png"], "unsupported_media: images[0]"),
        (["sound.png"], "unsupported_media: images[0]"),
    ],
)
async def test_what_cannot_be_edited_is_refused_before_any_request(
    make_settings: MakeSettings, local: list[str], out: Path, inputs: list[str], sentence: str
) -> None:
    (out / "text.png").write_text("just words")
    (out / "sound.png").write_bytes(b"fLaC\0\0\0\x22" + bytes(34))
    before = everything_in(out)
    sent = ScriptedTransport()
    async with connected(make_settings(), sent) as client:
        assert failed(await client.call_tool(EDIT, {"prompt": "x", "images": inputs})).startswith(sentence)
    assert (sent.requests, everything_in(out)) == ([], before)


async def test_a_picture_over_the_limit_is_not_sent(make_settings: MakeSettings, out: Path) -> None:
    put(out / "large.png", noise(40))
    sent = ScriptedTransport()
    async with connected(make_settings(MAX_UPLOAD_MB="0.001"), sent) as client:
        said = failed(await client.call_tool(EDIT, {"prompt": "x", "images": ["large.png"]}))
    assert "WEBVOICE_MAX_UPLOAD_MB" in said
    assert sent.requests == []
