"""Prices of requests, as the documentation states them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvoice_mcp.contract.chat import ChatRequest
from webvoice_mcp.contract.endpoint import Empty, Request
from webvoice_mcp.contract.image import EditRequest, ImageRequest
from webvoice_mcp.contract.prices import CHAT
from webvoice_mcp.contract.speech import SpeechRequest, TranscriptionRequest
from webvoice_mcp.contract.translation import TranslationRequest
from webvoice_mcp.contract.video import ImageToVideoRequest, TextToVideoRequest
from webvoice_mcp.contract.estimate import FREE, Estimate, estimate

_SEED = {"provider": "seedance", "prompt": "x"}
_VEO = {"provider": "veo", "prompt": "x"}


def speech(text: str, speed: float = 0.9) -> SpeechRequest:
    return SpeechRequest(text=text, voice="v", language="en", speed=speed)


# The documentation's own figures.
@pytest.mark.parametrize(
    ("request_", "credits_"),
    [
        (speech("Hello"), 0.5),
        (speech("x" * 900, 1), 0.5),  # a minute
        (speech("x" * 901, 1), 1.0),
        (speech("語" * 270, 1), 0.5),
        (speech("語" * 271, 1), 1.0),
        (speech("x" * 900 + "語" * 270, 2), 0.5),
        (speech("x" * 901 + "語" * 270, 2), 1.0),
        (TranslationRequest(text="x" * 1001, target_language="it"), 0.2),
        (TranslationRequest(text="x", target_language="it"), 0.1),
        (TranslationRequest(text="x" * 1000, target_language="it"), 0.1),
        (TranslationRequest(text="x" * 10_000, target_language="it"), 1.0),
        (EditRequest(prompt="x"), 1.0),
        *[
            (ImageRequest(provider=provider, prompt="x"), credits_)  # type: ignore[arg-type]  # names from a table
            for provider, credits_ in {
                "minimax": 7,
                "wan": 8,
                "nucleus": 4,
                "gen4": 3,
                "gen4-turbo": 1,
                "sd3": 1,
                "sdxl": 1,
                "flux-klein-lora": 1,
                "qwen-image-max": 7,
            }.items()
        ],
        (ImageRequest(provider="gen4", prompt="x", resolution="720p"), 2.0),
        (ImageRequest(provider="nucleus", prompt="x", num_images=2), 8.0),
        (ImageToVideoRequest.model_validate({**_SEED, "duration": 5}), 15.0),
        (ImageToVideoRequest.model_validate({**_SEED, "duration": 5, "resolution": "1080p"}), 16.0),
        (ImageToVideoRequest.model_validate({**_SEED, "provider": "gen4", "duration": 5}), 2.0),
        (TextToVideoRequest.model_validate({**_SEED, "duration": 5}), 13.0),
        (TextToVideoRequest.model_validate({**_SEED, "duration": 5, "resolution": "1080p"}), 14.0),
        (TextToVideoRequest.model_validate({**_SEED, "duration": 5, "reference_videos": ["https://x/y"]}), 26.0),
        (TextToVideoRequest.model_validate({**_VEO, "duration": 6}), 7.0),
        (TextToVideoRequest.model_validate({**_VEO, "duration": 6, "resolution": "1080p"}), 11.0),
        (TextToVideoRequest.model_validate({**_VEO, "provider": "veo-fast", "duration": 4}), 14.0),
        *[(ChatRequest(model=model, messages=[]), line.credits) for model, line in CHAT.items()],
    ],
)
def test_a_request_costs_what_the_documentation_says(request_: Request, credits_: float) -> None:
    assert estimate(request_).credits == credits_


@pytest.mark.parametrize(
    ("request_", "basis"),
    [
        (speech("x" * 1000, 2), "about 33 s of speech from 1000 characters at speed 2, 0.5 per started minute"),
        (TranslationRequest(text="x" * 10, target_language="it"), "10 characters, 0.1 per started 1000"),
        (EditRequest(prompt="x"), "1 an edit"),
        (ChatRequest(model="deepseek-v4-flash", messages=[]), "2 a request with deepseek-v4-flash"),
        (ImageRequest(provider="minimax", prompt="x"), "7 an image with minimax"),
        (ImageRequest(provider="qwen-image-max", prompt="x"), "7 an image with qwen-image-max by the server's default"),
        (ImageRequest(provider="nucleus", prompt="x"), "1 ordered, 4 an image with nucleus"),
        (ImageRequest(provider="nucleus", prompt="x", num_images=2), "2 ordered, 4 an image with nucleus"),
        (ImageRequest(provider="gen4", prompt="x"), "3 an image with gen4 at 1080p"),
        (ImageRequest(provider="gen4", prompt="x", resolution="720p"), "2 an image with gen4 at 720p"),
        (ImageToVideoRequest.model_validate({**_SEED, "duration": 5}), "5 s with seedance at 720p"),
        (
            ImageToVideoRequest.model_validate({**_SEED, "duration": 5, "resolution": "1080p"}),
            "5 s with seedance at 1080p",
        ),
        (TextToVideoRequest.model_validate({**_VEO, "duration": 6}), "6 s with veo at 720p"),
        (
            TextToVideoRequest.model_validate(
                {**_SEED, "duration": 5, "resolution": "1080p", "reference_images": ["https://x/y"]}
            ),
            "5 s with seedance at 1080p, doubled for references",
        ),
    ],
)
def test_how_a_price_was_worked_out_is_told(request_: Request, basis: str) -> None:
    assert estimate(request_).basis == basis


def test_a_request_with_no_price_is_free() -> None:
    assert estimate(Empty()) == FREE


def test_a_model_that_is_not_documented_has_no_known_price() -> None:
    asked = ChatRequest(model="new", messages=[])
    assert estimate(asked) == Estimate(None, "new is not in the documented list of models")


@pytest.mark.parametrize(
    ("seconds", "credits_"), [(None, None), (0.1, 0.3), (60, 0.3), (60.1, 0.6), (600, 3.0), (3601, 18.3)]
)
def test_a_transcription_costs_by_the_started_minute(seconds: float | None, credits_: float | None) -> None:
    found = estimate(TranscriptionRequest(), seconds=seconds)
    assert found.credits == credits_
    told = "the recording does not say how long it is" if seconds is None else f"{seconds:.1f} s of sound, 0.3 per"
    assert found.basis.startswith(told)


@given(st.text(min_size=1), st.floats(0.5, 2))
def test_longer_and_slower_speech_never_costs_less(text: str, speed: float) -> None:
    price = estimate(speech(text, speed)).credits or 0.0
    assert price >= 0.5
    assert (estimate(speech(text * 50, speed)).credits or 0.0) >= price
    assert (estimate(speech(text, 0.5)).credits or 0.0) >= price
