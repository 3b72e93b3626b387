"""Images: from text, and edits of images."""

from typing import Annotated, Any, Literal

from pydantic import Field

from webvoice_mcp.contract.image import (
    EDIT,
    EDIT_RULES,
    IMAGE,
    IMAGE_RULES,
    MAX_EDIT_IMAGES,
    PROMPT_CHARACTERS,
    EditReply,
    EditRequest,
    ImageProviderName,
    ImageReply,
    ImageRequest,
    format_size,
)
from webvoice_mcp.contract.links import is_public_link
from webvoice_mcp.errors import InvalidArgument
from webvoice_mcp.files import Output
from webvoice_mcp.jobs.call import Delivery, PaidCall
from webvoice_mcp.tools.parameters import Background, OutputPath, checked_for_provider, picture_inputs
from webvoice_mcp.tools.results import File, PaidResult
from webvoice_mcp.tools.toolset import ToolSet

tools = ToolSet("image")

_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif")

Prompt = Annotated[str, Field(max_length=PROMPT_CHARACTERS, description="What it shows. At most 4,000 characters.")]
AspectRatio = Annotated[str, Field(description="E.g. 16:9.")]
Seed = Annotated[int | None, Field(ge=-1, description="For repeatable results; -1: none.")]


class SavedImages(PaidResult):
    """Images in files."""

    files: list[File]
    provider: str | None = None
    count: int | None = None
    note: str | None = None


class EditedImage(PaidResult):
    """An edited image in a file."""

    files: list[File]
    provider: str | None = None
    input_count: int | None = None
    note: str | None = None


@tools.paid(IMAGE, title="Text to image")
async def webvoice_image(
    prompt: Prompt,
    provider: Annotated[ImageProviderName, Field(description="gen4 and gen4-turbo are Runway.")] = "minimax",
    aspect_ratio: AspectRatio = "",
    width: Annotated[int | None, Field(description="All: 512 to 2048 pixels, with height.")] = None,
    height: Annotated[int | None, Field(description="As width.")] = None,
    size: Annotated[
        str,
        Field(description="E.g. 1024x1024: sdxl (256 to 1536 a side); no range: wan, flux-klein-lora, qwen-image-max."),
    ] = "",
    seed: Seed = None,
    model: Annotated[str, Field(description="minimax: image model.")] = "",
    thinking_mode: Annotated[bool | None, Field(description="wan: think first.")] = None,
    negative_prompt: Annotated[str, Field(description="nucleus: what to leave out.")] = "",
    num_images: Annotated[int | None, Field(description="nucleus: 1 or 2, each is paid.")] = None,
    num_inference_steps: Annotated[int | None, Field(description="nucleus: 1 to 100.")] = None,
    guidance_scale: Annotated[float | None, Field(description="nucleus: 0 to 20.")] = None,
    output_format: Annotated[str, Field(description="nucleus: png or jpeg.")] = "",
    resolution: Annotated[str, Field(description="gen4, gen4-turbo: 720p or 1080p.")] = "",
    reference_images: Annotated[list[str] | None, Field(description="gen4, gen4-turbo: 1 to 3 https URLs.")] = None,
    image_url: Annotated[str, Field(description="sd3, sdxl: https URL to start from.")] = "",
    loras: Annotated[
        list[dict[str, Any]] | None, Field(description="flux-klein-lora: {path: https URL, scale}.")
    ] = None,
    lora_url: Annotated[str, Field(description="One LoRA's https URL, instead of loras.")] = "",
    lora_scale: Annotated[float | None, Field(description="Weight of lora_url.")] = None,
    response_format: Annotated[str, Field(description="minimax: base64 or url.")] = "",
    output_path: OutputPath = "",
    background: Background = False,
) -> PaidCall[SavedImages]:
    """Draw an image from text and save it as a file; returns the path, and a small image itself.

    Costs, an image: minimax 7 credits, wan 8, nucleus 4, gen4 2 (3 at 1080p), qwen-image-max 7 by default, others 1.
    Nano Banana: webvoice_chat with openrouter:google/gemini-2.5-flash-image. Edits: webvoice_image_to_image.
    """
    request = ImageRequest(
        prompt=prompt,
        provider=provider,
        aspect_ratio=aspect_ratio,
        width=width,
        height=height,
        size=size,
        seed=seed,
        model=model,
        thinking_mode=thinking_mode,
        negative_prompt=negative_prompt,
        num_images=num_images,
        num_inference_steps=num_inference_steps,
        guidance_scale=guidance_scale,
        output_format=output_format,
        resolution=resolution,
        reference_images=reference_images,
        image_url=image_url,
        loras=loras,
        lora_url=lora_url,
        lora_scale=lora_scale,
        response_format=response_format,
    )
    request = checked_for_provider(IMAGE_RULES, provider, request)
    if (width is None) != (height is None):
        raise InvalidArgument("width and height go together. Give both, or neither.")
    _check_loras(loras or [], lora_url, lora_scale)
    if size:
        request = request.model_copy(update={"size": format_size(provider, size)})
    return PaidCall(
        IMAGE,
        request,
        result=_saved_images,
        output=Output(output_path, "image", name_from=prompt, suffixes=_SUFFIXES, family="image"),
        expected_files=num_images or 1,
        background=background,
    )


