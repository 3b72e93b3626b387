"""Translation between the documented languages."""

import math
from typing import get_args

from starlette.responses import Response

from webvoice_mcp.contract.translation import TRANSLATION, TRANSLATION_CREDITS_PER_1000_CHARACTERS, Language
from webvoice_mcp.sandbox.call import Call, door
from webvoice_mcp.sandbox.database import Holder
from webvoice_mcp.sandbox.engines import translate
from webvoice_mcp.sandbox.reading import read_json
from webvoice_mcp.sandbox.replies import success

_LANGUAGES: tuple[str, ...] = get_args(Language)


async def translation(call: Call, holder: Holder) -> Response:
    """Translate a text."""
    fields = await read_json(call.request)
    text = fields.text("text")
    target = fields.choice("target_language", _LANGUAGES)
    source = fields.choice("source_language", ("auto", *_LANGUAGES), "auto")
    source = "en" if source == "auto" else source  # as documented; nothing is detected
    price = round(TRANSLATION_CREDITS_PER_1000_CHARACTERS * math.ceil(len(text) / 1000), 6)
    call.afford(holder, price)
    translated, provider = await call.work(translate.translate, text, source, target)
    return success(
        translated_text=translated,
        source_language=source,
        target_language=target,
        text_length=len(text),
        provider=provider,
        **call.charge(holder, price),
    )


DOORS = (door(TRANSLATION, translation),)
