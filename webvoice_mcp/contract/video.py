"""Video from an image or from text."""

from typing import Literal

from webvoice_mcp.contract.endpoint import Billed, PaidEndpoint, Request
from webvoice_mcp.contract.estimate import Estimate
from webvoice_mcp.contract.prices import Price
from webvoice_mcp.contract.providers import Provider, Providers, aliases_in, rules_of, upstream_keys_of
from webvoice_mcp.contract.rules import RESOLUTION, SEED, Anything, Between, Link, Links, OneOf, Rule

ImageToVideoProvider = Literal["seedance", "gen4", "runway"]
TextToVideoProvider = Literal["seedance", "veo", "veo-fast"]

REFERENCES_FACTOR = 2  # the price list says "×2 with references"
_DEFAULT_RESOLUTION = "720p"

_IMAGE_PRICE_SOURCE = (
    "Image to video: Credits: Seedance — 15/16 per 5s @ 720p/1080p (× duration). Gen4 Turbo — 2 per 5s (~$0.05 "
    "upstream)."
)
_TEXT_PRICE_SOURCE = (
    "Text to video: Credits: Seedance — 13/14 per 5s @ 720p/1080p (×2 with references). Veo 3.1 Lite — 7/11 per 6s @ "
    "720p/1080p. Veo 3.1 Fast — 3.5 credits/s ($0.15/s upstream)."
)


def _price_from_image(what: str, credits_for_5_seconds: float) -> Price:
    return Price(
        f"video from an image with {what}", float(credits_for_5_seconds), "second", _IMAGE_PRICE_SOURCE, amount=5
    )


def _price_from_text(what: str, price: float, seconds: int) -> Price:
    return Price(f"video from text with {what}", float(price), "second", _TEXT_PRICE_SOURCE, amount=seconds)


_RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4")
_SEEDANCE_SECONDS = Between(4, 15, "seconds")
_GEN4_PARAMETERS: dict[str, Rule] = {
    "duration": Between(2, 10, "seconds"),
    "aspect_ratio": OneOf(_RATIOS),
    "last_image_url": Link(),
}
_VEO_PARAMETERS: dict[str, Rule] = {
    "duration": _SEEDANCE_SECONDS,
    "resolution": RESOLUTION,
    "aspect_ratio": OneOf((*_RATIOS, "21:9")),
    "generate_audio": Anything(),
    "negative_prompt": Anything(),
    "seed": SEED,
}

# From the documentation's two parameter tables and their price lines.
IMAGE_TO_VIDEO_PROVIDERS: Providers = {
    "seedance": Provider(
        {
            "duration": _SEEDANCE_SECONDS,
            "resolution": RESOLUTION,
            "aspect_ratio": OneOf((*_RATIOS, "21:9", "adaptive")),
            "generate_audio": Anything(),
            "last_image_url": Link(),
        },
        {"720p": _price_from_image("seedance at 720p", 15), "1080p": _price_from_image("seedance at 1080p", 16)},
        _DEFAULT_RESOLUTION,
    ),
    "gen4": Provider(_GEN4_PARAMETERS, {"": _price_from_image("gen4", 2)}),
    "runway": Provider(_GEN4_PARAMETERS, {"": _price_from_image("gen4", 2)}, alias_of="gen4"),
}
TEXT_TO_VIDEO_PROVIDERS: Providers = {
    "seedance": Provider(
        {
            "duration": _SEEDANCE_SECONDS,
            "resolution": RESOLUTION,
            "aspect_ratio": OneOf((*_RATIOS, "21:9")),
            "generate_audio": Anything(),
            "reference_images": Links(),
            "reference_videos": Links(),
        },
        {"720p": _price_from_text("seedance at 720p", 13, 5), "1080p": _price_from_text("seedance at 1080p", 14, 5)},
        _DEFAULT_RESOLUTION,
    ),
    "veo": Provider(
        _VEO_PARAMETERS,
        {"720p": _price_from_text("veo at 720p", 7, 6), "1080p": _price_from_text("veo at 1080p", 11, 6)},
        _DEFAULT_RESOLUTION,
    ),
    "veo-fast": Provider(_VEO_PARAMETERS, {"": _price_from_text("veo-fast", 3.5, 1)}, upstream_key="DEEPINFRA_API_KEY"),
}

IMAGE_TO_VIDEO_RULES = rules_of(IMAGE_TO_VIDEO_PROVIDERS)
TEXT_TO_VIDEO_RULES = rules_of(TEXT_TO_VIDEO_PROVIDERS)


def video_credits(
    providers: Providers, provider: str, duration: int, resolution: str | None, *, references: bool = False
) -> float:
    """Return the documented price of a video in credits. It is proportional to the duration in seconds."""
    per_second = providers[provider].price(resolution).per_unit
    return round(per_second * duration * (REFERENCES_FACTOR if references else 1), 2)


class ImageToVideoRequest(Request):
    """`image_url` holds a URL; a local file is sent in the multipart field `Endpoint.file_field`."""

    provider: ImageToVideoProvider
    prompt: str
    image_url: str | None = None
    duration: int
    resolution: str | None = None
    aspect_ratio: str | None = None
    generate_audio: bool | None = None
    last_image_url: str | None = None


class TextToVideoRequest(Request):
    provider: TextToVideoProvider
    prompt: str
    duration: int
    resolution: str | None = None
    aspect_ratio: str | None = None
    generate_audio: bool | None = None
    reference_images: list[str] | None = None
    reference_videos: list[str] | None = None
    negative_prompt: str | None = None
    seed: int | None = None


class VideoReply(Billed):
    provider: str | None = None
    duration: float | None = None
    resolution: str | None = None


def _estimate_image_to_video(request: ImageToVideoRequest, _seconds: float | None) -> Estimate:
    credits_ = video_credits(IMAGE_TO_VIDEO_PROVIDERS, request.provider, request.duration, request.resolution)
    return Estimate(credits_, _basis(request))


def _estimate_text_to_video(request: TextToVideoRequest, _seconds: float | None) -> Estimate:
    references = bool(request.reference_images or request.reference_videos)
    credits_ = video_credits(
        TEXT_TO_VIDEO_PROVIDERS, request.provider, request.duration, request.resolution, references=references
    )
    return Estimate(credits_, _basis(request) + (", doubled for references" if references else ""))


def _basis(request: ImageToVideoRequest | TextToVideoRequest) -> str:
    return f"{request.duration} s with {request.provider} at {request.resolution or _DEFAULT_RESOLUTION}"


_MEDIA = frozenset({"video"})

IMAGE_TO_VIDEO = PaidEndpoint(
    "POST",
    "image-to-video/",
    ImageToVideoRequest,
    VideoReply,
    price=_estimate_image_to_video,
    media=_MEDIA,
    file_field="image",
    providers=tuple(IMAGE_TO_VIDEO_PROVIDERS),
    upstream_keys=upstream_keys_of(IMAGE_TO_VIDEO_PROVIDERS),
    aliases=aliases_in(IMAGE_TO_VIDEO_PROVIDERS),
    default_provider="seedance",
)
TEXT_TO_VIDEO = PaidEndpoint(
    "POST",
    "text-to-video/",
    TextToVideoRequest,
    VideoReply,
    price=_estimate_text_to_video,
    media=_MEDIA,
    providers=tuple(TEXT_TO_VIDEO_PROVIDERS),
    upstream_keys=upstream_keys_of(TEXT_TO_VIDEO_PROVIDERS),
    default_provider="seedance",
)
