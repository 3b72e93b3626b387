"""Images: from text, and edits of images."""

from typing import Any, Literal

from webvoice_mcp.contract import prices
from webvoice_mcp.contract.endpoint import Billed, Endpoint, Request
from webvoice_mcp.contract.rules import (
    RESOLUTION,
    SEED,
    Anything,
    Between,
    Link,
    Links,
    OneOf,
    Ratio,
    Rule,
    Rules,
    Size,
    sides,
)

ImageProviderName = Literal[
    "minimax", "wan", "nucleus", "gen4", "gen4-turbo", "sd3", "sdxl", "flux-klein-lora", "qwen-image-max"
]

PROMPT_CHARACTERS = 4000  # the service would cut what is longer
SIDE = Between(512, 2048, "pixels")  # the service would clamp what is outside

_FOR_ALL: dict[str, Rule] = {"aspect_ratio": Ratio(), "width": SIDE, "height": SIDE, "seed": SEED}
_GEN4: dict[str, Rule] = {"resolution": RESOLUTION, "reference_images": Links(3)}

# From the documentation's parameter table and its example for each provider.
IMAGE_RULES: Rules = {
    "minimax": _FOR_ALL | {"model": Anything(), "response_format": OneOf(("base64", "url"))},
    "wan": _FOR_ALL | {"thinking_mode": Anything(), "size": Size()},
    "nucleus": _FOR_ALL
    | {
        "negative_prompt": Anything(),
        "num_images": OneOf((1, 2)),
        "num_inference_steps": Between(1, 100),
        "guidance_scale": Between(0, 20),
        "output_format": OneOf(("png", "jpeg")),
    },
    "gen4": _FOR_ALL | _GEN4,
    "gen4-turbo": _FOR_ALL | _GEN4,
    "sd3": _FOR_ALL | {"image_url": Link()},
    "sdxl": _FOR_ALL | {"image_url": Link(), "size": Size(256, 1536)},
    "flux-klein-lora": _FOR_ALL | {"size": Size(), "loras": Anything(), "lora_url": Link(), "lora_scale": Anything()},
    "qwen-image-max": _FOR_ALL | {"size": Size()},
}

EDIT_RULES: Rules = {
    "flux-flash-edit": {
        "aspect_ratio": OneOf(("1:1", "16:9", "9:16", "4:3", "3:4")),
        "size": Size(256, 1536),
        "seed": SEED,
    }
}

MAX_EDIT_IMAGES = 4

IMAGE_CREDITS = {name: price.credits for name, price in prices.IMAGES.items()}
GEN4_CREDITS = {resolution: price.credits for resolution, price in prices.GEN4_IMAGES.items()}
GEN4_RESOLUTION = "1080p"
EDIT_CREDITS = prices.EDIT.credits


def image_credits(provider: str, resolution: str | None = None, num_images: int | None = None) -> float:
    """What one request costs by the documented prices."""
    if provider == "gen4":
        return GEN4_CREDITS[resolution or GEN4_RESOLUTION]
    return IMAGE_CREDITS[provider] * (num_images or 1)


def written_size(provider: str, size: str) -> str:
    """A size as the provider's example writes it."""
    return ("x" if provider == "qwen-image-max" else "*").join(map(str, sides(size)))


class ImageRequest(Request):
    provider: ImageProviderName
    prompt: str
    aspect_ratio: str | None = None
    width: int | None = None
    height: int | None = None
    size: str | None = None
    seed: int | None = None
    model: str | None = None
    thinking_mode: bool | None = None
    negative_prompt: str | None = None
    num_images: int | None = None
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    output_format: str | None = None
    resolution: str | None = None
    reference_images: list[str] | None = None
    image_url: str | None = None
    loras: list[dict[str, Any]] | None = None
    lora_url: str | None = None
    lora_scale: float | None = None
    response_format: str | None = None


class ImageReply(Billed):
    provider: str | None = None
    count: int | None = None


class EditRequest(Request):
    """`images` holds URLs; local files travel beside it (see `Endpoint.file_field`)."""

    prompt: str
    provider: Literal["flux-flash-edit"] | None = None
    images: list[str] | None = None
    aspect_ratio: str | None = None
    size: str | None = None
    seed: int | None = None


class EditReply(Billed):
    provider: str | None = None
    input_count: int | None = None


_MEDIA = frozenset({"image", "images"})

IMAGE = Endpoint(
    "POST",
    "image/",
    ImageRequest,
    ImageReply,
    paid=True,
    media=_MEDIA,
    providers=tuple(IMAGE_RULES),
    default_provider="minimax",
)
EDIT = Endpoint(
    "POST",
    "image-to-image/",
    EditRequest,
    EditReply,
    paid=True,
    media=_MEDIA,
    file_field="images",
    providers=tuple(EDIT_RULES),
    default_provider="flux-flash-edit",
)
