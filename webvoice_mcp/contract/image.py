"""Images: generation from text, and editing."""

from typing import Any, Literal

from webvoice_mcp.contract.endpoint import Billed, PaidEndpoint, Request
from webvoice_mcp.contract.estimate import Estimate
from webvoice_mcp.contract.prices import Price
from webvoice_mcp.contract.providers import Provider, Providers, rules_of, upstream_keys_of
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
    Size,
    sides,
)

ImageProviderName = Literal[
    "minimax", "wan", "nucleus", "gen4", "gen4-turbo", "sd3", "sdxl", "flux-klein-lora", "qwen-image-max"
]

PROMPT_CHARACTERS = 4000  # the service truncates a longer prompt
_SIDE = Between(512, 2048, "pixels")  # the service clamps other values
MAX_EDIT_IMAGES = 4
GEN4_RESOLUTION = "1080p"

_PRICE_SOURCE = (
    "Image generation: Credits per image: MiniMax 7, WAN 8, Nucleus 4 (× num_images), Gen4 2/3, Gen4 Turbo 1, SD3 1, "
    "SDXL 1, FLUX Klein LoRA 1."
)
_DEFAULT_PRICE_SOURCE = (
    "Credits: Image generation: credits per image as configured on the server (IMAGE_GENERATION_CREDITS; default 7 "
    "credits per image)"
)
_EDIT_PRICE_SOURCE = "Image to image: Credits: FLUX.2 Flash Edit — 1 credit per edit (~$0.013 upstream)."


def _price(what: str, credits_per_image: float, source: str = _PRICE_SOURCE) -> Price:
    return Price(f"an image with {what}", float(credits_per_image), "image", source)


_COMMON_PARAMETERS: dict[str, Rule] = {"aspect_ratio": Ratio(), "width": _SIDE, "height": _SIDE, "seed": SEED}
_GEN4_PARAMETERS: dict[str, Rule] = {"resolution": RESOLUTION, "reference_images": Links(3)}

# From the documentation's parameter table, price list and example of each provider.
IMAGE_PROVIDERS: Providers = {
    "minimax": Provider(
        _COMMON_PARAMETERS | {"model": Anything(), "response_format": OneOf(("base64", "url"))},
        {"": _price("minimax", 7)},
        upstream_key="MINIMAX_API_KEY",
    ),
    "wan": Provider(_COMMON_PARAMETERS | {"thinking_mode": Anything(), "size": Size()}, {"": _price("wan", 8)}),
    "nucleus": Provider(
        _COMMON_PARAMETERS
        | {
            "negative_prompt": Anything(),
            "num_images": OneOf((1, 2)),
            "num_inference_steps": Between(1, 100),
            "guidance_scale": Between(0, 20),
            "output_format": OneOf(("png", "jpeg")),
        },
        {"": _price("nucleus", 4)},
    ),
    "gen4": Provider(
        _COMMON_PARAMETERS | _GEN4_PARAMETERS,
        {"720p": _price("gen4 at 720p", 2), "1080p": _price("gen4 at 1080p", 3)},
        default_resolution=GEN4_RESOLUTION,
    ),
    "gen4-turbo": Provider(_COMMON_PARAMETERS | _GEN4_PARAMETERS, {"": _price("gen4-turbo", 1)}),
    "sd3": Provider(_COMMON_PARAMETERS | {"image_url": Link()}, {"": _price("sd3", 1)}),
    "sdxl": Provider(_COMMON_PARAMETERS | {"image_url": Link(), "size": Size(256, 1536)}, {"": _price("sdxl", 1)}),
    "flux-klein-lora": Provider(
        _COMMON_PARAMETERS | {"size": Size(), "loras": Anything(), "lora_url": Link(), "lora_scale": Anything()},
        {"": _price("flux-klein-lora", 1)},
    ),
    # The price list has no line for this provider, so the server's default price applies.
    "qwen-image-max": Provider(
        _COMMON_PARAMETERS | {"size": Size()},
        {"": _price("qwen-image-max", 7, _DEFAULT_PRICE_SOURCE)},
        size_separator="x",
        upstream_key="DEEPINFRA_API_KEY",
    ),
}

EDIT_PROVIDERS: Providers = {
    "flux-flash-edit": Provider(
        {"aspect_ratio": OneOf(("1:1", "16:9", "9:16", "4:3", "3:4")), "size": Size(256, 1536), "seed": SEED},
        {"": Price("an edit of images", 1.0, "edit", _EDIT_PRICE_SOURCE)},
    )
}

IMAGE_RULES = rules_of(IMAGE_PROVIDERS)
EDIT_RULES = rules_of(EDIT_PROVIDERS)
EDIT_CREDITS = EDIT_PROVIDERS["flux-flash-edit"].price().credits


def image_credits(provider: str, resolution: str | None = None, num_images: int | None = None) -> float:
    """Return the documented price of one request in credits."""
    return IMAGE_PROVIDERS[provider].price(resolution).credits * (num_images or 1)


def format_size(provider: str, size: str) -> str:
    """Return a size in the notation of the provider's documented example."""
    return {**IMAGE_PROVIDERS, **EDIT_PROVIDERS}[provider].size_separator.join(map(str, sides(size)))


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
    """`images` holds URLs; local files are sent in the multipart field `Endpoint.file_field`."""

    prompt: str
    provider: Literal["flux-flash-edit"] | None = None
    images: list[str] | None = None
    aspect_ratio: str | None = None
    size: str | None = None
    seed: int | None = None


class EditReply(Billed):
    provider: str | None = None
    input_count: int | None = None


def _estimate_image(request: ImageRequest, _seconds: float | None) -> Estimate:
    provider = IMAGE_PROVIDERS[request.provider]
    price = provider.price(request.resolution)
    count = f"num_images {request.num_images or 1}, " if "num_images" in provider.parameters else ""
    default = ", the server's default" if price.source == _DEFAULT_PRICE_SOURCE else ""
    resolution = f" at {request.resolution or provider.default_resolution}" if provider.default_resolution else ""
    return Estimate(
        image_credits(request.provider, request.resolution, request.num_images),
        f"{count}{price.credits:g} per image with {request.provider}{resolution}{default}",
    )


def _estimate_edit(_request: EditRequest, _seconds: float | None) -> Estimate:
    return Estimate(EDIT_CREDITS, f"{EDIT_CREDITS:g} per edit")


_MEDIA = frozenset({"image", "images"})

IMAGE = PaidEndpoint(
    "POST",
    "image/",
    ImageRequest,
    ImageReply,
    price=_estimate_image,
    media=_MEDIA,
    providers=tuple(IMAGE_PROVIDERS),
    upstream_keys=upstream_keys_of(IMAGE_PROVIDERS),
    default_provider="minimax",
)
EDIT = PaidEndpoint(
    "POST",
    "image-to-image/",
    EditRequest,
    EditReply,
    price=_estimate_edit,
    media=_MEDIA,
    file_field="images",
    providers=tuple(EDIT_PROVIDERS),
    upstream_keys=upstream_keys_of(EDIT_PROVIDERS),
    default_provider="flux-flash-edit",
)
