"""The documented price list: each line with the section and the sentence of the documentation that it stands in.

What the families know of prices is drawn from here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from webvoice_mcp.contract.models import DOCUMENTED_MODELS


@dataclass(frozen=True, slots=True)
class Price:
    """One line of the price list.

    Attributes:
        what: what is paid for.
        credits: what `amount` units of it cost; 0 is what the documentation calls free.
        unit: what is counted.
        source: the documentation's section, and its sentence.
        amount: how many units the price is for.
    """

    what: str
    credits: float
    unit: str
    source: str
    amount: int = 1

    @property
    def each(self) -> float:
        """Credits for one unit."""
        return self.credits / self.amount


_IMAGES = (
    "Image generation: Credits per image: MiniMax 7, WAN 8, Nucleus 4 (× num_images), Gen4 2/3, Gen4 Turbo 1, SD3 1, "
    "SDXL 1, FLUX Klein LoRA 1."
)
_OTHER_IMAGES = (
    "Credits: Image generation: credits per image as configured on the server (IMAGE_GENERATION_CREDITS; default 7 "
    "credits per image)"
)
_IMAGE_TO_VIDEO = (
    "Image to video: Credits: Seedance — 15/16 per 5s @ 720p/1080p (× duration). Gen4 Turbo — 2 per 5s (~$0.05 "
    "upstream)."
)
_TEXT_TO_VIDEO = (
    "Text to video: Credits: Seedance — 13/14 per 5s @ 720p/1080p (×2 with references). Veo 3.1 Lite — 7/11 per 6s @ "
    "720p/1080p. Veo 3.1 Fast — 3.5 credits/s ($0.15/s upstream)."
)


def _image(provider: str, credits_each: float, source: str = _IMAGES) -> Price:
    return Price(f"an image with {provider}", credits_each, "image", source)


def _image_to_video(provider: str, price: float) -> Price:
    return Price(f"video from an image with {provider}", price, "second", _IMAGE_TO_VIDEO, amount=5)


def _text_to_video(provider: str, price: float, seconds: int) -> Price:
    return Price(f"video from text with {provider}", price, "second", _TEXT_TO_VIDEO, amount=seconds)


SPEECH = Price("text to speech", 0.5, "minute", "Credits: TTS: 0.5 credits per minute")
TRANSCRIPTION = Price("speech to text", 0.3, "minute", "Credits: STT: 0.3 credits per minute")
TRANSLATION = Price(
    "translation", 0.1, "character", "Credits: Translation: 0.1 credit per 1000 characters (minimum 0.1)", amount=1000
)
MEMO = Price("a voice memo from text", 0.0, "memo", "Voice memo (text only): Free — no credits charged.")
CHAT = {
    model.id: Price(
        f"chat with {model.id}",
        model.credits,
        "request",
        f"All public chat models: | {model.id} | {model.name} | {model.provider} | {model.credits or 'Free'} |",
    )
    for model in DOCUMENTED_MODELS
}
IMAGES = {
    "minimax": _image("minimax", 7.0),
    "wan": _image("wan", 8.0),
    "nucleus": _image("nucleus", 4.0),
    "gen4-turbo": _image("gen4-turbo", 1.0),
    "sd3": _image("sd3", 1.0),
    "sdxl": _image("sdxl", 1.0),
    "flux-klein-lora": _image("flux-klein-lora", 1.0),
    "qwen-image-max": _image("qwen-image-max", 7.0, _OTHER_IMAGES),  # it has no line of its own
}
GEN4_IMAGES = {"720p": _image("gen4 at 720p", 2.0), "1080p": _image("gen4 at 1080p", 3.0)}
EDIT = Price(
    "an edit of images",
    1.0,
    "edit",
    "Image to image: Credits: FLUX.2 Flash Edit — 1 credit per edit (~$0.013 upstream).",
)

# By provider: at 720p and at 1080p. Where the documentation gives one price, it is that of both.
IMAGE_TO_VIDEO = {
    "seedance": (_image_to_video("seedance at 720p", 15.0), _image_to_video("seedance at 1080p", 16.0)),
    "gen4": (_image_to_video("gen4", 2.0),) * 2,
}
TEXT_TO_VIDEO = {
    "seedance": (_text_to_video("seedance at 720p", 13.0, 5), _text_to_video("seedance at 1080p", 14.0, 5)),
    "veo": (_text_to_video("veo at 720p", 7.0, 6), _text_to_video("veo at 1080p", 11.0, 6)),
    "veo-fast": (_text_to_video("veo-fast", 3.5, 1),) * 2,
}
REFERENCES_FACTOR = 2  # with reference images or videos: "×2 with references"


def _lines() -> Iterator[Price]:
    yield from (SPEECH, TRANSCRIPTION, TRANSLATION, MEMO, EDIT)
    for group in (CHAT, IMAGES, GEN4_IMAGES):
        yield from group.values()
    for pairs in (IMAGE_TO_VIDEO, TEXT_TO_VIDEO):
        for pair in pairs.values():
            yield from dict.fromkeys(pair)


PRICES = tuple(_lines())
"""Every line of the documented price list."""
