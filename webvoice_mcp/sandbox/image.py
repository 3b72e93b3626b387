"""Images: from text, and edits of images."""

import base64
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from starlette.exceptions import HTTPException
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
    EditRequest,
    ImageRequest,
    image_credits,
)
from webvoice_mcp.contract.links import is_public_link
from webvoice_mcp.contract.rules import sides
from webvoice_mcp.sandbox.engines import edit, picture
from webvoice_mcp.sandbox.parameters import parse_ratio, read_parameters, read_pictures
from webvoice_mcp.sandbox.requests import ApiRequest, api_route
from webvoice_mcp.sandbox.responses import success

_FORMATS = {"sd3": "jpeg", "gen4-turbo": "webp"}  # others return PNG; a client that assumes one format fails early
_PICTURE_FIELDS = ("images", "image_urls", "image_url", "image")

_DEFAULT_SIDE = 1024
_MIN_SIDE, _MAX_SIDE = 256, 2048
_MAX_LONGER_SIDE = 2560  # where a resolution sets the shorter side
_SIDE_STEP = 8  # sides are multiples of this if the ratio allows it


async def image(request: ApiRequest) -> Response:
    """Draw one or more images."""
    account = request.authenticate().account
    fields = await request.read_json()
    provider = fields.choice("provider", IMAGE.providers, IMAGE.default_provider)
    prompt = fields.string("prompt", max_length=PROMPT_CHARACTERS)
    parameters = read_parameters(fields, ImageRequest, IMAGE_RULES, provider)
    if not all(map(_is_lora, parameters.get("loras", ()))):
        raise HTTPException(400, '"loras" must be a list of {"path": a public https URL, "scale": a number}.')
    size = _size(provider, parameters)
    count = parameters.get("num_images", 1)
    price = image_credits(provider, parameters.get("resolution"), count)
    request.require_credits(account, price)
    file_format = parameters.get("output_format") or _FORMATS.get(provider, "png")
    drawn = await request.run_engine(_draw, prompt, size, parameters, file_format, count)
    billing = request.charge(account, price)
    images = [base64.b64encode(file).decode() for file in drawn]
    return success(provider=picture.PROVIDER, image=images[0], images=images, count=len(images), **billing)


async def image_to_image(request: ApiRequest) -> Response:
    """Edit one or more images."""
    account = request.authenticate().account
    form = await request.read_form_or_json(MAX_EDIT_IMAGES)
    provider = form.fields.choice("provider", EDIT.providers, EDIT.default_provider)
    prompt = form.fields.string("prompt")
    parameters = read_parameters(form.fields, EditRequest, EDIT_RULES, provider, is_multipart=form.is_multipart)
    inputs = read_pictures(form, _PICTURE_FIELDS, MAX_EDIT_IMAGES)
    request.require_credits(account, EDIT_CREDITS)
    edited = await request.run_engine(
        edit.edit, inputs, prompt, _size(provider, parameters), seed=parameters.get("seed")
    )
    return success(
        provider=edit.PROVIDER,
        image=base64.b64encode(edited).decode(),
        input_count=len(inputs),
        image_size_bytes=len(edited),
        **request.charge(account, EDIT_CREDITS),
    )


def _is_lora(value: Mapping[str, Any]) -> bool:
    scale = value.get("scale", 1)
    is_number = isinstance(scale, int | float) and not isinstance(scale, bool)
    return value.keys() <= {"path", "scale"} and is_public_link(value.get("path")) and is_number


def _draw(
    prompt: str, size: tuple[int, int], parameters: Mapping[str, Any], file_format: str, count: int
) -> list[bytes]:
    references = [*parameters.get("reference_images", ())]
    if "image_url" in parameters:
        references.append(parameters["image_url"])
    first_seed = parameters.get("seed")
    seeds = [first_seed, *((first_seed or 0) + number for number in range(1, count))]
    return [picture.render(prompt, size, seed=seed, kind=file_format, references=references) for seed in seeds]


def _size(provider: str, parameters: Mapping[str, Any]) -> tuple[int, int]:
    """Return width and height in pixels: from `size`, else from width and height, else from the aspect ratio."""
    if "size" in parameters:
        return _check_size(sides(parameters["size"]))
    has_resolution = "resolution" in IMAGE_RULES.get(provider, ())
    ratio = parse_ratio(parameters.get("aspect_ratio", "16:9" if has_resolution else "1:1"))
    if "width" in parameters or "height" in parameters:
        width, height = parameters.get("width", 0), parameters.get("height", 0)
        return width or _clamp(height * ratio), height or _clamp(width / ratio)
    if has_resolution:
        shorter = int(parameters.get("resolution", GEN4_RESOLUTION).removesuffix("p"))
        one = Fraction(1)
        return _clamp(shorter * max(ratio, one), _MAX_LONGER_SIDE), _clamp(shorter / min(ratio, one), _MAX_LONGER_SIDE)
    # About as many pixels as a square of the default size, with exactly this ratio unless it is extreme.
    unit = math.isqrt(_DEFAULT_SIDE * _DEFAULT_SIDE // (ratio.numerator * ratio.denominator))
    unit -= unit % _SIDE_STEP if unit > _SIDE_STEP else 0
    return _clamp(Fraction(ratio.numerator * unit)), _clamp(Fraction(ratio.denominator * unit))


def _clamp(side: Fraction, maximum: int = _MAX_SIDE) -> int:
    return min(max(round(side), _MIN_SIDE), maximum)


def _check_size(size: tuple[int, int]) -> tuple[int, int]:
    if not all(_MIN_SIDE <= side <= _MAX_SIDE for side in size):
        raise HTTPException(400, f'"size" must have {_MIN_SIDE} to {_MAX_SIDE} pixels on each side in the sandbox.')
    return size


ROUTES = [api_route(IMAGE, image), api_route(EDIT, image_to_image)]
