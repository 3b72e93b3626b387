import base64
import sys
from typing import Any

import pytest

from tests.sandbox.media import LINK, Film, cases, picture, watched
from tests.sandbox.world import World, needs_engines, refused
from webvoice_mcp.contract.rules import Rules
from webvoice_mcp.contract.video import IMAGE_TO_VIDEO_RULES, TEXT_TO_VIDEO_RULES

_FROM_IMAGE = "image-to-video/"
_FROM_TEXT = "text-to-video/"
_PROMPT = "Slow camera pan over a quiet sea at sunset"
_BODIES: dict[str, dict[str, object]] = {
    _FROM_IMAGE: {"prompt": _PROMPT, "image_url": LINK},
    _FROM_TEXT: {"prompt": _PROMPT},
}
_ALL = [(_FROM_IMAGE, IMAGE_TO_VIDEO_RULES, each) for each in IMAGE_TO_VIDEO_RULES] + [
    (_FROM_TEXT, TEXT_TO_VIDEO_RULES, each) for each in TEXT_TO_VIDEO_RULES
]


@pytest.mark.parametrize(("path", "rules", "provider"), _ALL, ids=[f"{path}{each}" for path, _, each in _ALL])
async def test_each_video_provider_takes_its_own_parameters_and_refuses_the_others(
    ann: World, path: str, rules: Rules, provider: str
) -> None:
    await ann.spend_down_to(0.0)
    body = {**_BODIES[path], "provider": provider}
    tried = list(cases(rules, provider))
    got = [(await ann.post(path, {**body, case.name: case.value})).status_code for case in tried]
    assert [case._replace(status=status) for case, status in zip(tried, got, strict=True)] == tried


@pytest.mark.parametrize(
    ("path", "change", "price"),
    [
        (_FROM_IMAGE, {}, 15),
        (_FROM_IMAGE, {"resolution": "1080p"}, 16),
        (_FROM_IMAGE, {"duration": 15}, 45),
        (_FROM_IMAGE, {"provider": "gen4"}, 2),
        (_FROM_IMAGE, {"provider": "runway", "duration": 10}, 4),
        (_FROM_TEXT, {}, 13),
        (_FROM_TEXT, {"resolution": "1080p", "duration": 10}, 28),
        (_FROM_TEXT, {"reference_images": [LINK]}, 26),
        (_FROM_TEXT, {"reference_videos": [LINK], "reference_images": LINK}, 26),
        (_FROM_TEXT, {"provider": "veo", "duration": 6}, 7),
        (_FROM_TEXT, {"provider": "veo", "duration": 6, "resolution": "1080p"}, 11),
        (_FROM_TEXT, {"provider": "veo-fast"}, 17.5),
    ],
)
async def test_a_video_that_cannot_be_paid_is_not_made(
    ann: World, path: str, change: dict[str, object], price: float
) -> None:
    await ann.spend_down_to(0.0)
    told = f"Insufficient credits: this call costs {price:g}, the account has 0. Add some with POST /sandbox/credits/."
    assert refused(await ann.post(path, {**_BODIES[path], **change})) == (402, "Payment Required", told)


_ONE_IMAGE = "Send one image as image_url, image: https URLs, base64 or files."


@pytest.mark.parametrize(
    ("path", "change", "message"),
    [
        (_FROM_TEXT, {"prompt": None}, '"prompt" is required.'),
        (_FROM_TEXT, {"provider": "gen4"}, "\"provider\" is 'gen4'; accepted: seedance, veo, veo-fast."),
        (_FROM_TEXT, {"duration": 16}, "duration must be from 4 to 15 seconds for provider seedance."),
        (_FROM_IMAGE, {"provider": "gen4", "duration": 11}, "duration must be from 2 to 10 seconds for provider gen4."),
        (_FROM_IMAGE, {"duration": 4.5}, '"duration" must be a whole number.'),
        (_FROM_IMAGE, {"image_url": None}, f"{_ONE_IMAGE} There are 0."),
        (_FROM_IMAGE, {"image": "QUJD"}, f"{_ONE_IMAGE} There are 2."),
    ],
)
async def test_a_wrong_video_request_is_refused(ann: World, path: str, change: dict[str, object], message: str) -> None:
    assert refused(await ann.post(path, {**_BODIES[path], **change})) == (400, "Bad Request", message)


