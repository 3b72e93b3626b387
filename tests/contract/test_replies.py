"""Replies that differ from the documented examples."""

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
        {"api_key": "", "key": KEY},
        {"api_key": KEY, "key": "wv_another"},
    ],
)
def test_a_new_key_is_found_under_several_names(field: dict[str, Any]) -> None:
    created = CreateKeyReply.model_validate({**field, "name": "k", "success": True})
    assert created.model_dump() == {"api_key": KEY, "name": "k", "success": True}
    verified = VerifyCodeReply.model_validate({**field, "onboarding": {"credits": 20}})
    assert verified.model_dump() == {"api_key": KEY, "success": True, "onboarding": {"credits": 20}}


@pytest.mark.parametrize("field", [{}, {"api_key": "", "key": {}}, {"api_key": [KEY]}])
def test_a_reply_without_a_key_has_none(field: dict[str, Any]) -> None:
    assert VerifyCodeReply.model_validate(field).api_key is None
    with pytest.raises(ValidationError):
        CreateKeyReply.model_validate(field)


def test_a_list_is_not_a_reply_with_a_key() -> None:
    with pytest.raises(ValidationError):
        CreateKeyReply.model_validate([KEY])


def test_a_status_may_lack_details_of_the_key() -> None:
    assert StatusReply.model_validate({"credits": 5, "api_key": "k"}).api_key.name is None


def test_links_are_built_from_the_site() -> None:
    assert links("https://site.example")["solana_topup"] == "https://site.example/billing/solana/"


def test_an_invalid_voice_or_language_is_left_out() -> None:
    reply = VoicesReply.model_validate(
        {"voices": {"en": [{"id": "af_sarah", "name": 5}, {"name": "No id"}], "it": None, "xx": [{}]}}
    )
    assert reply.voices == {"en": [Voice(id="af_sarah")]}


def test_an_invalid_model_is_left_out() -> None:
    rows = [{"id": "a"}, {"name": "No id"}, None, {"id": "b", "owned_by": 5}]
    assert [model.id for model in ModelsReply.model_validate({"models": rows}).models] == ["a", "b"]
    assert [model.id for model in OpenAIModelsReply.model_validate({"data": rows}).data] == ["a", "b"]


@pytest.mark.parametrize(("price", "credits_"), [(" Free", 0), ("2.5", 2.5), ("?", None), ("NaN", None)])
def test_the_price_of_a_model_may_be_the_word_free(price: Any, credits_: float | None) -> None:
    (model,) = ModelsReply.model_validate({"data": [{"model_id": "m", "credits_per_request": price}]}).models
    assert model.credits_per_request == credits_


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Hi", "Hi"),
        (None, ""),
        ([{"type": "text", "text": None}, {"type": "text", "text": "a"}, {"type": "image_url"}, "b", 5, None], "ab"),
        ([{"type": "text", "text": {"value": "x"}}], ""),
    ],
)
def test_the_text_of_a_message_joins_its_text_parts(content: Any, text: str) -> None:
    assert text_of(content) == text
    assert ChatReply.model_validate({"choices": [{"message": {"content": content}}]}).choices[0].message.text == text


def test_invalid_choices_and_calls_are_left_out_of_a_paid_answer() -> None:
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
            "images": None,
            "annotations": [],
        },
        "finish_reason": None,
    }
    assert reply.webvoice.credits_used is None


@pytest.mark.parametrize("choices", [[], [{}]])
def test_a_chat_reply_needs_a_choice(choices: Any) -> None:
    with pytest.raises(ValidationError):
        ChatReply.model_validate({"choices": choices})
