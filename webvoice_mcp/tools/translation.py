"""Translation."""

from functools import partial
from pathlib import PurePath
from typing import Annotated

from pydantic import Field

from webvoice_mcp.contract.translation import TRANSLATION, Language, SourceLanguage, TranslationRequest
from webvoice_mcp.errors import InvalidArgument
from webvoice_mcp.files import Output
from webvoice_mcp.jobs.batch import PaidBatch, TextFile
from webvoice_mcp.jobs.call import PaidCall
from webvoice_mcp.jobs.translation import translation_of_file, translation_of_texts
from webvoice_mcp.tools.parameters import Background
from webvoice_mcp.tools.results import File, PaidResult
from webvoice_mcp.tools.toolset import ToolSet

tools = ToolSet("translation")

_MAX_TEXTS = 200


class Translation(PaidResult):
    """A translated text."""

    translated_text: str | None = None
    translations: list[str] | None = None
    source_language: str | None = None
    target_language: str | None = None
    text_length: int | None = Field(None, description="Characters of the given text.")
    preview: str | None = None
    characters: int | None = None
    files: list[File] | None = None
    parts: int | None = None
    parts_reused: int | None = None


@tools.paid(TRANSLATION, title="Translate")
async def webvoice_translate(
    target_language: Annotated[Language, Field(description="Code of the language to translate into.")],
    text: Annotated[str, Field(description="What to translate. Give this, texts or text_path.")] = "",
    texts: Annotated[list[str] | None, Field(description="Up to 200 texts; they come back in their order.")] = None,
    text_path: Annotated[
        str, Field(description="A .txt, .md, .srt or .vtt file; its times, numbers and Markdown stay.")
    ] = "",
    source_language: Annotated[
        SourceLanguage, Field(description="Code of the text's language; auto means English to the service.")
    ] = "auto",
    output_path: Annotated[
        str, Field(description="With text_path: a new file of its kind or a folder. Unset: saved if long.")
    ] = "",
    background: Background = False,
) -> PaidCall[Translation] | PaidBatch[Translation]:
    """Translate a text, a list of texts or a file between fifteen languages.

    Costs 0.1 credits per 1000 characters, at least 0.1 a request. To hear a translation, give it to webvoice_tts.
    """
    if sum(map(bool, (text, texts, text_path))) != 1:
        raise InvalidArgument("Give exactly one of text, texts (a list) and text_path (a file).")
    if output_path and not text_path:
        raise InvalidArgument("output_path goes with text_path: only the translation of a file is saved.")
    make_request = partial(_request, target_language, source_language)
    if text_path:
        path = PurePath(text_path)
        output = Output(output_path, "translate", path.stem, (path.suffix.lower() or ".txt",), "text")
        file = TextFile(text_path, "text_path")
        return translation_of_file(
            Translation, file, make_request, output, is_wanted=bool(output_path), background=background
        )
    if texts:
        if len(texts) > _MAX_TEXTS:
            raise InvalidArgument(f"texts has {len(texts)} entries. Give at most {_MAX_TEXTS}, or a file as text_path.")
        return translation_of_texts(Translation, texts, make_request, background=background)
    return PaidCall(
        TRANSLATION,
        make_request(text),
        result=lambda delivery: Translation.from_reply(delivery.reply),
        background=background,
    )


def _request(target_language: Language, source_language: SourceLanguage, text: str) -> TranslationRequest:
    return TranslationRequest(text=text, target_language=target_language, source_language=source_language)
