from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvoice_mcp.sandbox.engines.chat import Completion, complete, count_tokens

NO_MODEL = "I am the sandbox's rule-based responder, not a language model."
NO_KNOWLEDGE = "The sandbox has no language model and no knowledge to answer this: "


def said(text: Any, **more: Any) -> str:
    """What the sandbox answers, without its mark, which every text must have."""
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
        ("Say hello world", "hello world"),
        ("Please say: don't panic.", "don't panic"),
        ("Say 'don't panic' and nothing else.", "don't panic"),
        ('Could you say "yes"!', "yes"),
        ("say \u201cyes\u201d, and nothing more", "yes"),
        ("Reply with exactly: pong", "pong"),
        ("Respond only with the word OK.", "OK"),
        ("Answer with the following text: a\nb", "a\nb"),
        ("repeat after me: Hello, my friend!", "Hello, my friend!"),
        ("Echo one two please", "one two"),
    ],
)
def test_it_says_what_it_is_told_to_say(asked: str, answer: str) -> None:
    assert said(asked) == answer


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("What is 7 times 8?", "7 times 8 = 56"),
        ("what's 2 plus 3 minus 1", "2 plus 3 minus 1 = 4"),
        ("Calculate: (1 + 2) * 3 =", "(1 + 2) * 3 = 9"),
        ("How much is 15% of 240?", "15% of 240 = 36"),
        ("10 divided by 4", "10 divided by 4 = 2.5"),
        ("1/3", "1/3 = 0.333333333333"),
        ("0.1+0.2", "0.1+0.2 = 0.3"),
        ("1,000 + 2,500", "1,000 + 2,500 = 3500"),
        ("12 x 12", "12 x 12 = 144"),
        ("6 \xd7 7 \u2212 2 \xf7 1", "6 \xd7 7 \u2212 2 \xf7 1 = 40"),
        ("2 ** 10", "2 ** 10 = 1024"),
        ("2^-2", "2^-2 = 0.25"),
        ("+1 - -1", "+1 - -1 = 2"),
        ("-(2+3)", "-(2+3) = -5"),
        ("1 / 0", "1 / 0 divides by zero."),
        ("0 ** -1", "0 ** -1 divides by zero."),
    ],
)
def test_it_works_out_sums(asked: str, answer: str) -> None:
    assert said(asked) == answer


@pytest.mark.parametrize(
    "asked",
    [
        "5",
        "1 +",
        "(1 + 2",
        "1 2 3",
        "* 2 3",
        "2 ** 0.5",
        "2 ** 65",
        "10000000000 ** 2",
        "999999999**64*999999999**64",
        "1+" * 100 + "1",
        "3 apples + 4 pears",
    ],
)
def test_what_is_not_a_sum_or_too_large_is_not_worked_out(asked: str) -> None:
    assert said(asked) == NO_KNOWLEDGE + (asked if len(asked) <= 200 else asked[:200] + "…")


TEXT = "WebVoice is a voice platform. It offers TTS, STT and chat on the WebVoice voice platform. Cats are nice."


@pytest.mark.parametrize(
    ("order", "answer"),
    [
        ("Summarize:", "It offers TTS, STT and chat on the WebVoice voice platform."),
        ("Summarise this in one sentence:", "It offers TTS, STT and chat on the WebVoice voice platform."),
        ("TL;DR:", "It offers TTS, STT and chat on the WebVoice voice platform."),
        (
            "Give me a summary in two short sentences:\n",
            "WebVoice is a voice platform. It offers TTS, STT and chat on the WebVoice voice platform.",
        ),
        ("Please summarize in 3 sentences:", TEXT),
    ],
)
def test_a_summary_is_the_texts_own_most_telling_sentences(order: str, answer: str) -> None:
    assert said(f"{order} {TEXT}") == answer


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("Hello", f"Hello! {NO_MODEL} Ask me to repeat, calculate or summarize something, or to call a tool."),
        ("Who are you?", NO_MODEL),
        ("How are you today?", "I am running on your machine, as always."),
        ("Thanks!", "You are welcome."),
        ("bye", "Goodbye."),
        ("", "There was no text to answer."),
        (None, "There was no text to answer."),
        ("What is the capital of France?", f"{NO_KNOWLEDGE}What is the capital of France?"),
        ("Summarize WebVoice in one sentence.", f"{NO_KNOWLEDGE}Summarize WebVoice in one sentence."),
        ([{"type": "text", "text": "Say hi"}, {"type": "image_url", "image_url": {}}, "odd"], "hi"),
    ],
)
def test_small_talk_and_honesty(asked: Any, answer: str) -> None:
    assert said(asked) == answer


def test_the_last_question_counts() -> None:
    messages = [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "Say one"},
        {"role": "assistant", "content": "[sandbox] one"},
        {"role": "user", "content": "Say two"},
    ]
    assert complete(messages).text == "[sandbox] two"


def test_no_message_gets_an_answer_too() -> None:
    assert complete([]).text == "[sandbox] There was no text to answer."


@pytest.mark.parametrize(
    ("limit", "text", "reason"),
    [(1, "[sandbox] one", "length"), (2, "[sandbox] one two", "length"), (3, "[sandbox] one two three", "stop")],
)
def test_a_text_ends_at_max_tokens(limit: int, text: str, reason: Any) -> None:
    messages = [{"role": "user", "content": "Say one two three"}]
    assert complete(messages, max_tokens=limit) == Completion(text, [], reason)


def test_a_word_counts_as_a_token() -> None:
    assert count_tokens(" one  two\nthree ") == 3


@given(st.text())
def test_the_same_question_always_gets_the_same_marked_answer(text: str) -> None:
    assert said(text) == said(text)
