"""Replies that differ from the documentation's examples, by family."""

from typing import Any

import pytest
from pydantic import ValidationError

from webvoice_mcp.contract.account import CreateKeyReply, StatusReply, VerifyCodeReply, links
from webvoice_mcp.contract.chat import ChatReply, ModelsReply, OpenAIModelsReply, text_of
from webvoice_mcp.contract.speech import Voice, VoicesReply

KEY = "wv_new_1234567890abcdef"


@pytest.mark.parametrize(
    "field",
    [
        {"api_key": KEY},
        {"key": KEY},
        {"api_key": {"key": KEY, "name": "k"}},
        {"key": {"api_key": KEY}},
        {"api_key": None, "key": KEY},
        {"api_key": "", "key": KEY},
        {"api_key": 5, "key": KEY},
        {"api_key": KEY, "key": "wv_another"},
    ],
)
def test_a_new_key_is_not_lost_for_its_fields_name(field: dict[str, Any]) -> None:
    created = CreateKeyReply.model_validate({**field, "name": "k", "success": True})
    assert created.model_dump() == {"api_key": KEY, "name": "k", "success": True}
    verified = VerifyCodeReply.model_validate({**field, "onboarding": {"credits": 20}})
    assert verified.model_dump() == {"api_key": KEY, "success": True, "onboarding": {"credits": 20}}


@pytest.mark.parametrize("field", [{}, {"api_key": None}, {"api_key": "", "key": {}}, {"api_key": [KEY]}])
def test_where_there_is_no_key_there_is_none(field: dict[str, Any]) -> None:
    assert VerifyCodeReply.model_validate(field).api_key is None
    with pytest.raises(ValidationError):
        CreateKeyReply.model_validate(field)


def test_what_is_no_object_has_no_key() -> None:
    with pytest.raises(ValidationError):
        CreateKeyReply.model_validate([KEY])


def test_a_status_without_facts_about_the_key_is_one() -> None:
    assert StatusReply.model_validate({"credits": 5, "api_key": "k"}).api_key.name is None


def test_links_lead_to_the_site_of_the_base_url() -> None:
    assert links("https://site.example")["solana_topup"] == "https://site.example/billing/solana/"


def test_an_odd_voice_or_language_does_not_spoil_the_list() -> None:
    reply = VoicesReply.model_validate(
        {"voices": {"en": [{"id": "af_sarah", "name": 5}, {"name": "No id"}], "it": None, "xx": [{}]}}
    )
    assert reply.voices == {"en": [Voice(id="af_sarah")]}


def test_an_odd_model_does_not_spoil_the_list() -> None:
    rows = [{"id": "a"}, {"name": "No id"}, None, {"id": "b", "owned_by": 5}]
    assert [each.id for each in ModelsReply.model_validate({"models": rows}).models] == ["a", "b"]
    assert [each.id for each in OpenAIModelsReply.model_validate({"data": rows}).data] == ["a", "b"]


@pytest.mark.parametrize(
    ("price", "credits_"), [("Free", 0), (" free", 0), (2, 2), ("2.5", 2.5), ("?", None), (None, None), ("NaN", None)]
)
def test_a_models_price_may_be_the_word_free(price: Any, credits_: float | None) -> None:
    (model,) = ModelsReply.model_validate({"data": [{"model_id": "m", "credits_per_request": price}]}).models
    assert model.credits_per_request == credits_


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Hi", "Hi"),
        (None, ""),
        (5, ""),
        ([], ""),
        ([{"type": "text", "text": None}, {"type": "text", "text": "a"}, {"type": "image_url"}, "b", 5, None], "ab"),
        ([{"type": "text", "text": {"value": "x"}}], ""),
    ],
)
def test_a_messages_text_is_what_of_it_is_text(content: Any, text: str) -> None:
    assert text_of(content) == text
    assert ChatReply.model_validate({"choices": [{"message": {"content": content}}]}).choices[0].message.text == text


def test_odd_choices_and_calls_do_not_spoil_a_paid_answer() -> None:
    message = {"content": "Hi", "tool_calls": [None, {"id": "a"}], "reasoning_content": "Hm", "annotations": []}
    reply = ChatReply.model_validate(
        {"choices": [{"finish_reason": "stop"}, {"message": message, "finish_reason": 5}], "webvoice": None}
    )
    (choice,) = reply.choices
    assert choice.model_dump() == {
        "message": {
            "role": "assistant",
            "content": "Hi",
            "tool_calls": [{"id": "a"}],
            "reasoning": "Hm",
            "annotations": [],
        },
        "finish_reason": None,
    }
    assert reply.webvoice.credits_used is None


@pytest.mark.parametrize("choices", [[], None, [{}], "x"])
def test_without_a_choice_there_is_no_answer(choices: Any) -> None:
    with pytest.raises(ValidationError):
        ChatReply.model_validate({"choices": choices})
