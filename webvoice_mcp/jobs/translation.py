"""Translation of files and of lists of texts: neighbouring texts go together, and come back one by one."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel

from webvoice_mcp.contract.translation import TRANSLATION, TRANSLATION_PRICE, TranslationReply, TranslationRequest
from webvoice_mcp.errors import InvalidArgument, UnsupportedMedia
from webvoice_mcp.files import Output
from webvoice_mcp.jobs.batch import Assembly, PaidBatch, Part, Plan, Sources, TextFile
from webvoice_mcp.jobs.long_results import SHOWN_CHARACTERS, preview
from webvoice_mcp.storage.threads import WorkerThreads
from webvoice_mcp.studio.translation import Group, Translatable, from_file, from_strings

T = TypeVar("T", bound=BaseModel)
MakeRequest = Callable[[str], TranslationRequest]


def translation_of_texts(
    result: type[T], texts: Sequence[str], make_request: MakeRequest, *, background: bool
) -> PaidBatch[T]:
    """Return the translation of several texts as a paid batch. Its result has them in their order.

    Args:
        result: the model of the tool's result.
        make_request: makes the request of a text.
    """

    async def plan(_: Sources) -> Plan[T]:
        translatable = await WorkerThreads(1).run(from_strings, texts)

        async def assemble(_: Assembly, translations: Sequence[str]) -> dict[str, Any]:
            return {"translations": translatable.assemble(translations), "text_length": sum(map(len, texts))}

        return _plan(translatable, make_request, assemble, result)

    return PaidBatch(TRANSLATION, plan, background=background)


def translation_of_file(
    result: type[T], file: TextFile, make_request: MakeRequest, output: Output, *, is_wanted: bool, background: bool
) -> PaidBatch[T]:
    """Return the translation of a text file as a paid batch. Everything but its prose stays as it is.

    Args:
        result: the model of the tool's result.
        make_request: makes the request of a text.
        output: the place of the translation.
        is_wanted: save a short translation, too, because the caller named a place.
    """

    async def plan(sources: Sources) -> Plan[T]:
        try:
            translatable = await WorkerThreads(1).run(from_file, sources.text, sources.suffix)
        except ValueError as error:
            raise UnsupportedMedia(f"{file.argument}: {file.path}: {error}") from None

        async def assemble(assembly: Assembly, translations: Sequence[str]) -> dict[str, Any]:
            text = await WorkerThreads(1).run(translatable.assemble, translations)
            fields: dict[str, Any] = {"text_length": len(sources.text)}
            is_short = len(text) <= SHOWN_CHARACTERS
            if is_wanted or not is_short:
                assembly.outputs[0].write(text.encode())
                saved = await assembly.publish(assembly.outputs[0], sources.suffix)
                fields["files"] = [saved.facts()]
            shown = {"translated_text": text} if is_short else preview(text)
            return fields | shown

        return _plan(translatable, make_request, assemble, result)

    return PaidBatch(TRANSLATION, plan, text_file=file, output=output, background=background)


def _plan(
    translatable: Translatable[Any],
    make_request: MakeRequest,
    assemble: Callable[[Assembly, Sequence[str]], Any],
    result: type[T],
) -> Plan[T]:
    """Return the plan: a request for each group of texts, and one for each text where other lines came back."""
    if not translatable.groups:
        raise InvalidArgument("There is no text with letters to translate.")
    groups = [(group, Part(make_request(group.joined))) for group in translatable.groups]
    by_id = {part.id: group for group, part in groups}

    def follow_up(part: Part, reply: TranslationReply) -> list[Part]:
        group = by_id.get(part.id)
        if group is None or group.split(reply.translated_text) is not None:
            return []
        return [Part(make_request(text)) for text in group.texts]

    async def assemble_all(assembly: Assembly) -> T:
        translations: list[str] = []
        for group, part in groups:
            translations += _translations(group, part, assembly, make_request)
        first: TranslationReply = assembly.reply(groups[0][1])
        languages = {"source_language": first.source_language, "target_language": first.target_language}
        fields = assembly.summary | languages | await assemble(assembly, translations)
        return result.model_validate(fields)

    price = TRANSLATION_PRICE
    basis = f"{len(groups)} parts of at most 4000 characters, {price.credits:g} per started {price.amount} of each part"
    more = ""
    if any(len(group.texts) > 1 for group, _ in groups):
        texts = sum(len(group.texts) for group, _ in groups)
        more = (
            "if a part comes back with another number of lines, each of its texts is sent again by itself, at least"
            f" {price.credits:g} each ({texts} texts in all)"
        )
    return Plan([part for _, part in groups], assemble_all, basis, follow_up, more)


def _translations(group: Group, part: Part, assembly: Assembly, make_request: MakeRequest) -> list[str]:
    lines = group.split(assembly.reply(part).translated_text)
    if lines is not None:
        return lines
    return [str(assembly.reply(Part(make_request(text))).translated_text) for text in group.texts]
