"""Translation."""

from typing import Annotated

from pydantic import Field

from webvoice_mcp.contract.translation import TRANSLATION, Language, SourceLanguage, TranslationRequest
from webvoice_mcp.jobs.call import PaidCall
from webvoice_mcp.tools.results import PaidResult
from webvoice_mcp.tools.toolset import ToolSet

tools = ToolSet("translation")


class Translation(PaidResult):
    """A translated text."""

    translated_text: str | None = None
    source_language: str | None = None
    target_language: str | None = None
    text_length: int | None = Field(None, description="Characters of the given text.")


@tools.paid(TRANSLATION, title="Translate")
async def webvoice_translate(
    text: Annotated[str, Field(description="What to translate.")],
    target_language: Annotated[Language, Field(description="Code of the wanted language.")],
    source_language: Annotated[
        SourceLanguage, Field(description="Code of the text's language. auto means English to the service.")
    ] = "auto",
) -> PaidCall[Translation]:
    """Translate text between fifteen languages and return the translation.

    Costs 0.1 credits per 1000 characters, at least 0.1. To hear it, give the result to webvoice_tts.
    """
    request = TranslationRequest(text=text, target_language=target_language, source_language=source_language)
    return PaidCall(TRANSLATION, request, result=lambda delivery: Translation.from_reply(delivery.reply))
