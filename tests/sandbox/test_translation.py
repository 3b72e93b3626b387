import asyncio

import pytest

from tests.sandbox.world import SandboxClient, refused

_LANGUAGES = "en, it, es, fr, de, pt, ru, zh, ja, ko, ar, nl, pl, tr, cs"


async def test_a_translation_names_its_engine_and_costs_a_tenth(ann: SandboxClient) -> None:
    reply = await ann.post("translation/", {"text": "Hello, world!", "source_language": "en", "target_language": "it"})
    assert reply.json() == {
        "success": True,
        "translated_text": "Ciao, mondo!",
        "source_language": "en",
        "target_language": "it",
        "text_length": 13,
        "provider": "sandbox:phrasebook",
        "credits_used": 0.1,
        "credits_remaining": 19.9,
        "sandbox": True,
    }


@pytest.mark.parametrize("source", [{"source_language": "auto"}, {"source_language": ""}])
async def test_the_source_language_is_english_by_default(ann: SandboxClient, source: dict[str, str | None]) -> None:
    reply = (await ann.post("translation/", {"text": "Thank you", "target_language": "de", **source})).json()
    assert (reply["source_language"], reply["translated_text"]) == ("en", "Danke")


@pytest.mark.parametrize(("length", "price"), [(1000, 0.1), (1001, 0.2)])
async def test_every_started_thousand_characters_costs_a_tenth(ann: SandboxClient, length: int, price: float) -> None:
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
    await ann.spend_down_to(0.1)
    reply = await ann.post("translation/", {"text": "a" * 1001, "target_language": "it"})
    assert refused(reply) == (
        402,
        "Payment Required",
        "Insufficient credits: this call costs 0.2, the account has 0.1. Add some with POST /sandbox/credits/.",
    )
    assert await ann.credits() == 0.1


async def test_simultaneous_calls_cannot_overspend(ann: SandboxClient) -> None:
    await ann.spend_down_to(0.5)
    body = {"text": "Hello", "target_language": "it"}
    replies = await asyncio.gather(*(ann.post("translation/", body) for _ in range(12)))
    assert sorted(reply.status_code for reply in replies) == [200] * 5 + [402] * 7
    assert sorted(reply.json()["credits_remaining"] for reply in replies if reply.status_code == 200) == [
        0.0,
        0.1,
        0.2,
        0.3,
        0.4,
    ]
    assert await ann.credits() == 0.0
