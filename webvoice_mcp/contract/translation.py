"""Translation between the fifteen documented languages."""

from typing import Literal

from webvoice_mcp.contract import prices
from webvoice_mcp.contract.endpoint import Billed, Endpoint, Request

TRANSLATION_CREDITS_PER_1000_CHARACTERS = prices.TRANSLATION.credits  # and never less than this for one call

Language = Literal["en", "it", "es", "fr", "de", "pt", "ru", "zh", "ja", "ko", "ar", "nl", "pl", "tr", "cs"]
SourceLanguage = Literal[
    "auto", "en", "it", "es", "fr", "de", "pt", "ru", "zh", "ja", "ko", "ar", "nl", "pl", "tr", "cs"
]


class TranslationRequest(Request):
    text: str
    target_language: Language
    source_language: SourceLanguage = "auto"


class TranslationReply(Billed):
    translated_text: str
    source_language: str | None = None
    target_language: str | None = None
    text_length: int | None = None


TRANSLATION = Endpoint("POST", "translation/", TranslationRequest, TranslationReply, paid=True)