@pytest.mark.parametrize(("audio", "status"), [("true", 402), ("False", 402), ("0", 402), ("maybe", 400)])
async def test_a_form_carries_the_image_and_truth_as_text(ann: World, audio: str, status: int) -> None:
    await ann.spend_down_to(0.0)
    fields = {"prompt": _PROMPT, "duration": "5", "resolution": "720p", "generate_audio": audio}
    reply = await ann.client.post(_FROM_IMAGE, files={"image": b"picture"}, data=fields)
    assert reply.status_code == status


@pytest.mark.parametrize("path", _BODIES)
async def test_a_missing_film_engine_is_503_and_says_what_to_install(
    ann: World, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    status, _, message = refused(await ann.post(path, _BODIES[path]))
    assert (status, message) == (503, "The sandbox's engine av is not installed: pip install 'webvoice-mcp[sandbox]'")
    assert await ann.credits() == 20.0


class TestWithEngines:
    """What needs the extra `sandbox`."""

    pytestmark = needs_engines

    async def _film(self, world: World, path: str, **options: Any) -> Film:
        reply = await world.client.post(path, **options)
        assert reply.status_code == 200, reply.text
        return watched(base64.b64decode(reply.json()["video"], validate=True))

    async def test_a_video_from_text_answers_with_what_it_is_and_cost(self, ann: World) -> None:
        body = {**_BODIES[_FROM_TEXT], "provider": "veo", "duration": 4, "seed": 42, "aspect_ratio": "1:1"}
        reply = (await ann.post(_FROM_TEXT, body)).json()
        video = base64.b64decode(reply.pop("video"), validate=True)
        comment = "WEBVOICE SANDBOX - procedural, not AI generated (sandbox:ken-burns-1)"
        assert watched(video) == Film((720, 720), ("h264", "yuv420p"), 4.0, 96, ("aac", 4.0), comment, indexed=True)
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

    async def test_an_images_own_ratio_is_kept_and_gen4_makes_no_sound(self, ann: World) -> None:
        fields = {"prompt": _PROMPT, "provider": "gen4", "duration": "2"}
        film = await self._film(ann, _FROM_IMAGE, files={"image": picture((90, 60))}, data=fields)
        assert (film.size, film.seconds, film.audio) == ((1080, 720), 2.0, None)

    async def test_a_ratio_that_was_asked_for_wins_over_the_images(self, ann: World) -> None:
        image = base64.b64encode(picture((90, 60), "JPEG")).decode()
        body = {"prompt": _PROMPT, "image": image, "provider": "runway", "duration": 2, "aspect_ratio": "3:4"}
        film = await self._film(ann, _FROM_IMAGE, json={**body, "last_image_url": LINK})
        assert (film.size, film.frames) == ((720, 960), 48)

    @pytest.mark.wide
    async def test_sound_can_be_left_out_and_1080_lines_asked_for(self, ann: World) -> None:
        body = {**_BODIES[_FROM_IMAGE], "duration": 4, "resolution": "1080p", "generate_audio": False}
        film = await self._film(ann, _FROM_IMAGE, json=body)
        assert (film.size, film.audio) == ((1080, 1080), None)  # the stand-in is square

    async def test_what_is_no_picture_is_refused_and_costs_nothing(self, ann: World) -> None:
        reply = await ann.client.post(_FROM_IMAGE, files={"image": b"no picture"}, data={"prompt": _PROMPT})
        message = "The image cannot be read: send PNG, JPEG, WebP or GIF."
        assert refused(reply) == (400, "Bad Request", message)
        assert await ann.credits() == 20.0
