"""The price list with its sources, and the estimates that are based on it."""

import importlib
import math
import pkgutil
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvoice_mcp import contract
from webvoice_mcp.contract.chat import CHAT, CHAT_PRICES, ChatModel, ChatRequest
from webvoice_mcp.contract.endpoint import PaidEndpoint, Request
from webvoice_mcp.contract.estimate import Estimate
from webvoice_mcp.contract.image import (
    EDIT,
    IMAGE,
    IMAGE_PROVIDERS,
    EditRequest,
    ImageProviderName,
    ImageRequest,
    format_size,
    image_credits,
)
from webvoice_mcp.contract.models import DOCUMENTED_MODELS
from webvoice_mcp.contract.prices import Price
from webvoice_mcp.contract.providers import Provider
from webvoice_mcp.contract.speech import SPEECH, TRANSCRIPTION, SpeechRequest, TranscriptionRequest
from webvoice_mcp.contract.translation import TRANSLATION, TranslationRequest
from webvoice_mcp.contract.video import (
    IMAGE_TO_VIDEO,
    IMAGE_TO_VIDEO_PROVIDERS,
    TEXT_TO_VIDEO,
    TEXT_TO_VIDEO_PROVIDERS,
    ImageToVideoProvider,
    ImageToVideoRequest,
    TextToVideoProvider,
    TextToVideoRequest,
)


def prices_in(value: object) -> Iterator[Price]:
    """Yield a price, or the prices in a provider or in a table of prices or providers."""
    if isinstance(value, Price):
        yield value
    elif isinstance(value, Provider):
        yield from prices_in(value.prices)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from prices_in(item)


MODULES = [
    importlib.import_module(f"{contract.__name__}.{module.name}") for module in pkgutil.iter_modules(contract.__path__)
]
PRICES = {price for module in MODULES for value in vars(module).values() for price in prices_in(value)}


def test_every_price_quotes_the_sentence_that_states_it() -> None:
    for price in PRICES:
        section, _, sentence = price.source.partition(": ")
        numbers = re.findall(r"[0-9]+(?:\.[0-9]+)?", sentence)
        assert section, price
        assert price.credits in map(float, numbers) or (price.credits == 0 and "Free" in sentence), price
        assert price.amount == 1 or str(price.amount) in numbers, price


def test_no_price_is_listed_twice() -> None:
    assert len({price.what for price in PRICES}) == len(PRICES)


def test_every_documented_provider_and_model_is_declared() -> None:
    assert tuple(IMAGE_PROVIDERS) == get_args(ImageProviderName)
    assert tuple(IMAGE_TO_VIDEO_PROVIDERS) == get_args(ImageToVideoProvider)
    assert tuple(TEXT_TO_VIDEO_PROVIDERS) == get_args(TextToVideoProvider)
    assert [model.id for model in DOCUMENTED_MODELS] == list(CHAT_PRICES)


def speech(text: str, speed: float = 0.9) -> SpeechRequest:
    return SpeechRequest(text=text, voice="v", language="en", speed=speed)


def image(**fields: Any) -> ImageRequest:
    return ImageRequest.model_validate({"prompt": "x", **fields})


def chat(model: str) -> ChatRequest:
    return ChatRequest(model=model, messages=[{"role": "user", "content": "x"}])


def from_image(provider: str, **fields: Any) -> ImageToVideoRequest:
    return ImageToVideoRequest.model_validate({"provider": provider, "prompt": "x", "duration": 5, **fields})


def from_text(provider: str, **fields: Any) -> TextToVideoRequest:
    return TextToVideoRequest.model_validate({"provider": provider, "prompt": "x", "duration": 6, **fields})


