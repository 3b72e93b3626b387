"""The video tools, through MCP, with scripted replies of the service."""

import base64
from pathlib import Path
from typing import Any

import httpx2

from tests.files.samples import PNG_BYTES, mp4_bytes, put
from tests.support import MakeSettings, ScriptedTransport, answer, ask, connected, example, fields, form
from tests.tools.calls import check_refused
from tests.tools.provider_values import BAD_LINKS, LINK
from webvoice_mcp.contract.video import IMAGE_TO_VIDEO, TEXT_TO_VIDEO, ImageToVideoRequest, TextToVideoRequest
from webvoice_mcp.files import Output
from webvoice_mcp.jobs.call import Input
from webvoice_mcp.tools.video import webvoice_image_to_video, webvoice_text_to_video

MP4 = mp4_bytes(b"isom", b"vide")
SUFFIXES = (".mp4", ".m4v")


def filmed(**more: Any) -> httpx2.Response:
    body = {"success": True, "provider": "seedance-2.0", "video": base64.b64encode(MP4).decode(), "duration": 5}
    return answer({**body, "resolution": "720p", "credits_used": 15.0, **more})


async def test_videos_are_described_without_a_server() -> None:
    call = await webvoice_text_to_video("Sea", duration=8, output_path="sea", background=True)
    assert call.endpoint is TEXT_TO_VIDEO
    assert call.request == TextToVideoRequest(provider="seedance", prompt="Sea", duration=8)
    assert call.output == Output("sea", "text_to_video", name_from="Sea", suffixes=SUFFIXES, family="video")
    assert call.background

    local = await webvoice_image_to_video("Pan", "first.png")
    assert local.endpoint is IMAGE_TO_VIDEO
    assert local.request == ImageToVideoRequest(provider="seedance", prompt="Pan", duration=5)
    assert local.inputs == (Input("first.png", "image", "image"),)
    assert local.output == Output("", "image_to_video", name_from="Pan", suffixes=SUFFIXES, family="video")
    linked = await webvoice_image_to_video("Pan", LINK)
    assert (linked.request.fields()["image_url"], linked.inputs) == (LINK, ())


async def test_a_scene_is_filmed_into_a_file(make_settings: MakeSettings, out: Path) -> None:
    reply = filmed(credits_remaining=85.0, video_size_bytes=len(MP4))
    result, sent = await ask(make_settings(), "webvoice_text_to_video", {"prompt": "Sea", "output_path": "sea"}, reply)
    path = out / "sea.mp4"
    assert path.read_bytes() == MP4
    assert sent == {"provider": "seedance", "prompt": "Sea", "duration": 5}
    assert result == {
        "files": [{"path": str(path), "uri": path.as_uri(), "mime_type": "video/mp4", "size_bytes": len(MP4)}],
        "provider": "seedance-2.0",
        "duration": 5.0,
        "resolution": "720p",
        "credits_used": 15.0,
        "credits_remaining": 85.0,
        "video_size_bytes": len(MP4),
    }


async def test_documented_examples_are_sent_as_documented(make_settings: MakeSettings) -> None:
    for tool, name in (
        ("webvoice_image_to_video", "image_to_video_request"),
        ("webvoice_image_to_video", "image_to_video_gen4_request"),
        ("webvoice_text_to_video", "text_to_video_request"),
    ):
        documented = example(name)
        arguments = {("image" if field == "image_url" else field): value for field, value in documented.items()}
        _, sent = await ask(make_settings(), tool, arguments, filmed())
        assert sent == documented


async def test_a_local_image_is_uploaded_in_a_form(make_settings: MakeSettings, tmp_path: Path) -> None:
    put(tmp_path / "first frame.png", PNG_BYTES)
    service = ScriptedTransport(filmed())
    arguments = {
        "prompt": "Pan",
        "image": str(tmp_path / "first frame.png"),
        "generate_audio": False,
        "resolution": "1080p",
    }
    async with connected(make_settings(), service) as client:
        fields(await client.call_tool("webvoice_image_to_video", arguments))
    parts = [(name, content) for name, _, _, content in form(service.requests[0], service.bodies[0])]
    assert parts == [
        ("provider", b"seedance"),
        ("prompt", b"Pan"),
        ("duration", b"5"),
        ("resolution", b"1080p"),
        ("generate_audio", b"false"),
        ("image", PNG_BYTES),
    ]


async def test_an_input_that_is_no_image_is_refused_before_any_request(make_settings: MakeSettings) -> None:
    link = BAD_LINKS[0]
    refused = [
        (link, f"invalid_argument: image: the link {link!r} must be"),
        ("nowhere.png", "file_not_found: image: "),
    ]
    expected = [({"prompt": "x", "image": image}, text) for image, text in refused]
    await check_refused(make_settings(), "webvoice_image_to_video", expected)