@tools.paid(IMAGE, title="Text to image, photo-like")
async def webvoice_qwen_image_max(
    prompt: Prompt,
    aspect_ratio: AspectRatio = "",
    size: Annotated[str, Field(description="E.g. 1024x1536. No range is documented.")] = "",
    seed: Seed = None,
    output_path: OutputPath = "",
    background: Background = False,
) -> PaidCall[SavedImages]:
    """Draw a lifelike, photo-like image with Qwen-Image-Max and save it as a file; returns the path.

    Costs 7 credits by default. For any other look, provider or parameter use webvoice_image.
    """
    return await webvoice_image(
        prompt=prompt,
        provider="qwen-image-max",
        aspect_ratio=aspect_ratio,
        size=size,
        seed=seed,
        output_path=output_path,
        background=background,
    )


@tools.paid(EDIT, title="Image to image")
async def webvoice_image_to_image(
    prompt: Annotated[str, Field(description="The edit, in plain words; #RRGGBB colours are understood.")],
    images: Annotated[
        list[str],
        Field(description="1 to 4: https URLs, or files (absolute, ~ or in the output folder), freely mixed."),
    ],
    provider: Annotated[Literal["flux-flash-edit"] | None, Field(description="Only this one.")] = None,
    aspect_ratio: Annotated[
        str, Field(description="1:1, 16:9, 9:16, 4:3 or 3:4. Unset: 1024x1024, not the input's.")
    ] = "",
    size: Annotated[str, Field(description="E.g. 1024x768, 256 to 1536 a side.")] = "",
    seed: Seed = None,
    output_path: OutputPath = "",
    background: Background = False,
) -> PaidCall[EditedImage]:
    """Edit or merge 1 to 4 images by a description and save the new image as a file; the inputs stay as they are.

    Costs 1 credit. Local files are uploaded. To draw from text alone use webvoice_image.
    """
    if not 1 <= len(images) <= MAX_EDIT_IMAGES:
        raise InvalidArgument(f"images has {len(images)} entries. Give 1 to {MAX_EDIT_IMAGES}.")
    request = EditRequest(prompt=prompt, provider=provider, aspect_ratio=aspect_ratio, size=size, seed=seed)
    request = checked_for_provider(EDIT_RULES, EDIT.default_provider, request)
    inputs = picture_inputs(images, "images")
    only_urls = all(picture.is_url for picture in inputs)
    request = request.model_copy(
        update={
            "images": images if only_urls else None,
            "size": format_size(EDIT.default_provider, size) if size else None,
        }
    )
    return PaidCall(
        EDIT,
        request,
        result=_edited_image,
        inputs=() if only_urls else inputs,
        output=Output(output_path, "image_to_image", name_from=prompt, suffixes=_SUFFIXES, family="image"),
        background=background,
    )


def _saved_images(delivery: Delivery[ImageReply]) -> SavedImages:
    files = File.list_of(delivery.files)
    return SavedImages.from_reply(delivery.reply, files=files, count=len(files), note=delivery.note or None)


def _edited_image(delivery: Delivery[EditReply]) -> EditedImage:
    return EditedImage.from_reply(delivery.reply, files=File.list_of(delivery.files), note=delivery.note or None)


def _check_loras(loras: list[dict[str, Any]], lora_url: str, lora_scale: float | None) -> None:
    if loras and lora_url:
        raise InvalidArgument("Give loras or lora_url, not both.")
    if lora_scale is not None and not lora_url:
        raise InvalidArgument("lora_scale goes with lora_url. In loras each object has its own scale.")
    for number, lora in enumerate(loras):
        scale = lora.get("scale", 1)
        is_valid = set(lora) <= {"path", "scale"} and isinstance(scale, int | float) and not isinstance(scale, bool)
        if not is_valid or not is_public_link(lora.get("path")):
            raise InvalidArgument(
                f'loras[{number}] must be an object such as {{"path": "https://…/style.safetensors", "scale": 1.0}}.'
            )
