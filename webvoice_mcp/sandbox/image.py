"""Images: from text, and edits of images."""

import base64
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from starlette.responses import Response

from webvoice_mcp.contract.image import (
    EDIT,
    EDIT_CREDITS,
    EDIT_RULES,
    GEN4_RESOLUTION,
    IMAGE,
    IMAGE_RULES,
    MAX_EDIT_IMAGES,
    PROMPT_CHARACTERS,
    image_credits,
)
from webvoice_mcp.contract.rules import sides
from webvoice_mcp.sandbox.call import Call, door
from webvoice_mcp.sandbox.database import Holder
from webvoice_mcp.sandbox.engines import edit, picture
from webvoice_mcp.sandbox.parameters import read_parameters, read_pictures
from webvoice_mcp.sandbox.reading import read_either, read_json
from webvoice_mcp.sandbox.replies import ApiError, success

_KINDS = {"sd3": "jpeg", "gen4-turbo": "webp"}  # the others answer PNG; clients must not guess
_PICTURE_FIELDS = ("images", "image_urls", "image_url", "image")

_SIDE = 1024
_SMALLEST, _LARGEST = 256, 2048
_WIDEST = 2560  # where a resolution sets the shorter side
_STEP = 8  # pixels; sides are multiples of it where the ratio allows


async def image(call: Call, holder: Holder) -> Response:
    """Draw pictures."""
    fields = await read_json(call.request)
    provider = fields.choice("provider", IMAGE.providers, IMAGE.default_provider)
    prompt = fields.text("prompt", longest=PROMPT_CHARACTERS)
    given = read_parameters(fields, IMAGE_RULES, provider)
    size = _size(provider, given)
    count = given.get("num_images", 1)
    price = image_credits(provider, given.get("resolution"), count)
    call.afford(holder, price)
    made = await call.work(
        _paint, prompt, size, given, given.get("output_format") or _KINDS.get(provider, "png"), count
    )
    note = call.charge(holder, price)
    images = [base64.b64encode(each).decode() for each in made]
    return success(provider=picture.PROVIDER, image=images[0], images=images, count=len(images), **note)


async def image_to_image(call: Call, holder: Holder) -> Response:
    """Edit pictures."""
    form = await read_either(call.request, MAX_EDIT_IMAGES)
    provider = form.fields.choice("provider", EDIT.providers, EDIT.default_provider)
    prompt = form.fields.text("prompt")
    given = read_parameters(form.fields, EDIT_RULES, provider, written=form.written)
    inputs = read_pictures(form, _PICTURE_FIELDS, MAX_EDIT_IMAGES)
    call.afford(holder, EDIT_CREDITS)
    made = await call.work(edit.edit, inputs, prompt, _size(provider, given), seed=given.get("seed"))
    return success(
        provider=edit.PROVIDER,
        image=base64.b64encode(made).decode(),
        input_count=len(inputs),
        image_size_bytes=len(made),
        **call.charge(holder, EDIT_CREDITS),
    )


def _paint(prompt: str, size: tuple[int, int], given: Mapping[str, Any], kind: str, count: int) -> list[bytes]:
    references = [*given.get("reference_images", ()), *([given["image_url"]] if "image_url" in given else ())]
    seed = given.get("seed")
    seeds = [seed, *((seed or 0) + number for number in range(1, count))]
    return [picture.paint(prompt, size, seed=each, kind=kind, references=references) for each in seeds]


def _size(provider: str, given: Mapping[str, Any]) -> tuple[int, int]:
    """Width and height in pixels: `size` wins over width and height, they win over the aspect ratio."""
    if "size" in given:
        return _drawable(sides(given["size"]))
    ratio = _ratio(given.get("aspect_ratio", "16:9" if _has_resolution(provider) else "1:1"))
    if "width" in given or "height" in given:
        width, height = given.get("width", 0), given.get("height", 0)
        return width or _kept(height * ratio), height or _kept(width / ratio)
    if _has_resolution(provider):
        shorter = int(given.get("resolution", GEN4_RESOLUTION).removesuffix("p"))
        one = Fraction(1)
        return _kept(shorter * max(ratio, one), _WIDEST), _kept(shorter / min(ratio, one), _WIDEST)
    # About as many pixels as 1024 x 1024, in exactly the ratio unless that is extreme.
    unit = math.isqrt(_SIDE * _SIDE // (ratio.numerator * ratio.denominator))
    unit -= unit % _STEP if unit > _STEP else 0
    return _kept(Fraction(ratio.numerator * unit)), _kept(Fraction(ratio.denominator * unit))


def _has_resolution(provider: str) -> bool:
    return "resolution" in IMAGE_RULES.get(provider, ())


def _ratio(text: str) -> Fraction:
    width, height = text.split(":")
    return Fraction(int(width), int(height))


def _kept(side: Fraction, most: int = _LARGEST) -> int:
    return min(max(round(side), _SMALLEST), most)


def _drawable(size: tuple[int, int]) -> tuple[int, int]:
    if not all(_SMALLEST <= side <= _LARGEST for side in size):
        raise ApiError(400, f"size: the sandbox draws {_SMALLEST} to {_LARGEST} pixels a side.")
    return size


DOORS = (door(IMAGE, image), door(EDIT, image_to_image))
