"""The base classes: requests are strict, replies are tolerant, endpoints know their providers."""

from typing import Any

import pytest
from pydantic import ValidationError

from webvoice_mcp.contract.endpoint import Billed, Endpoint, Reply, Rows, Table
from webvoice_mcp.contract.image import EDIT, IMAGE, IMAGE_PROVIDERS, ImageRequest
from webvoice_mcp.contract.speech import SPEECH, TRANSCRIPTION, SpeechRequest, TranscriptionRequest
from webvoice_mcp.contract.translation import TRANSLATION
from webvoice_mcp.contract.video import IMAGE_TO_VIDEO, TEXT_TO_VIDEO


class Row(Reply):
    id: str
    size: int | None = None


class Lists(Reply):
    rows: Rows[Row]
    table: Table[Rows[Row]] | None = None


def test_a_request_refuses_an_unknown_field() -> None:
    with pytest.raises(ValidationError):
        SpeechRequest.model_validate({"text": "x", "voice": "v", "language": "en", "speed": 1, "pitch": 2})


def test_a_request_sends_the_fields_that_are_set() -> None:
    request = ImageRequest(provider="wan", prompt="x", size="", loras=[], model=None, thinking_mode=False, seed=0)
    assert request.fields() == {"provider": "wan", "prompt": "x", "thinking_mode": False, "seed": 0}
    assert request.form() == {"provider": "wan", "prompt": "x", "thinking_mode": "false", "seed": "0"}
    assert TranscriptionRequest().form() == {}


@pytest.mark.parametrize("invalid", ["NaN", float("inf"), "many", [1], 10**400])
def test_credits_that_are_not_a_number_are_left_out(invalid: Any) -> None:
    bill = Billed.model_validate({"credits_used": invalid, "credits_remaining": "98.5", "more": 1})
    assert bill.model_dump() == {"credits_used": None, "credits_remaining": 98.5, "more": 1}
    assert bill.bill is bill


@pytest.mark.parametrize("invalid", [None, [], {"id": 5}])
def test_an_invalid_row_is_left_out(invalid: Any) -> None:
    lists = Lists.model_validate({"rows": [{"id": "a", "size": "x"}, invalid, {"id": "b", "size": 2}]})
    assert lists.rows == [Row(id="a"), Row(id="b", size=2)]
    assert lists.bill is None


@pytest.mark.parametrize("invalid", ["x", {"id": "a"}, [None], [{}, {"id": 5}]])
def test_a_list_without_a_valid_row_is_invalid(invalid: Any) -> None:
    with pytest.raises(ValidationError):
        Lists.model_validate({"rows": invalid})
    table = {"empty": [], "en": [{"id": "a"}, {}], "xx": invalid}
    assert Lists.model_validate({"rows": [], "table": table}).table == {"empty": [], "en": [Row(id="a")]}
    assert Lists.model_validate({"rows": [], "table": {"en": invalid}}).table is None


@pytest.mark.parametrize("document", [None, "x", []])
def test_a_reply_is_an_object(document: Any) -> None:
    with pytest.raises(ValidationError):
        Billed.model_validate(document)


@pytest.mark.parametrize(
    ("endpoint", "provider", "others"),
    [
        (TRANSCRIPTION, "whisper_groq", ("whisper_small", "whisper_max_local")),
        (IMAGE_TO_VIDEO, "runway", ()),
        (IMAGE_TO_VIDEO, "seedance", ()),
        (TEXT_TO_VIDEO, "veo", ("veo-fast",)),
        (TEXT_TO_VIDEO, "veo-fast", ("seedance", "veo")),
        (IMAGE, "wan", ("minimax", "qwen-image-max")),
        (IMAGE, "minimax", tuple(name for name in IMAGE_PROVIDERS if name != "minimax")),
        (EDIT, "flux-flash-edit", ()),
    ],
)
def test_providers_that_share_the_upstream_key_are_not_offered_instead(
    endpoint: Endpoint[Any, Any], provider: str, others: tuple[str, ...]
) -> None:
    assert endpoint.other_providers(provider) == others


def test_the_default_provider_is_one_of_the_providers() -> None:
    for endpoint in (IMAGE, EDIT, IMAGE_TO_VIDEO, TEXT_TO_VIDEO, TRANSCRIPTION):
        assert endpoint.default_provider in endpoint.providers
        assert hash(endpoint) == hash(endpoint)


def test_calls_for_media_or_transcripts_outlive_their_caller_unlike_calls_for_text() -> None:
    assert all(endpoint.outlives_caller for endpoint in (SPEECH, TRANSCRIPTION, IMAGE, EDIT, TEXT_TO_VIDEO))
    assert not TRANSLATION.outlives_caller
