"""Translation between the documented languages."""

import math
from typing import get_args

from starlette.responses import Response

from webvoice_mcp.contract.translation import TRANSLATION, TRANSLATION_PRICE, Language
from webvoice_mcp.sandbox.engines import translate
from webvoice_mcp.sandbox.requests import ApiRequest, api_route
from webvoice_mcp.sandbox.responses import success

_LANGUAGES: tuple[str, ...] = get_args(Language)


async def translation(request: ApiRequest) -> Response:
    """Translate a text."""
    account = request.authenticate().account
    fields = await request.read_json()
    text = fields.string("text")
    target = fields.choice("target_language", _LANGUAGES)
    source = fields.choice("source_language", ("auto", *_LANGUAGES), "auto")
    source = "en" if source == "auto" else source  # the documented default; the sandbox does not detect languages
    price = round(TRANSLATION_PRICE.credits * math.ceil(len(text) / TRANSLATION_PRICE.amount), 6)
    request.require_credits(account, price)
    translated, provider = await request.run_engine(translate.translate, text, source, target)
    return success(
        translated_text=translated,
        source_language=source,
        target_language=target,
        text_length=len(text),
        provider=provider,
        **request.charge(account, price),
    )


ROUTES = [api_route(TRANSLATION, translation)]
