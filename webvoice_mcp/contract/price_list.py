"""The documented price list, collected from the modules that declare the prices."""

from collections.abc import Iterator

from webvoice_mcp.contract import chat, image, messaging, speech, translation, video
from webvoice_mcp.contract.prices import Price

_PROVIDERS = (
    image.IMAGE_PROVIDERS,
    image.EDIT_PROVIDERS,
    video.IMAGE_TO_VIDEO_PROVIDERS,
    video.TEXT_TO_VIDEO_PROVIDERS,
)


def _lines() -> Iterator[Price]:
    yield from (speech.SPEECH_PRICE, speech.TRANSCRIPTION_PRICE, translation.TRANSLATION_PRICE, messaging.MEMO_PRICE)
    yield from chat.CHAT_PRICES.values()
    for providers in _PROVIDERS:
        for provider in providers.values():
            yield from provider.prices.values()


PRICES = tuple(dict.fromkeys(_lines()))
"""The lines of the documented price list, without duplicates."""
