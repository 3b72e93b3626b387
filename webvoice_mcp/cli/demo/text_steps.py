"""The demo's steps for the account, speech, translation and chat."""

import json
import re
from difflib import SequenceMatcher
from pathlib import Path

import anyio.to_thread

from webvoice_mcp.cli.demo.page import Card, Message
from webvoice_mcp.cli.demo.session import EMAIL, Outcome, Session, Step, expect
from webvoice_mcp.sandbox.engines import audio

SPOKEN = "Hello! This is a voice from your own computer, and nobody had to pay for it."
_CHAT_PROMPT = "Say 'ready when you are' and nothing else."
_WEATHER_QUESTION = "What is the weather in Rome?"
_MIN_SIMILARITY = 0.9  # not 1: engines round differently on other processors, which can change a word
_TOLERANCE_SECONDS = 0.2  # between a decoded MP3 and its stated duration, because encoders add silence
_WEATHER_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the current weather for a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


async def register(session: Session) -> Outcome:
    """Ask for a sign-in code."""
    sent = await session.call(
        "webvoice_register_send_code", {"email": EMAIL, "accept_privacy": True, "accept_terms": True}
    )
    return Outcome(f"code sent to {EMAIL}, new user: {'yes' if sent['is_new_user'] else 'no'}")


async def verify(session: Session) -> Outcome:
    """Sign in with the code from the sandbox's inbox; the server saves the key."""
    code = (await session.read_inbox())[-1]["code"]
    verified = await session.call("webvoice_register_verify", {"email": EMAIL, "code": code})
    expect("…" in verified["api_key"], "the key is not masked")
    return Outcome(f"key {verified['api_key']} saved, {verified['onboarding']['credits']:g} welcome credits")


async def status(session: Session) -> Outcome:
    """Ask for the account's status with the saved key."""
    account = await session.call("webvoice_status")
    expect(account["key_source"] == "saved", "the saved key is not in use")
    return Outcome(f"{account['credits']:g} credits, {account['key_source']} key")


async def voices(session: Session) -> Outcome:
    """List the voices."""
    listed = await session.call("webvoice_list_voices")
    expect(listed["count"] > 1, "there are fewer than two voices")
    return Outcome(f"{listed['count']} voices in {len(listed['voices'])} languages")


async def speak(session: Session) -> Outcome:
    """Speak a sentence, and compare the length of the MP3 with its stated duration."""
    speech = await session.call("webvoice_tts", {"text": SPOKEN})
    path = session.files[-1]
    seconds = await anyio.to_thread.run_sync(_decode_seconds, path)
    expect(abs(seconds - speech["duration"]) < _TOLERANCE_SECONDS, f"the MP3 is {seconds:.2f} s long, not as stated")
    facts = (f"{seconds:.1f} s MP3", speech["provider"])
    card = Card(f"“{SPOKEN}”", (path,), facts=facts, width="third")
    return Outcome(f"{path.name}, {speech['duration']:.1f} s, decoded {seconds:.1f} s ({speech['provider']})", card)


async def transcribe(session: Session) -> Outcome:
    """Transcribe the MP3, and compare the text with the sentence."""
    transcript = await session.call("webvoice_stt", {"audio_path": str(session.files[-1])})
    text, provider = transcript["text"], transcript["provider"]
    similarity = SequenceMatcher(None, _words(text), _words(SPOKEN)).ratio()
    expect(similarity >= _MIN_SIMILARITY, f"heard something else: {text!r}")
    card = Card("The same recording, transcribed", messages=(Message("assistant", text),), facts=(provider,))
    return Outcome(f"“{text}” ({provider})", card)


async def translate(session: Session) -> Outcome:
    """Translate a sentence into Italian."""
    translation = await session.call("webvoice_translate", {"text": "Hello, world!", "target_language": "it"})
    text = translation["translated_text"]
    expect(text == "Ciao, mondo!", f"translated to {text!r}")
    provider = translation["provider"]
    messages = (Message("user", "Hello, world!"), Message("assistant", text))
    card = Card("English to Italian", messages=messages, facts=(provider,))
    return Outcome(f"“{text}” ({provider})", card)


async def chat_streamed(session: Session) -> Outcome:
    """Ask a question, and compare the streamed pieces with the answer."""
    pieces: list[str] = []

    async def on_progress(_progress: float, _total: float | None, message: str | None) -> None:
        pieces.append(message or "")

    answer = await session.call("webvoice_chat", {"prompt": _CHAT_PROMPT}, progress_callback=on_progress)
    text, provider = answer["text"], answer["provider"]
    expect("".join(pieces) == text, "the streamed pieces do not add up to the answer")
    messages = (Message("user", _CHAT_PROMPT), Message("assistant", text))
    card = Card("Chat, streamed", messages=messages, facts=(provider,))
    return Outcome(f"“{text}” in {len(pieces)} piece{'s' * (len(pieces) != 1)} ({provider})", card)


async def chat_with_tool(session: Session) -> Outcome:
    """Ask a question that needs a tool, and send the tool's result."""
    question = {"role": "user", "content": _WEATHER_QUESTION}
    first = await session.call("webvoice_chat", {"messages": [question], "tools": [_WEATHER_TOOL]})
    call = first["tool_calls"][0]
    expect(json.loads(call["function"]["arguments"]) == {"city": "Rome"}, "the tool call is not about Rome")
    request = {"role": "assistant", "content": None, "tool_calls": [call]}
    result = {"role": "tool", "tool_call_id": call["id"], "content": '{"temp_c": 22, "condition": "sunny"}'}
    conversation = {"messages": [question, request, result], "tools": [_WEATHER_TOOL]}
    answer = await session.call("webvoice_chat", conversation)
    text = answer["text"]
    expect("22" in text, f"the answer does not use the tool's result: {text!r}")
    messages = (
        Message("user", _WEATHER_QUESTION),
        Message("tool-call", 'get_weather({"city": "Rome"})'),
        Message("assistant", text),
    )
    card = Card("Chat with a tool", messages=messages, facts=(answer["provider"],))
    return Outcome(f"get_weather(Rome), then “{text}”", card)


STEPS = (
    Step("register", "webvoice_register_send_code", register),
    Step("verify", "webvoice_register_verify", verify),
    Step("status", "webvoice_status", status),
    Step("voices", "webvoice_list_voices", voices),
    Step("speak", "webvoice_tts", speak),
    Step("transcribe", "webvoice_stt", transcribe),
    Step("translate", "webvoice_translate", translate),
    Step("chat, streamed", "webvoice_chat", chat_streamed),
    Step("chat, tool call", "webvoice_chat", chat_with_tool),
)


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())


def _decode_seconds(path: Path) -> float:
    return audio.decode(path.read_bytes()).seconds
