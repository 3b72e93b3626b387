import base64
import sys
from typing import Any

import pytest

from tests.sandbox.media import LINK, Film, cases, decode_film, picture, send_cases
from tests.sandbox.world import SandboxClient, needs_engines, refused
from webvoice_mcp.contract.video import (
    IMAGE_TO_VIDEO_RULES,
    TEXT_TO_VIDEO_RULES,
    ImageToVideoRequest,
    TextToVideoRequest,
)

_FROM_IMAGE = "image-to-video/"
_FROM_TEXT = "text-to-video/"
_PROMPT = "Slow camera pan over a quiet sea at sunset"
_BODIES: dict[str, dict[str, object]] = {
    _FROM_IMAGE: {"prompt": _PROMPT, "image_url": LINK},
    _FROM_TEXT: {"prompt": _PROMPT},
}


async def test_videos_from_images_accept_what_the_contract_says(ann: SandboxClient) -> None:
    await ann.spend_down_to(0.0)
    expected = list(cases(IMAGE_TO_VIDEO_RULES, ImageToVideoRequest))
    assert await send_cases(ann, _FROM_IMAGE, _BODIES[_FROM_IMAGE], expected) == expected


@pytest.mark.slow
async def test_videos_from_text_accept_what_the_contract_says(ann: SandboxClient) -> None:
    await ann.spend_down_to(0.0)
    expected = list(cases(TEXT_TO_VIDEO_RULES, TextToVideoRequest))
    assert await send_cases(ann, _FROM_TEXT, _BODIES[_FROM_TEXT], expected) == expected


@pytest.mark.parametrize(
    ("path", "change", "price"),
    [
        (_FROM_IMAGE, {}, 15),
        (_FROM_IMAGE, {"provider": "runway", "duration": 10}, 4),
        (_FROM_TEXT, {}, 13),
        (_FROM_TEXT, {"resolution": "1080p", "duration": 10}, 28),
        (_FROM_TEXT, {"reference_images": LINK}, 26),
        (_FROM_TEXT, {"reference_videos": [LINK]}, 26),
    ],
)
async def test_a_video_without_enough_credits_is_refused(
    ann: SandboxClient, path: str, change: dict[str, object], price: float
) -> None:
    await ann.spend_down_to(0.0)
    message = (
        f"Insufficient credits: this call costs {price:g}, the account has 0. Add some with POST /sandbox/credits/."
    )
    assert refused(await ann.post(path, {**_BODIES[path], **change})) == (402, "Payment Required", message)


_ONE_IMAGE = "Send one image as image_url, image: https URLs, base64 or files."


@pytest.mark.parametrize(
    ("path", "change", "message"),
    [
        (_FROM_TEXT, {"provider": "gen4"}, "\"provider\" is 'gen4'; accepted: seedance, veo, veo-fast."),
        (_FROM_IMAGE, {"image": "QUJD"}, f"The request has 2 images. {_ONE_IMAGE}"),
    ],
)
async def test_a_wrong_video_request_is_refused(
    ann: SandboxClient, path: str, change: dict[str, object], message: str
) -> None:
    assert refused(await ann.post(path, {**_BODIES[path], **change})) == (400, "Bad Request", message)


@pytest.mark.parametrize(("audio", "status"), [("False", 402), ("maybe", 400)])
async def test_a_form_has_the_image_and_booleans_as_text(ann: SandboxClient, audio: str, status: int) -> None:
    await ann.spend_down_to(0.0)
    fields = {"prompt": _PROMPT, "duration": "5", "resolution": "720p", "generate_audio": audio}
    reply = await ann.http.post(_FROM_IMAGE, files={"image": b"picture"}, data=fields)
    assert reply.status_code == status


async def test_a_missing_film_engine_is_503_and_says_what_to_install(
    ann: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    status, _, message = refused(await ann.post(_FROM_TEXT, _BODIES[_FROM_TEXT]))
    assert status == 503
    assert message == "The sandbox's engine av is not installed. Run: pip install 'webvoice-mcp[sandbox]'"
    assert await ann.credits() == 20.0


class TestWithEngines:
    """Tests that need the engines of the extra `sandbox`."""

    pytestmark = needs_engines

    async def _film(self, client: SandboxClient, path: str, **options: Any) -> Film:
        reply = await client.http.post(path, **options)
        assert reply.status_code == 200, reply.text
        return decode_film(base64.b64decode(reply.json()["video"], validate=True))

    async def test_a_video_from_text_reports_its_properties_and_its_cost(self, ann: SandboxClient) -> None:
        body = {**_BODIES[_FROM_TEXT], "provider": "veo", "duration": 4, "seed": 42, "aspect_ratio": "1:1"}
        reply = (await ann.post(_FROM_TEXT, body)).json()
        video = base64.b64decode(reply.pop("video"), validate=True)
        comment = "WEBVOICE SANDBOX - procedural, not AI generated (sandbox:ken-burns-1)"
        assert decode_film(video) == Film((720, 720), ("h264", "yuv420p"), 4.0, 96, ("aac", 4.0), comment, indexed=True)
        assert reply == {
            "success": True,
            "provider": "sandbox:ken-burns-1",
            "duration": 4,
            "resolution": "720p",
            "video_size_bytes": len(video),
            "credits_used": 4.67,
            "credits_remaining": 15.33,
            "sandbox": True,
        }

    async def test_an_images_ratio_is_kept_and_gen4_has_no_sound(self, ann: SandboxClient) -> None:
        fields = {"prompt": _PROMPT, "provider": "gen4", "duration": "2"}
        film = await self._film(ann, _FROM_IMAGE, files={"image": picture((90, 60))}, data=fields)
        assert (film.size, film.seconds, film.audio) == ((1080, 720), 2.0, None)

    async def test_a_requested_ratio_overrides_the_images(self, ann: SandboxClient) -> None:
        image = base64.b64encode(picture((90, 60), "JPEG")).decode()
        body = {"prompt": _PROMPT, "image": image, "provider": "runway", "duration": 2, "aspect_ratio": "3:4"}
        film = await self._film(ann, _FROM_IMAGE, json={**body, "last_image_url": LINK})
        assert (film.size, film.frames) == ((720, 960), 48)

    @pytest.mark.wide
    async def test_a_video_has_the_requested_resolution_and_no_sound(self, ann: SandboxClient) -> None:
        body = {**_BODIES[_FROM_IMAGE], "duration": 4, "resolution": "1080p", "generate_audio": False}
        film = await self._film(ann, _FROM_IMAGE, json=body)
        assert (film.size, film.audio) == ((1080, 1080), None)  # the stand-in is square

    async def test_an_invalid_picture_is_refused_and_costs_nothing(self, ann: SandboxClient) -> None:
        reply = await ann.http.post(_FROM_IMAGE, files={"image": b"no picture"}, data={"prompt": _PROMPT})
        message = "The image cannot be read. Send PNG, JPEG, WebP or GIF."
        assert refused(reply) == (400, "Bad Request", message)
        assert await ann.credits() == 20.0
