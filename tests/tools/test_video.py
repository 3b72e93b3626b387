"""The video tools, through MCP, against scripted answers."""

import base64
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.files.samples import PNG_BYTES as PNG
from tests.files.samples import mp4_bytes
from tests.support import MakeSettings, ScriptedTransport, answer, ask, connected, example, failed, fields, form
from tests.tools.rows import LINK, NO_LINKS, accepted, refused
from webvoice_mcp.contract.rules import Rules
from webvoice_mcp.contract.video import IMAGE_TO_VIDEO_RULES, TEXT_TO_VIDEO_RULES

MP4 = mp4_bytes(b"isom", b"vide")

# tool, the arguments that it cannot do without, its rules
TOOLS: dict[str, tuple[dict[str, Any], Rules]] = {
    "webvoice_image_to_video": ({"prompt": "x", "image": LINK}, IMAGE_TO_VIDEO_RULES),
    "webvoice_text_to_video": ({"prompt": "x"}, TEXT_TO_VIDEO_RULES),
}


def filmed(**more: Any) -> httpx2.Response:
    body = {"success": True, "provider": "seedance-2.0", "video": base64.b64encode(MP4).decode(), "duration": 5}
    return answer({**body, "resolution": "720p", "credits_used": 15.0, **more})


async def test_a_scene_is_filmed_into_a_file(make_settings: MakeSettings, tmp_path: Path) -> None:
    sent = ScriptedTransport(filmed(credits_remaining=85.0, video_size_bytes=len(MP4)))
    async with connected(make_settings(), sent) as client:
        result = fields(await client.call_tool("webvoice_text_to_video", {"prompt": "Sea", "output_path": "sea"}))
    path = tmp_path / "out" / "sea.mp4"
    assert path.read_bytes() == MP4
    assert json.loads(sent.bodies[0]) == {"provider": "seedance", "prompt": "Sea", "duration": 5}
    assert result == {
        "files": [{"path": str(path), "uri": path.as_uri(), "mime_type": "video/mp4", "size_bytes": len(MP4)}],
        "provider": "seedance-2.0",
        "duration": 5.0,
        "resolution": "720p",
        "credits_used": 15.0,
        "credits_remaining": 85.0,
        "video_size_bytes": len(MP4),
    }


@pytest.mark.parametrize(
    ("tool", "documented_as"),
    [
        ("webvoice_image_to_video", "image_to_video_request"),
        ("webvoice_image_to_video", "image_to_video_gen4_request"),
        ("webvoice_text_to_video", "text_to_video_request"),
    ],
)
async def test_the_documented_examples_are_sent_as_documented(
    make_settings: MakeSettings, tool: str, documented_as: str
) -> None:
    documented = example(documented_as)
    arguments = {("image" if name == "image_url" else name): value for name, value in documented.items()}
    _, sent = await ask(make_settings(), tool, arguments, filmed())
    assert sent == documented


@pytest.mark.parametrize(
    ("tool", "provider", "parameter", "value"),
    [(tool, *row) for tool, (_, rules) in TOOLS.items() for row in accepted(rules)],
)
async def test_a_parameter_of_the_provider_is_sent(
    make_settings: MakeSettings, tool: str, provider: str, parameter: str, value: Any
) -> None:
    _, sent = await ask(make_settings(), tool, {**TOOLS[tool][0], "provider": provider, parameter: value}, filmed())
    assert sent[parameter] == value


@pytest.mark.parametrize(
    ("tool", "provider", "parameter", "value", "sentence"),
    [(tool, *row) for tool, (_, rules) in TOOLS.items() for row in refused(rules)],
)
async def test_what_the_provider_does_not_take_is_refused_before_any_request(
    make_settings: MakeSettings, tool: str, provider: str, parameter: str, value: Any, sentence: str
) -> None:
    sent = ScriptedTransport()
    async with connected(make_settings(), sent) as client:
        said = failed(await client.call_tool(tool, {**TOOLS[tool][0], "provider": provider, parameter: value}))
    assert said.startswith(f"invalid_argument: {sentence}")
    assert sent.requests == []


@pytest.mark.parametrize("tool", TOOLS)
async def test_an_unknown_provider_is_told_those_there_are(make_settings: MakeSettings, tool: str) -> None:
    async with connected(make_settings(), ScriptedTransport()) as client:
        said = failed(await client.call_tool(tool, {**TOOLS[tool][0], "provider": "x"}))
    assert said.startswith("invalid_argument: provider should be 'seedance', ")


async def test_a_local_image_is_uploaded_in_a_form(make_settings: MakeSettings, tmp_path: Path) -> None:
    image = tmp_path / "first frame.png"
    image.write_bytes(PNG)
    sent = ScriptedTransport(filmed())
    arguments = {"prompt": "Pan", "image": str(image), "generate_audio": False, "resolution": "1080p"}
    async with connected(make_settings(), sent) as client:
        fields(await client.call_tool("webvoice_image_to_video", arguments))
    parts = [(name, content) for name, _, _, content in form(sent.requests[0], sent.bodies[0])]
    assert parts == [
        ("provider", b"seedance"),
        ("prompt", b"Pan"),
        ("duration", b"5"),
        ("resolution", b"1080p"),
        ("generate_audio", b"false"),
        ("image", PNG),
    ]


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        *[(each, f"invalid_argument: image: the link {each!r} must be") for each in NO_LINKS if "://" in each],
        ("nowhere.png", "file_not_found: image"),
    ],
)
async def test_what_is_no_image_is_refused_before_any_request(
    make_settings: MakeSettings, image: str, sentence: str
) -> None:
    sent = ScriptedTransport()
    async with connected(make_settings(), sent) as client:
        said = failed(await client.call_tool("webvoice_image_to_video", {"prompt": "x", "image": image}))
    assert said.startswith(sentence)
    assert sent.requests == []


async def test_veo_fast_sends_what_text_to_video_would_with_that_provider(make_settings: MakeSettings) -> None:
    arguments = {
        "prompt": "Sea",
        "duration": 8,
        "resolution": "1080p",
        "aspect_ratio": "9:16",
        "generate_audio": True,
        "negative_prompt": "fog",
        "seed": 1,
    }
    _, narrow = await ask(make_settings(), "webvoice_veo_fast_text_to_video", arguments, filmed())
    _, general = await ask(make_settings(), "webvoice_text_to_video", {**arguments, "provider": "veo-fast"}, filmed())
    assert narrow == general == {**arguments, "provider": "veo-fast"}