# The documentation's figures, and the sentence that explains each estimate.
@pytest.mark.parametrize(
    ("endpoint", "request_", "credits_", "basis"),
    [
        (SPEECH, speech("x" * 1000, 2), 0.5, "about 33 s of speech from 1000 characters at speed 2, 0.5 per started "),
        (SPEECH, speech("x" * 900, 1), 0.5, "about 60 s"),
        (SPEECH, speech("x" * 901, 1), 1.0, "about 60 s"),
        (SPEECH, speech("語" * 234, 1), 0.5, "about 60 s"),
        (SPEECH, speech("س" * 600, 1), 0.5, "about 60 s of speech from 600 characters"),
        (SPEECH, speech("ש" * 601, 1), 1.0, "about 60 s of speech from 601 characters"),
        (SPEECH, speech("x" * 901 + "語" * 234, 2), 1.0, "about 60 s"),
        (TRANSLATION, TranslationRequest(text="x" * 1000, target_language="it"), 0.1, "1000 characters, 0.1 per "),
        (TRANSLATION, TranslationRequest(text="x" * 1001, target_language="it"), 0.2, "1001 characters"),
        (EDIT, EditRequest(prompt="x"), 1.0, "1 per edit"),
        (IMAGE, image(provider="minimax"), 7.0, "7 per image with minimax"),
        (IMAGE, image(provider="qwen-image-max"), 7.0, "7 per image with qwen-image-max, the server's default"),
        (IMAGE, image(provider="nucleus"), 4.0, "num_images 1, 4 per image with nucleus"),
        (IMAGE, image(provider="nucleus", num_images=2), 8.0, "num_images 2, 4 per image with nucleus"),
        (IMAGE, image(provider="gen4"), 3.0, "3 per image with gen4 at 1080p"),
        (IMAGE, image(provider="gen4", resolution="720p"), 2.0, "2 per image with gen4 at 720p"),
        (IMAGE, image(provider="gen4-turbo", resolution="720p"), 1.0, "1 per image with gen4-turbo"),
        (IMAGE_TO_VIDEO, from_image("seedance"), 15.0, "5 s with seedance at 720p"),
        (IMAGE_TO_VIDEO, from_image("seedance", resolution="1080p"), 16.0, "5 s with seedance at 1080p"),
        (IMAGE_TO_VIDEO, from_image("runway", duration=10), 4.0, "10 s with runway at 720p"),
        (TEXT_TO_VIDEO, from_text("veo"), 7.0, "6 s with veo at 720p"),
        (TEXT_TO_VIDEO, from_text("veo", duration=5), 5.83, "5 s with veo at 720p"),
        (TEXT_TO_VIDEO, from_text("veo", resolution="1080p"), 11.0, "6 s with veo at 1080p"),
        (TEXT_TO_VIDEO, from_text("veo-fast", duration=4, resolution="1080p"), 14.0, "4 s with veo-fast at 1080p"),
        (TEXT_TO_VIDEO, from_text("seedance", duration=5), 13.0, "5 s with seedance at 720p"),
        (
            TEXT_TO_VIDEO,
            from_text("seedance", duration=5, reference_videos=["https://x/y"]),
            26.0,
            "5 s with seedance at 720p, doubled for references",
        ),
        (CHAT, chat("deepseek-v4-flash"), 2.0, "2 per request with deepseek-v4-flash"),
        (CHAT, chat("new"), None, '"new" is not in the documented list of models'),
    ],
)
def test_an_estimate_follows_the_documented_prices(
    endpoint: PaidEndpoint[Any, Any], request_: Request, credits_: float | None, basis: str
) -> None:
    estimate = endpoint.price(request_, None)
    assert estimate.credits == credits_
    assert estimate.basis.startswith(basis)


def test_every_image_provider_and_chat_model_costs_its_documented_price() -> None:
    for provider, credits_ in {"wan": 8, "sd3": 1, "sdxl": 1, "flux-klein-lora": 1}.items():
        assert image_credits(provider) == credits_
    for model, price in CHAT_PRICES.items():
        assert CHAT.price(chat(model), None).credits == price.credits


@pytest.mark.parametrize(("seconds", "credits_"), [(0.1, 0.3), (60, 0.3), (60.1, 0.6), (3601, 18.3)])
def test_a_transcription_is_priced_per_started_minute(seconds: float, credits_: float) -> None:
    expected = Estimate(credits_, f"{seconds:.1f} s of audio, 0.3 per started minute")
    assert TRANSCRIPTION.price(TranscriptionRequest(), seconds) == expected


def test_a_recording_of_unknown_length_has_no_estimate() -> None:
    expected = Estimate(None, "the length of the recording is unknown")
    assert TRANSCRIPTION.price(TranscriptionRequest(), None) == expected


