"""What a request will cost, by the documented prices."""

import math
import re
from dataclasses import dataclass

from webvoice_mcp.contract.chat import DOCUMENTED_MODELS, ChatRequest
from webvoice_mcp.contract.endpoint import Request
from webvoice_mcp.contract.image import EDIT_CREDITS, EditRequest, ImageRequest, image_credits
from webvoice_mcp.contract.speech import (
    SPEECH_CREDITS_PER_MINUTE,
    TRANSCRIPTION_CREDITS_PER_MINUTE,
    SpeechRequest,
    TranscriptionRequest,
)
from webvoice_mcp.contract.translation import TRANSLATION_CREDITS_PER_1000_CHARACTERS, TranslationRequest
from webvoice_mcp.contract.video import (
    IMAGE_TO_VIDEO_CREDITS,
    REFERENCES_FACTOR,
    TEXT_TO_VIDEO_CREDITS,
    ImageToVideoRequest,
    TextToVideoRequest,
    video_credits,
)

# Letters a second at speed 1: about 150 words a minute. Chinese, Japanese and Korean say a syllable a letter.
_LETTERS_PER_SECOND = 15.0
_SYLLABLES_PER_SECOND = 4.5
_SYLLABLE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a call is expected to cost.

    Attributes:
        credits: None where it cannot be known.
        basis: how it was worked out, or why it could not be, as a part of a sentence.
    """

    credits: float | None
    basis: str


FREE = Estimate(0.0, "this call is free")


def estimate(request: Request, *, seconds: float | None = None) -> Estimate:
    """What this request will cost.

    Args:
        seconds: length of the recording that goes with a transcription; None: not known.
    """
    match request:
        case SpeechRequest():
            return _speech(request)
        case TranscriptionRequest():
            return _transcription(seconds)
        case TranslationRequest():
            return _translation(request)
        case ChatRequest():
            return _chat(request)
        case ImageRequest():
            return _image(request)
        case EditRequest():
            return Estimate(EDIT_CREDITS, f"{EDIT_CREDITS:g} an edit")
        case ImageToVideoRequest():
            return _image_to_video(request)
        case TextToVideoRequest():
            return _text_to_video(request)
        case _:
            return FREE


def _speech(request: SpeechRequest) -> Estimate:
    syllables = len(_SYLLABLE.findall(request.text))
    letters = len(request.text) - syllables
    seconds = (letters / _LETTERS_PER_SECOND + syllables / _SYLLABLES_PER_SECOND) / request.speed
    minutes = max(1, math.ceil(seconds / 60))
    return Estimate(
        round(minutes * SPEECH_CREDITS_PER_MINUTE, 2),
        f"about {seconds:.0f} s of speech from {len(request.text)} characters at speed {request.speed:g}, "
        f"{SPEECH_CREDITS_PER_MINUTE:g} per started minute",
    )


def _transcription(seconds: float | None) -> Estimate:
    if seconds is None:
        return Estimate(None, "the recording does not say how long it is")
    minutes = max(1, math.ceil(seconds / 60))
    return Estimate(
        round(minutes * TRANSCRIPTION_CREDITS_PER_MINUTE, 2),
        f"{seconds:.1f} s of sound, {TRANSCRIPTION_CREDITS_PER_MINUTE:g} per started minute",
    )


def _translation(request: TranslationRequest) -> Estimate:
    thousands = max(1, math.ceil(len(request.text) / 1000))
    return Estimate(
        round(thousands * TRANSLATION_CREDITS_PER_1000_CHARACTERS, 2),
        f"{len(request.text)} characters, {TRANSLATION_CREDITS_PER_1000_CHARACTERS:g} per started 1000",
    )


def _chat(request: ChatRequest) -> Estimate:
    for model in DOCUMENTED_MODELS:
        if model.id == request.model:
            return Estimate(model.credits, f"{model.credits:g} a request with {model.id}")
    return Estimate(None, f"{request.model} is not in the documented list of models")


def _image(request: ImageRequest) -> Estimate:
    price = image_credits(request.provider, request.resolution, request.num_images)
    count = f"{request.num_images or 1} ordered, " if request.provider == "nucleus" else ""
    default = " by the server's default" if request.provider == "qwen-image-max" else ""
    resolution = f" at {request.resolution or '1080p'}" if request.provider == "gen4" else ""
    each = price / (request.num_images or 1)
    return Estimate(price, f"{count}{each:g} an image with {request.provider}{resolution}{default}")


def _image_to_video(request: ImageToVideoRequest) -> Estimate:
    price = video_credits(IMAGE_TO_VIDEO_CREDITS[request.provider], request.duration, request.resolution)
    return Estimate(price, f"{request.duration} s with {request.provider} at {request.resolution or '720p'}")


def _text_to_video(request: TextToVideoRequest) -> Estimate:
    references = bool(request.reference_images or request.reference_videos)
    factor = REFERENCES_FACTOR if references else 1
    price = video_credits(TEXT_TO_VIDEO_CREDITS[request.provider], request.duration, request.resolution, factor)
    doubled = ", doubled for references" if references else ""
    return Estimate(price, f"{request.duration} s with {request.provider} at {request.resolution or '720p'}{doubled}")
