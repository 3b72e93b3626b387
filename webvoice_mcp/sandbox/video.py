"""Videos: from an image, and from text."""

import base64
from typing import Any

from starlette.responses import Response

from webvoice_mcp.contract.video import (
    IMAGE_TO_VIDEO,
    IMAGE_TO_VIDEO_PROVIDERS,
    IMAGE_TO_VIDEO_RULES,
    TEXT_TO_VIDEO,
    TEXT_TO_VIDEO_PROVIDERS,
    TEXT_TO_VIDEO_RULES,
    ImageToVideoRequest,
    TextToVideoRequest,
    video_credits,
)
from webvoice_mcp.sandbox.database import Account
from webvoice_mcp.sandbox.engines import film
from webvoice_mcp.sandbox.parameters import ProviderRules, parse_ratio, read_parameters, read_pictures
from webvoice_mcp.sandbox.requests import ApiRequest, api_route
from webvoice_mcp.sandbox.responses import success

_DEFAULT_SECONDS = 5
_DEFAULT_RESOLUTION = "720p"
_DEFAULT_TEXT_RATIO = "16:9"
_SOURCE_RATIO = "adaptive"  # keeps the image's own ratio
_PICTURE_FIELDS = ("image_url", "image")


async def image_to_video(request: ApiRequest) -> Response:
    """Make a video from a picture."""
    account = request.authenticate().account
    form = await request.read_form_or_json(max_files=1)
    provider = form.fields.choice("provider", IMAGE_TO_VIDEO.providers, IMAGE_TO_VIDEO.default_provider)
    prompt = form.fields.string("prompt")
    parameters = read_parameters(
        form.fields, ImageToVideoRequest, IMAGE_TO_VIDEO_RULES, provider, is_multipart=form.is_multipart
    )
    (source,) = read_pictures(form, _PICTURE_FIELDS, 1)
    film_input = film.FilmInput(prompt, source, last=parameters.get("last_image_url", ""))
    parameters = _with_defaults(IMAGE_TO_VIDEO_RULES, provider, parameters, _SOURCE_RATIO)
    price = video_credits(IMAGE_TO_VIDEO_PROVIDERS, provider, parameters["duration"], parameters["resolution"])
    return await _respond(request, account, film_input, parameters, price)


async def text_to_video(request: ApiRequest) -> Response:
    """Make a video from a prompt."""
    account = request.authenticate().account
    fields = await request.read_json()
    provider = fields.choice("provider", TEXT_TO_VIDEO.providers, TEXT_TO_VIDEO.default_provider)
    prompt = fields.string("prompt")
    parameters = read_parameters(fields, TextToVideoRequest, TEXT_TO_VIDEO_RULES, provider)
    references = [*parameters.get("reference_images", ()), *parameters.get("reference_videos", ())]
    film_input = film.FilmInput(prompt, seed=parameters.get("seed"), references=references)
    parameters = _with_defaults(TEXT_TO_VIDEO_RULES, provider, parameters, _DEFAULT_TEXT_RATIO)
    price = video_credits(
        TEXT_TO_VIDEO_PROVIDERS,
        provider,
        parameters["duration"],
        parameters["resolution"],
        references=bool(references),
    )
    return await _respond(request, account, film_input, parameters, price)


def _with_defaults(rules: ProviderRules, provider: str, parameters: dict[str, Any], ratio: str) -> dict[str, Any]:
    return {
        "duration": _DEFAULT_SECONDS,
        "resolution": _DEFAULT_RESOLUTION,
        "aspect_ratio": ratio,
        "generate_audio": "generate_audio" in rules[provider],
        **parameters,
    }


async def _respond(
    request: ApiRequest, account: Account, film_input: film.FilmInput, parameters: dict[str, Any], price: float
) -> Response:
    seconds, resolution, ratio = parameters["duration"], parameters["resolution"], parameters["aspect_ratio"]
    request.require_credits(account, price)
    mp4 = await request.run_engine(
        film.render,
        film_input,
        seconds,
        int(resolution.removesuffix("p")),
        None if ratio == _SOURCE_RATIO else float(parse_ratio(ratio)),
        sound=parameters["generate_audio"],
    )
    return success(
        provider=film.PROVIDER,
        video=base64.b64encode(mp4).decode(),
        duration=seconds,
        resolution=resolution,
        video_size_bytes=len(mp4),
        **request.charge(account, price),
    )


ROUTES = [api_route(IMAGE_TO_VIDEO, image_to_video), api_route(TEXT_TO_VIDEO, text_to_video)]
