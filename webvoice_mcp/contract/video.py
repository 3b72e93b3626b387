"""Video: from an image, and from text."""

from typing import Literal

from webvoice_mcp.contract import prices
from webvoice_mcp.contract.endpoint import Billed, Endpoint, Request
from webvoice_mcp.contract.rules import RESOLUTION, SEED, Anything, Between, Link, Links, OneOf, Rule, Rules

ImageToVideoProvider = Literal["seedance", "gen4", "runway"]
TextToVideoProvider = Literal["seedance", "veo", "veo-fast"]

_RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4")
_SEEDANCE_SECONDS = Between(4, 15, "seconds")
_GEN4: dict[str, Rule] = {
    "duration": Between(2, 10, "seconds"),
    "aspect_ratio": OneOf(_RATIOS),
    "last_image_url": Link(),
}
_VEO: dict[str, Rule] = {
    "duration": _SEEDANCE_SECONDS,
    "resolution": RESOLUTION,
    "aspect_ratio": OneOf((*_RATIOS, "21:9")),
    "generate_audio": Anything(),
    "negative_prompt": Anything(),
    "seed": SEED,
}

_ALIASES = {"runway": "gen4"}

# From the documentation's two parameter tables.
IMAGE_TO_VIDEO_RULES: Rules = {
    "seedance": {
        "duration": _SEEDANCE_SECONDS,
        "resolution": RESOLUTION,
        "aspect_ratio": OneOf((*_RATIOS, "21:9", "adaptive")),
        "generate_audio": Anything(),
        "last_image_url": Link(),
    },
    "gen4": _GEN4,
    "runway": _GEN4,
}
TEXT_TO_VIDEO_RULES: Rules = {
    "seedance": {
        "duration": _SEEDANCE_SECONDS,
        "resolution": RESOLUTION,
        "aspect_ratio": OneOf((*_RATIOS, "21:9")),
        "generate_audio": Anything(),
        "reference_images": Links(),
        "reference_videos": Links(),
    },
    "veo": _VEO,
    "veo-fast": _VEO,
}

# Credits a second, at 720p and at 1080p; prices are in proportion to the duration.
IMAGE_TO_VIDEO_CREDITS = {name: (low.each, high.each) for name, (low, high) in prices.IMAGE_TO_VIDEO.items()}
IMAGE_TO_VIDEO_CREDITS |= {alias: IMAGE_TO_VIDEO_CREDITS[name] for alias, name in _ALIASES.items()}
TEXT_TO_VIDEO_CREDITS = {name: (low.each, high.each) for name, (low, high) in prices.TEXT_TO_VIDEO.items()}
REFERENCES_FACTOR = prices.REFERENCES_FACTOR


def video_credits(per_second: tuple[float, float], duration: int, resolution: str | None, factor: int = 1) -> float:
    """What a video costs by the documented prices."""
    return round(per_second[resolution == "1080p"] * duration * factor, 2)


class ImageToVideoRequest(Request):
    """`image_url` holds a URL; a local file travels beside it (see `Endpoint.file_field`)."""

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


_MEDIA = frozenset({"video"})

IMAGE_TO_VIDEO = Endpoint(
    "POST",
    "image-to-video/",
    ImageToVideoRequest,
    VideoReply,
    paid=True,
    media=_MEDIA,
    file_field="image",
    providers=tuple(IMAGE_TO_VIDEO_RULES),
    aliases=_ALIASES,
    default_provider="seedance",
)
TEXT_TO_VIDEO = Endpoint(
    "POST",
    "text-to-video/",
    TextToVideoRequest,
    VideoReply,
    paid=True,
    media=_MEDIA,
    providers=tuple(TEXT_TO_VIDEO_RULES),
    default_provider="seedance",
)