@given(st.text(min_size=1), st.floats(0.5, 2))
def test_longer_and_slower_speech_never_costs_less(text: str, speed: float) -> None:
    price = SPEECH.price(speech(text, speed), None).credits or 0.0
    assert price >= 0.5
    assert (SPEECH.price(speech(text * 50, speed), None).credits or 0.0) >= price
    assert (SPEECH.price(speech(text, 0.5), None).credits or 0.0) >= price


@pytest.mark.parametrize(
    ("provider", "size", "written"), [("wan", "1024x512", "1024*512"), ("qwen-image-max", "1024*1536", "1024x1536")]
)
def test_a_size_is_written_as_in_the_documented_example(provider: str, size: str, written: str) -> None:
    assert format_size(provider, size) == written


# Texts, and the words that are spoken for them.
SPOKEN = [
    (
        "1234567890 ",
        "one billion two hundred thirty-four million five hundred sixty-seven thousand eight hundred ninety ",
    ),
    ("In 1984 and 2024 ", "In nineteen eighty-four and twenty twenty-four "),
    ("$12.99 or €7.50 ", "twelve dollars and ninety-nine cents or seven euros and fifty cents "),
    ("15% more ", "fifteen percent more "),
    ("at 14:35 on 3/11 ", "at fourteen thirty-five on March eleventh "),
    ("3.14159 ", "three point one four one five nine "),
    ("+1 555 123-4567 ", "plus one five five five, one two three, four five six seven "),
    ("700,000 people ", "seven hundred thousand people "),
    ("a & b = c ", "a and b equals c "),
    ("777,777 ", "seven hundred seventy-seven thousand seven hundred seventy-seven "),
]


def test_numbers_and_symbols_are_priced_as_they_are_spoken() -> None:
    fitting = [
        text
        for text, spoken in SPOKEN
        if (SPEECH.price(speech(text * 500), None).credits or 0)
        >= (SPEECH.price(speech(spoken * 500), None).credits or 0)
    ]
    assert len(fitting) >= 0.9 * len(SPOKEN)


def test_ordinary_prose_costs_little_more_for_its_few_numbers() -> None:
    prose = (
        "The harbour was quiet in the early morning; only a few fishermen mended their nets by the long stone wall. "
    )
    plain, dated = (
        SPEECH.price(speech(prose * 300 + more), None).credits or 0 for more in ("", "In 1984, 42% left. " * 12)
    )
    assert plain == 0.5 * math.ceil(len(prose * 300) / 15 / 0.9 / 60)
    assert dated <= 1.05 * plain


def test_marks_of_layout_are_not_priced_as_words() -> None:
    for marked in ("**bold** ", "# Title ", "| a | b | ", "----- ", "======== "):
        estimate, plain = (
            SPEECH.price(speech(text * 900), None).credits or 0 for text in (marked, "x" * (len(marked) + 2))
        )
        assert estimate <= plain


@given(st.text(alphabet=st.characters(categories=["Nd", "L", "P", "Z"]), min_size=1, max_size=200))
def test_a_text_with_numbers_never_costs_less_than_one_of_letters(text: str) -> None:
    letters = "".join("x" if character.isdigit() else character for character in text)
    estimate, least = (SPEECH.price(speech(said * 40), None).credits or 0 for said in (text, letters))
    assert estimate >= least


@pytest.mark.parametrize(
    ("row", "price"),
    [
        ({"free": True}, 0.0),
        ({"free": True, "credits_per_request": 500}, 500.0),
        ({"free": True, "credits_per_request": 0}, 0.0),
        ({"free": False, "credits_per_request": 0}, None),
        ({"free": False, "credits_per_request": 3}, 3.0),
        ({"is_free": True, "credits_per_request": "2.5"}, 2.5),
        ({"credits_per_request": "Free"}, 0.0),
        ({"credits_per_request": 0}, 0.0),
        ({"free": True, "credits_per_request": -1}, None),
        ({"credits_per_request": True}, None),
        ({"credits_per_request": False}, None),
        ({}, None),
    ],
)
def test_of_two_statements_about_a_models_price_the_dearer_one_counts(row: dict[str, Any], price: float | None) -> None:
    assert ChatModel.model_validate({"id": "m", **row}).price == price
