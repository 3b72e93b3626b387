import asyncio

import pytest

from tests.sandbox.world import SandboxClient, refused
from webvoice_mcp.contract.translation import TRANSLATION_PRICE

_ADVICE = "Add some with POST /sandbox/credits/."
_PRICE = TRANSLATION_PRICE.credits
_LANGUAGES = "en, it, es, fr, de, pt, ru, zh, ja, ko, ar, nl, pl, tr, cs"


async def test_a_translation_names_its_engine_and_its_cost(ann: SandboxClient) -> None:
    reply = await ann.post("translation/", {"text": "Hello, world!", "source_language": "en", "target_language": "it"})
    assert reply.json() == {
        "success": True,
        "translated_text": "Ciao, mondo!",
        "source_language": "en",
        "target_language": "it",
        "text_length": 13,
        "provider": "sandbox:phrasebook",
        "credits_used": _PRICE,
        "credits_remaining": 20 - _PRICE,
        "sandbox": True,
    }


@pytest.mark.parametrize("source", [{"source_language": "auto"}, {"source_language": ""}])
async def test_the_source_language_is_english_by_default(ann: SandboxClient, source: dict[str, str | None]) -> None:
    reply = (await ann.post("translation/", {"text": "Thank you", "target_language": "de", **source})).json()
    assert (reply["source_language"], reply["translated_text"]) == ("en", "Danke")


@pytest.mark.parametrize(("length", "price"), [(1000, _PRICE), (1001, 2 * _PRICE)])
async def test_every_started_thousand_characters_costs_the_same(ann: SandboxClient, length: int, price: float) -> None:
    reply = (await ann.post("translation/", {"text": "a" * length, "target_language": "it"})).json()
    assert (reply["text_length"], reply["credits_used"], reply["credits_remaining"]) == (length, price, 20 - price)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target_language": "auto"}, f"\"target_language\" is 'auto'; accepted: {_LANGUAGES}."),
        ({"source_language": "xx"}, f"\"source_language\" is 'xx'; accepted: auto, {_LANGUAGES}."),
    ],
)
async def test_an_unknown_language_is_refused_and_costs_nothing(
    ann: SandboxClient, change: dict[str, str], message: str
) -> None:
    reply = await ann.post("translation/", {"text": "Hello", "target_language": "it", **change})
    assert refused(reply) == (400, "Bad Request", message)
    assert await ann.credits() == 20.0


async def test_a_translation_without_enough_credits_is_refused(ann: SandboxClient) -> None:
    await ann.spend_down_to(_PRICE)
    reply = await ann.post("translation/", {"text": "a" * 1001, "target_language": "it"})
    assert refused(reply) == (
        402,
        "Payment Required",
        f"Insufficient credits: this call costs {2 * _PRICE:g}, the account has {_PRICE:g}. {_ADVICE}",
    )
    assert await ann.credits() == _PRICE


async def test_simultaneous_calls_cannot_overspend(ann: SandboxClient) -> None:
    await ann.spend_down_to(5 * _PRICE)
    body = {"text": "Hello", "target_language": "it"}
    replies = await asyncio.gather(*(ann.post("translation/", body) for _ in range(12)))
    assert sorted(reply.status_code for reply in replies) == [200] * 5 + [402] * 7
    left = sorted(reply.json()["credits_remaining"] for reply in replies if reply.status_code == 200)
    assert left == pytest.approx([count * _PRICE for count in range(5)])
    assert await ann.credits() == 0.0
