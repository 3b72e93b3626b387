"""Video: from an image, and from text."""

from typing import Annotated

from pydantic import Field

from webvoice_mcp.contract.video import (
    IMAGE_TO_VIDEO,
    IMAGE_TO_VIDEO_RULES,
    TEXT_TO_VIDEO,
    TEXT_TO_VIDEO_RULES,
    ImageToVideoProvider,
    ImageToVideoRequest,
    TextToVideoProvider,
    TextToVideoRequest,
    VideoReply,
)
from webvoice_mcp.files import Output
from webvoice_mcp.jobs.call import Delivery, PaidCall
from webvoice_mcp.tools.parameters import Background, OutputPath, checked_for_provider, picture_inputs
from webvoice_mcp.tools.results import File, PaidResult
from webvoice_mcp.tools.toolset import ToolSet

tools = ToolSet("video")

_SUFFIXES = (".mp4", ".m4v")

Duration = Annotated[int, Field(description="Seconds: 4 to 15 (gen4: 2 to 10).")]
Resolution = Annotated[str, Field(description="720p or 1080p. Not gen4.")]
GenerateAudio = Annotated[bool | None, Field(description="With sound. Not gen4.")]


class SavedVideo(PaidResult):
    """A video in a file."""

    files: list[File]
    provider: str | None = None
    duration: float | None = Field(None, description="Seconds.")
    resolution: str | None = None
    note: str | None = None


@tools.paid(IMAGE_TO_VIDEO, title="Image to video")
async def webvoice_image_to_video(
    prompt: Annotated[str, Field(description="Motion, camera, lighting, mood.")],
    image: Annotated[str, Field(description="First frame: https URL, or file (absolute, ~ or in the output folder).")],
    provider: Annotated[ImageToVideoProvider, Field(description="runway is gen4.")] = "seedance",
    duration: Duration = 5,
    resolution: Resolution = "",
    aspect_ratio: Annotated[str, Field(description="16:9, 9:16, 1:1, 4:3, 3:4; seedance also 21:9, adaptive.")] = "",
    generate_audio: GenerateAudio = None,
    last_image_url: Annotated[str, Field(description="https URL of the last frame.")] = "",
    output_path: OutputPath = "",
    background: Background = False,
) -> PaidCall[SavedVideo]:
    """Set an image in motion and save the video as an MP4 file; returns the path. Takes minutes.

    Costs 3 credits a second (seedance, 3.2 at 1080p) or 0.4 (gen4). From text alone: webvoice_text_to_video.
    """
    request = ImageToVideoRequest(
        prompt=prompt,
        provider=provider,
        duration=duration,
        resolution=resolution,
        aspect_ratio=aspect_ratio,
        generate_audio=generate_audio,
        last_image_url=last_image_url,
    )
    request = checked_for_provider(IMAGE_TO_VIDEO_RULES, provider, request)
    (first_frame,) = picture_inputs([image], "image")
    if first_frame.is_url:
        request = request.model_copy(update={"image_url": image})
    return PaidCall(
        IMAGE_TO_VIDEO,
        request,
        result=_saved_video,
        inputs=() if first_frame.is_url else (first_frame,),
        output=Output(output_path, "image_to_video", name_from=prompt, suffixes=_SUFFIXES, family="video"),
        background=background,
    )


@tools.paid(TEXT_TO_VIDEO, title="Text to video")
async def webvoice_text_to_video(
    prompt: Annotated[str, Field(description="The scene.")],
    provider: Annotated[TextToVideoProvider, Field(description="Who films it.")] = "seedance",
    duration: Annotated[int, Field(description="Seconds, 4 to 15.")] = 5,
    resolution: Annotated[str, Field(description="720p (unset) or 1080p.")] = "",
    aspect_ratio: Annotated[str, Field(description="16:9, 9:16, 1:1, 4:3, 3:4 or 21:9.")] = "",
    generate_audio: Annotated[bool | None, Field(description="With sound: the default.")] = None,
    reference_images: Annotated[list[str] | None, Field(description="seedance: https URLs; doubles the price.")] = None,
    reference_videos: Annotated[list[str] | None, Field(description="seedance: https URLs; doubles the price.")] = None,
    negative_prompt: Annotated[str, Field(description="veo, veo-fast: what to leave out.")] = "",
    seed: Annotated[int | None, Field(description="veo, veo-fast: for repeatable results; -1: none.")] = None,
    output_path: OutputPath = "",
    background: Background = False,
) -> PaidCall[SavedVideo]:
    """Film a scene from text and save the video as an MP4 file; returns the path. Takes minutes.

    Costs, a second: seedance 2.6 credits (2.8 at 1080p), veo (Lite) 1.17 (1.83), veo-fast 3.5. To start from an image
    use webvoice_image_to_video; for nothing but Veo 3.1 Fast webvoice_veo_fast_text_to_video.
    """
    request = TextToVideoRequest(
        prompt=prompt,
        provider=provider,
        duration=duration,
        resolution=resolution,
        aspect_ratio=aspect_ratio,
        generate_audio=generate_audio,
        reference_images=reference_images,
        reference_videos=reference_videos,
        negative_prompt=negative_prompt,
        seed=seed,
    )
    request = checked_for_provider(TEXT_TO_VIDEO_RULES, provider, request)
    return PaidCall(
        TEXT_TO_VIDEO,
        request,
        result=_saved_video,
        output=Output(output_path, "text_to_video", name_from=prompt, suffixes=_SUFFIXES, family="video"),
        background=background,
    )


@tools.paid(TEXT_TO_VIDEO, title="Text to video, Veo Fast")
async def webvoice_veo_fast_text_to_video(
    prompt: Annotated[str, Field(description="The scene.")],
    duration: Annotated[int, Field(description="Seconds, 4 to 15.")] = 5,
    resolution: Annotated[str, Field(description="720p (unset) or 1080p.")] = "",
    aspect_ratio: Annotated[str, Field(description="16:9, 9:16, 1:1, 4:3, 3:4 or 21:9.")] = "",
    generate_audio: Annotated[bool | None, Field(description="With sound: the default.")] = None,
    negative_prompt: Annotated[str, Field(description="What to leave out.")] = "",
    seed: Annotated[int | None, Field(description="For repeatable results; -1: none.")] = None,
    output_path: OutputPath = "",
    background: Background = False,
) -> PaidCall[SavedVideo]:
    """Film a scene from text with Google Veo 3.1 Fast and save the video as an MP4 file; returns the path.

    Costs 3.5 credits a second. For cheaper providers, or reference images, use webvoice_text_to_video.
    """
    return await webvoice_text_to_video(
        prompt=prompt,
        provider="veo-fast",
        duration=duration,
        resolution=resolution,
        aspect_ratio=aspect_ratio,
        generate_audio=generate_audio,
        negative_prompt=negative_prompt,
        seed=seed,
        output_path=output_path,
        background=background,
    )


def _saved_video(delivery: Delivery[VideoReply]) -> SavedVideo:
    return SavedVideo.from_reply(delivery.reply, files=File.list_of(delivery.files), note=delivery.note or None)
