"""The two rules of every message: strict in what is sent, tolerant in what comes."""

from typing import Any

import pytest
from pydantic import ValidationError

from webvoice_mcp.contract.endpoint import Billed, Reply, Rows, Table
from webvoice_mcp.contract.image import EDIT, IMAGE, ImageRequest
from webvoice_mcp.contract.speech import TRANSCRIPTION, SpeechRequest, TranscriptionRequest
from webvoice_mcp.contract.video import IMAGE_TO_VIDEO, TEXT_TO_VIDEO


class Row(Reply):
    id: str
    size: int | None = None


class Listed(Reply):
    rows: Rows[Row]
    table: Table[Rows[Row]] | None = None


def test_a_field_that_nobody_knows_is_never_sent() -> None:
    with pytest.raises(ValidationError):
        SpeechRequest.model_validate({"text": "x", "voice": "v", "language": "en", "speed": 1, "pitch": 2})


def test_a_request_sends_what_was_set() -> None:
    request = ImageRequest(provider="wan", prompt="x", thinking_mode=False, seed=5)
    assert request.fields() == {"provider": "wan", "prompt": "x", "thinking_mode": False, "seed": 5}
    assert request.form() == {"provider": "wan", "prompt": "x", "thinking_mode": "false", "seed": "5"}


@pytest.mark.parametrize("odd", ["NaN", "inf", "-Infinity", float("nan"), float("inf"), "many", [1], {}, 10**400])
def test_credits_that_are_no_number_are_left_out(odd: Any) -> None:
    bill = Billed.model_validate({"credits_used": odd, "credits_remaining": "98.5", "more": 1})
    assert bill.model_dump() == {"credits_used": None, "credits_remaining": 98.5, "more": 1}


@pytest.mark.parametrize("odd", [None, 5, "x", [], {}, {"id": 5}])
def test_an_odd_row_is_left_out(odd: Any) -> None:
    listed = Listed.model_validate({"rows": [{"id": "a", "size": "x"}, odd, {"id": "b", "size": 2}]})
    assert listed.rows == [Row(id="a"), Row(id="b", size=2)]


@pytest.mark.parametrize("odd", [None, 5, "x", {"id": "a"}, [None], [{}]])
def test_an_odd_list_among_several_is_left_out(odd: Any) -> None:
    table = {"empty": [], "en": [{"id": "a"}, {}], "xx": odd}
    assert Listed.model_validate({"rows": [], "table": table}).table == {"empty": [], "en": [Row(id="a")]}


@pytest.mark.parametrize("odd", [None, 5, "x", {"id": "a"}, [None], [{}, {"id": 5}]])
def test_a_list_without_a_usable_row_is_none(odd: Any) -> None:
    with pytest.raises(ValidationError):
        Listed.model_validate({"rows": odd})
    assert Listed.model_validate({"rows": [], "table": {"en": odd}}).table is None


@pytest.mark.parametrize("odd", [None, 5, "x", []])
def test_what_is_no_object_is_no_reply(odd: Any) -> None:
    with pytest.raises(ValidationError):
        Billed.model_validate(odd)


@pytest.mark.parametrize(
    ("endpoint", "provider", "others"),
    [
        (TRANSCRIPTION, "whisper_groq", ("whisper_small", "whisper_max_local")),
        (TRANSCRIPTION, "whisper_small", ("whisper_fast", "whisper_max_local")),
        (IMAGE_TO_VIDEO, "runway", ("seedance",)),
        (IMAGE_TO_VIDEO, "seedance", ("gen4",)),
        (TEXT_TO_VIDEO, "veo", ("seedance", "veo-fast")),
        (EDIT, "flux-flash-edit", ()),
    ],
)
def test_another_name_of_a_provider_is_no_other_provider(endpoint: Any, provider: str, others: tuple[str, ...]) -> None:
    assert endpoint.others(provider) == others


@pytest.mark.parametrize("endpoint", [IMAGE, EDIT, IMAGE_TO_VIDEO, TEXT_TO_VIDEO, TRANSCRIPTION])
def test_where_there_is_a_choice_of_providers_one_of_them_is_the_default(endpoint: Any) -> None:
    assert endpoint.default_provider in endpoint.providers
    assert hash(endpoint) == hash(endpoint)


def test_a_transcription_without_wishes_sends_no_field() -> None:
    assert TranscriptionRequest().form() == {}
