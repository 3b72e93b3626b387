"""Video: from an image, and from text."""

import base64
from typing import Any

from starlette.responses import Response

from webvoice_mcp.contract.rules import Rules
from webvoice_mcp.contract.video import (
    IMAGE_TO_VIDEO,
    IMAGE_TO_VIDEO_CREDITS,
    IMAGE_TO_VIDEO_RULES,
    REFERENCES_FACTOR,
    TEXT_TO_VIDEO,
    TEXT_TO_VIDEO_CREDITS,
    TEXT_TO_VIDEO_RULES,
    video_credits,
)
from webvoice_mcp.sandbox.call import Call, door
from webvoice_mcp.sandbox.database import Holder
from webvoice_mcp.sandbox.engines import film
from webvoice_mcp.sandbox.parameters import read_parameters, read_pictures
from webvoice_mcp.sandbox.reading import read_either, read_json
from webvoice_mcp.sandbox.replies import success

_DEFAULT_SECONDS = 5
_DEFAULT_RESOLUTION = "720p"
_TEXT_RATIO = "16:9"
_OWN_RATIO = "adaptive"  # that of the image
_PICTURE_FIELDS = ("image_url", "image")


async def image_to_video(call: Call, holder: Holder) -> Response:
    """Film a picture."""
    form = await read_either(call.request, 1)
    provider = form.fields.choice("provider", IMAGE_TO_VIDEO.providers, IMAGE_TO_VIDEO.default_provider)
    prompt = form.fields.text("prompt")
    given = read_parameters(form.fields, IMAGE_TO_VIDEO_RULES, provider, written=form.written)
    (source,) = read_pictures(form, _PICTURE_FIELDS, 1)
    still = film.Still(prompt, source, last=given.get("last_image_url", ""))
    given = _with_defaults(IMAGE_TO_VIDEO_RULES, provider, given, _OWN_RATIO)
    return await _answer(call, holder, still, given, IMAGE_TO_VIDEO_CREDITS[provider])


async def text_to_video(call: Call, holder: Holder) -> Response:
    """Film a picture that is drawn for it."""
    fields = await read_json(call.request)
    provider = fields.choice("provider", TEXT_TO_VIDEO.providers, TEXT_TO_VIDEO.default_provider)
    prompt = fields.text("prompt")
    given = read_parameters(fields, TEXT_TO_VIDEO_RULES, provider)
    references = [*given.get("reference_images", ()), *given.get("reference_videos", ())]
    still = film.Still(prompt, seed=given.get("seed"), references=references)
    given = _with_defaults(TEXT_TO_VIDEO_RULES, provider, given, _TEXT_RATIO)
    factor = REFERENCES_FACTOR if references else 1
    return await _answer(call, holder, still, given, TEXT_TO_VIDEO_CREDITS[provider], factor)


def _with_defaults(rules: Rules, provider: str, given: dict[str, Any], ratio: str) -> dict[str, Any]:
    return {
        "duration": _DEFAULT_SECONDS,
        "resolution": _DEFAULT_RESOLUTION,
        "aspect_ratio": ratio,
        "generate_audio": "generate_audio" in rules[provider],
        **given,
    }


async def _answer(
    call: Call,
    holder: Holder,
    still: film.Still,
    given: dict[str, Any],
    per_second: tuple[float, float],
    factor: int = 1,
) -> Response:
    seconds, resolution, ratio = given["duration"], given["resolution"], given["aspect_ratio"]
    price = video_credits(per_second, seconds, resolution, factor)
    call.afford(holder, price)
    made = await call.work(
        film.shoot,
        still,
        seconds,
        int(resolution.removesuffix("p")),
        None if ratio == _OWN_RATIO else _quotient(ratio),
        sound=given["generate_audio"],
    )
    return success(
        provider=film.PROVIDER,
        video=base64.b64encode(made).decode(),
        duration=seconds,
        resolution=resolution,
        video_size_bytes=len(made),
        **call.charge(holder, price),
    )


def _quotient(ratio: str) -> float:
    width, height = ratio.split(":")
    return int(width) / int(height)


DOORS = (door(IMAGE_TO_VIDEO, image_to_video), door(TEXT_TO_VIDEO, text_to_video))
