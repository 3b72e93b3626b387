"""Chat by rules."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvoice_mcp.sandbox.engines.chat import Completion, complete, count_tokens

NO_KNOWLEDGE = "The sandbox has no language model, so it cannot answer this: "


def said(text: Any, **more: Any) -> str:
    """Return the sandbox's answer without the mark, after checking that it has the mark."""
    completion = complete([{"role": "user", "content": text}], **more)
    assert completion.text.startswith("[sandbox] ")
    assert completion.tool_calls == []
    return completion.text.removeprefix("[sandbox] ")


def test_an_answer_is_marked_as_the_sandboxs() -> None:
    messages = [{"role": "user", "content": "Say 'ready' and nothing else."}]
    assert complete(messages) == Completion("[sandbox] ready", [], "stop")


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("say \u201cyes\u201d, and nothing more", "yes"),
        ("Reply with exactly: pong", "pong"),
        ("repeat after me: Hello,\nmy friend!", "Hello,\nmy friend!"),
        ("Please echo don't panic please", "don't panic"),
    ],
)
def test_it_says_the_requested_words(asked: str, answer: str) -> None:
    assert said(asked) == answer


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("What is 7 times 8?", "7 times 8 = 56"),
        ("what's 2 plus -3", "2 plus -3 = -1"),
        ("Calculate 10 divided by 4", "10 divided by 4 = 2.5"),
        ("0.3 - 0.2 =", "0.3 - 0.2 = 0.1"),
        ("1 / 0", "1 / 0 divides by zero."),
    ],
)
def test_it_calculates_with_two_numbers(asked: str, answer: str) -> None:
    assert said(asked) == answer


@pytest.mark.parametrize("asked", ["5", "3 apples 4", "1" * 16 + " + 1", "1 + " * 80])
def test_other_questions_are_not_calculated(asked: str) -> None:
    assert said(asked) == NO_KNOWLEDGE + asked[:199]


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (None, "There was no text to answer."),
        ("What is the capital of France?", f"{NO_KNOWLEDGE}What is the capital of France?"),
        ([{"type": "text", "text": "Say hi"}, {"type": "image_url", "image_url": {}}, "odd"], "hi"),
    ],
)
def test_it_reads_any_content_and_admits_that_it_knows_nothing(asked: Any, answer: str) -> None:
    assert said(asked) == answer


def test_the_last_question_is_answered() -> None:
    messages = [
        {"role": "user", "content": "Say one"},
        {"role": "assistant", "content": "[sandbox] one"},
        {"role": "user", "content": "Say two"},
    ]
    assert complete(messages).text == "[sandbox] two"


@pytest.mark.parametrize(
    ("limit", "text", "reason"), [(2, "[sandbox] one two", "length"), (3, "[sandbox] one two three", "stop")]
)
def test_a_text_ends_at_max_tokens(limit: int, text: str, reason: Any) -> None:
    messages = [{"role": "user", "content": "Say one two three"}]
    assert complete(messages, max_tokens=limit) == Completion(text, [], reason)


def test_a_word_counts_as_a_token() -> None:
    assert count_tokens(" one  two\nthree ") == 3


@given(st.text())
def test_the_same_question_always_gets_the_same_marked_answer(text: str) -> None:
    assert said(text) == said(text)


@given(st.text(alphabet="0123456789.+-*/()^% ", max_size=60))
def test_anything_like_a_calculation_is_answered(text: str) -> None:
    assert said(text)
