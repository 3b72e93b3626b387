"""Translation between the fifteen documented languages."""

from typing import Literal

from webvoice_mcp.contract.endpoint import Billed, PaidEndpoint, Request
from webvoice_mcp.contract.estimate import Estimate, started_units
from webvoice_mcp.contract.prices import Price

TRANSLATION_PRICE = Price(
    "translation", 0.1, "character", "Credits: Translation: 0.1 credit per 1000 characters (minimum 0.1)", amount=1000
)

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
    price = TRANSLATION_PRICE
    return Estimate(
        round(started_units(len(request.text), price.amount) * price.credits, 2),
        f"{len(request.text)} characters, {price.credits:g} per started {price.amount}",
    )


TRANSLATION = PaidEndpoint("POST", "translation/", TranslationRequest, TranslationReply, price=_estimate)
