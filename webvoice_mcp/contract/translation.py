"""Translation between the fifteen documented languages."""

from typing import Literal

from webvoice_mcp.contract.endpoint import Billed, PaidEndpoint, Request
from webvoice_mcp.contract.estimate import Estimate, started_units
from webvoice_mcp.contract.prices import Price

TRANSLATION_PRICE = Price(
    "translation", 0.1, "character", "Credits: Translation: 0.1 credit per 1000 characters (minimum 0.1)", amount=1000
)
TRANSLATION_CREDITS_PER_1000_CHARACTERS = TRANSLATION_PRICE.credits

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


def _estimate(request: TranslationRequest, _seconds: float | None) -> Estimate:
    thousands = started_units(len(request.text), 1000)
    return Estimate(
        round(thousands * TRANSLATION_PRICE.credits, 2),
        f"{len(request.text)} characters, {TRANSLATION_PRICE.credits:g} per started 1000",
    )


TRANSLATION = PaidEndpoint("POST", "translation/", TranslationRequest, TranslationReply, price=_estimate)
