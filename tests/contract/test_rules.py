"""The values that a provider's parameters accept."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvoice_mcp.contract.image import IMAGE_RULES
from webvoice_mcp.contract.rules import (
    RESOLUTION,
    SEED,
    Anything,
    Between,
    Link,
    Links,
    OneOf,
    Ratio,
    Rule,
    Size,
    complaint,
    sides,
)
from webvoice_mcp.contract.video import TEXT_TO_VIDEO_RULES

HTTPS = "https://example.com/a.png"


@pytest.mark.parametrize(
    ("rule", "good", "bad", "words"),
    [
        (SEED, [-1, 0, 5], [-2], "-1 or more"),
        (RESOLUTION, ["720p", "1080p"], ["480p", ""], "one of 720p, 1080p"),
        (OneOf((1, 2)), [1, 2], [0, 3], "one of 1, 2"),
        (Between(4, 15, "seconds"), [4, 15], [3, 16], "from 4 to 15 seconds"),
        (Size(), ["1024*1024", "10x99999", "64X64"], ["1024", "0*5", "5*5", "1024*1024 "], "a size such as 1024*1024"),
        (
            Size(256, 1536),
            ["256*1536"],
            ["255*1536", "256*1537"],
            "a size such as 1024*1024, each side 256 to 1536 pixels",
        ),
        (Ratio(), ["16:9", "1:1"], ["0:1", "16/9", "1:100"], "an aspect ratio such as 16:9"),
        (Link(), [HTTPS], ["http://example.com/", ""], "a public https URL without user name or password"),
        (Links(), [[HTTPS] * 9], [[], ["x"]], "a list of public https URLs without user names or passwords"),
        (Links(3), [[HTTPS] * 3], [[HTTPS] * 4], "1 to 3 public https URLs without user names or passwords"),
        (Anything(), [0, "x", None], [], "given"),
    ],
)
def test_a_rule_accepts_what_its_words_say(rule: Rule, good: list[Any], bad: list[Any], words: str) -> None:
    assert [value for value in good if not rule.accepts(value)] == []
    assert [value for value in bad if rule.accepts(value)] == []
    assert rule.words == words


@pytest.mark.parametrize(
    ("provider", "given_", "sentence"),
    [
        ("wan", {"seed": 5, "size": None, "negative_prompt": None}, ""),
        (
            "sd3",
            {"negative_prompt": "x"},
            (
                "negative_prompt is not accepted by provider sd3, only by nucleus. "
                "sd3 accepts: aspect_ratio, width, height, seed, image_url."
            ),
        ),
        ("wan", {"seed": -2}, "seed must be -1 or more for provider wan."),
    ],
)
def test_a_complaint_names_the_parameter_and_what_is_accepted(
    provider: str, given_: dict[str, Any], sentence: str
) -> None:
    assert complaint(IMAGE_RULES, provider, given_) == sentence


def test_image_and_video_share_the_rules_for_seed_and_resolution() -> None:
    assert IMAGE_RULES["wan"]["seed"] is TEXT_TO_VIDEO_RULES["veo"]["seed"]
    assert IMAGE_RULES["gen4"]["resolution"] is TEXT_TO_VIDEO_RULES["veo"]["resolution"]


@given(st.integers(10, 99999), st.integers(10, 99999), st.sampled_from("*xX"))
def test_sides_are_the_numbers_of_a_size(width: int, height: int, sign: str) -> None:
    text = f"{width}{sign}{height}"
    assert Size().accepts(text)
    assert sides(text) == (width, height)
