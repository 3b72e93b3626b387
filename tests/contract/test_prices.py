"""The price list: every line with its source, and what is drawn from it."""

import re

import pytest

from webvoice_mcp.contract import chat, image, prices, speech, translation, video
from webvoice_mcp.contract.prices import PRICES, Price


@pytest.mark.parametrize("price", PRICES, ids=lambda price: price.what)
def test_the_sentence_that_a_line_stands_in_says_its_number(price: Price) -> None:
    section, _, sentence = price.source.partition(": ")
    numbers = re.findall(r"[0-9]+(?:\.[0-9]+)?", sentence)
    assert section
    assert price.credits in map(float, numbers) or (price.credits == 0 and "Free" in sentence)
    assert price.amount == 1 or str(price.amount) in numbers


def test_nothing_is_listed_twice() -> None:
    assert len({price.what for price in PRICES}) == len(PRICES)


def test_every_model_is_on_the_list() -> None:
    listed = {price.what: price.credits for price in PRICES if price.unit == "request"}
    assert listed == {f"chat with {model.id}": model.credits for model in chat.DOCUMENTED_MODELS}
    assert prices.CHAT["deepseek-v4-flash"].source == (
        "All public chat models: | deepseek-v4-flash | DeepSeek V4 Flash | DeepSeek | 2.0 |"
    )


def test_every_provider_has_its_price() -> None:
    assert {*image.IMAGE_CREDITS, "gen4"} == set(image.IMAGE_RULES)
    assert set(video.IMAGE_TO_VIDEO_CREDITS) == set(video.IMAGE_TO_VIDEO_RULES)
    assert set(video.TEXT_TO_VIDEO_CREDITS) == set(video.TEXT_TO_VIDEO_RULES)


def test_what_a_minute_and_a_thousand_characters_cost() -> None:
    assert speech.SPEECH_CREDITS_PER_MINUTE == 0.5
    assert speech.TRANSCRIPTION_CREDITS_PER_MINUTE == 0.3
    assert translation.TRANSLATION_CREDITS_PER_1000_CHARACTERS == 0.1


@pytest.mark.parametrize(
    ("provider", "resolution", "num_images", "credits_"),
    [
        ("minimax", None, None, 7),
        ("wan", None, None, 8),
        ("nucleus", None, 2, 8),
        ("gen4", None, None, 3),
        ("gen4", "720p", None, 2),
        ("gen4-turbo", "720p", None, 1),
        ("qwen-image-max", None, None, 7),
    ],
)
def test_what_a_picture_costs(provider: str, resolution: str | None, num_images: int | None, credits_: float) -> None:
    assert image.image_credits(provider, resolution, num_images) == credits_


@pytest.mark.parametrize(
    ("per_second", "duration", "resolution", "factor", "credits_"),
    [
        (video.IMAGE_TO_VIDEO_CREDITS["seedance"], 5, None, 1, 15),
        (video.IMAGE_TO_VIDEO_CREDITS["seedance"], 10, "1080p", 1, 32),
        (video.IMAGE_TO_VIDEO_CREDITS["gen4"], 5, None, 1, 2),
        (video.IMAGE_TO_VIDEO_CREDITS["runway"], 10, None, 1, 4),
        (video.TEXT_TO_VIDEO_CREDITS["seedance"], 5, "720p", video.REFERENCES_FACTOR, 26),
        (video.TEXT_TO_VIDEO_CREDITS["veo"], 6, "1080p", 1, 11),
        (video.TEXT_TO_VIDEO_CREDITS["veo"], 5, None, 1, 5.83),
        (video.TEXT_TO_VIDEO_CREDITS["veo-fast"], 4, "1080p", 1, 14),
    ],
)
def test_what_a_video_costs(
    per_second: tuple[float, float], duration: int, resolution: str | None, factor: int, credits_: float
) -> None:
    assert video.video_credits(per_second, duration, resolution, factor) == credits_


@pytest.mark.parametrize(
    ("provider", "size", "written"), [("wan", "1024x512", "1024*512"), ("qwen-image-max", "1024*1536", "1024x1536")]
)
def test_a_size_is_written_as_the_providers_example_writes_it(provider: str, size: str, written: str) -> None:
    assert image.written_size(provider, size) == written
