"""The demo's steps: each calls a tool through a real MCP client and checks what comes out."""

import json
import re
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import anyio.to_thread
from mcp import Client

from webvoice_mcp.cli._demo_page import Exhibit, Said

EMAIL = "demo@example.com"
SPOKEN = "Hello! This is a voice from your own computer, and nobody had to pay for it."
_QUESTION = "Say 'ready when you are' and nothing else."
_ALIKE = 0.9  # share of words that must be heard right; engines round differently on other processors
_TOLERANCE = 0.2  # seconds that a decoded MP3 may differ from what was said of it: encoders pad
_WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the current weather for a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class StepFailed(Exception):
    """A step did not give what it should."""


@dataclass(slots=True)
class Demo:
    """What the steps share."""

    client: Client
    base_url: str
    credits: float = 0.0
    files: list[Path] = field(default_factory=list)
    exhibit: Exhibit | None = None

    @property
    def pictures(self) -> list[Path]:
        """The pictures made so far."""
        return [path for path in self.files if path.suffix in {".png", ".jpg", ".webp"}]

    async def sandbox(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask the sandbox itself, beside its API."""
        site = self.base_url.removesuffix("/api/v1")
        answer: dict[str, Any] = await anyio.to_thread.run_sync(_fetched, f"{site}/sandbox/{path}", body)
        return answer

    async def inbox(self) -> list[dict[str, Any]]:
        """The mails that the sandbox wrote, the newest last."""
        mails: list[dict[str, Any]] = (await self.sandbox(f"inbox/?email={EMAIL}"))["messages"]
        return mails

    async def call(self, tool: str, arguments: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        """Call a tool; its structured result.

        Raises:
            StepFailed: the call failed.
        """
        result = await self.client.call_tool(tool, arguments or {}, **options)
        text = "".join(block.text for block in result.content if block.type == "text")
        if result.is_error:
            raise StepFailed(text)
        fields: dict[str, Any] = result.structured_content or {}
        self.credits = fields.get("credits_used") or 0.0
        self.files += [Path(each["path"]) for each in fields.get("files") or ()]
        return fields


Step = Callable[[Demo], Awaitable[str]]


async def register(demo: Demo) -> str:
    sent = await demo.call(
        "webvoice_register_send_code", {"email": EMAIL, "accept_privacy": True, "accept_terms": True}
    )
    return f"code sent to {EMAIL}, new user: {sent['is_new_user']}"


async def verify(demo: Demo) -> str:
    code = (await demo.inbox())[-1]["code"]
    done = await demo.call("webvoice_register_verify", {"email": EMAIL, "code": code})
    expect("…" in done["api_key"], "the key should be masked")
    return f"key {done['api_key']} saved, {done['onboarding']['credits']:g} welcome credits"


async def status(demo: Demo) -> str:
    told = await demo.call("webvoice_status")
    expect(told["key_source"] == "saved", "the saved key should be at work")
    return f"{told['credits']:g} credits, key {told['key_source']}"


async def voices(demo: Demo) -> str:
    listed = await demo.call("webvoice_list_voices")
    expect(listed["count"] > 1, "there should be several voices")
    return f"{listed['count']} voices in {len(listed['voices'])} languages"


async def speak(demo: Demo) -> str:
    spoken = await demo.call("webvoice_tts", {"text": SPOKEN})
    seconds = await anyio.to_thread.run_sync(_decoded_seconds, demo.files[-1])
    expect(abs(seconds - spoken["duration"]) < _TOLERANCE, f"the MP3 is {seconds:.2f} s long, not as told")
    facts = (f"{seconds:.1f} s MP3", spoken["provider"], demo.files[-1].name)
    demo.exhibit = Exhibit(f"“{SPOKEN}”", (demo.files[-1],), facts=facts)
    return f"{demo.files[-1].name}, {spoken['duration']:.1f} s, decoded {seconds:.1f} s ({spoken['provider']})"


async def transcribe(demo: Demo) -> str:
    heard = await demo.call("webvoice_stt", {"audio_path": str(demo.files[-1])})
    alike = SequenceMatcher(None, _words(heard["text"]), _words(SPOKEN)).ratio()
    expect(alike >= _ALIKE, f"heard something else: {heard['text']!r}")
    said = (Said("theirs", heard["text"]),)
    demo.exhibit = Exhibit("What was spoken, heard again", said=said, facts=(heard["provider"],))
    return f"“{heard['text']}” ({heard['provider']})"


async def translate(demo: Demo) -> str:
    done = await demo.call("webvoice_translate", {"text": "Hello, world!", "target_language": "it"})
    expect(done["translated_text"] == "Ciao, mondo!", f"translated to {done['translated_text']!r}")
    said = (Said("mine", "Hello, world!"), Said("theirs", done["translated_text"]))
    demo.exhibit = Exhibit("English to Italian", said=said, facts=(done["provider"],), span="third")
    return f"“{done['translated_text']}” ({done['provider']})"


async def chat_streamed(demo: Demo) -> str:
    pieces: list[str] = []

    async def heard(_progress: float, _total: float | None, message: str | None) -> None:
        pieces.append(message or "")

    answer = await demo.call("webvoice_chat", {"prompt": _QUESTION}, progress_callback=heard)
    expect("".join(pieces) == answer["text"], "the streamed pieces should add up to the answer")
    said = (Said("mine", _QUESTION), Said("theirs", answer["text"]))
    demo.exhibit = Exhibit("Chat, streamed", said=said, facts=(answer["provider"],), span="third")
    return f"“{answer['text']}” in {len(pieces)} pieces ({answer['provider']})"


async def chat_with_tool(demo: Demo) -> str:
    question = {"role": "user", "content": "What is the weather in Rome?"}
    asked = await demo.call("webvoice_chat", {"messages": [question], "tools": [_WEATHER]})
    spent = demo.credits
    call = asked["tool_calls"][0]
    expect(json.loads(call["function"]["arguments"]) == {"city": "Rome"}, "the call should be about Rome")
    said = {"role": "assistant", "content": None, "tool_calls": [call]}
    found = {"role": "tool", "tool_call_id": call["id"], "content": '{"temp_c": 22, "condition": "sunny"}'}
    answer = await demo.call("webvoice_chat", {"messages": [question, said, found], "tools": [_WEATHER]})
    demo.credits += spent
    expect("22" in answer["text"], f"the answer should use the tool's result: {answer['text']!r}")
    lines = (Said("mine", "What is the weather in Rome?"), Said("call", 'get_weather({"city": "Rome"})'))
    shown = (*lines, Said("theirs", answer["text"]))
    demo.exhibit = Exhibit("Chat with a tool of the caller's", said=shown, facts=(answer["provider"],), span="third")
    return f"get_weather(Rome), then “{answer['text']}”"


STEPS: tuple[tuple[str, str, Step], ...] = (
    ("register", "webvoice_register_send_code", register),
    ("verify", "webvoice_register_verify", verify),
    ("status", "webvoice_status", status),
    ("voices", "webvoice_list_voices", voices),
    ("speak", "webvoice_tts", speak),
    ("transcribe", "webvoice_stt", transcribe),
    ("translate", "webvoice_translate", translate),
    ("chat, streamed", "webvoice_chat", chat_streamed),
    ("chat, tool call", "webvoice_chat", chat_with_tool),
)


def expect(fact: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not fact:
        raise StepFailed(otherwise)


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())


def _fetched(url: str, body: dict[str, Any] | None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310 - our own sandbox
    loopback = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with loopback.open(request, timeout=10) as answer:
        return json.load(answer)


def _decoded_seconds(path: Path) -> float:
    from webvoice_mcp.sandbox.engines import audio  # noqa: PLC0415 - heavy, and only where the extra is installed

    return audio.decode(path.read_bytes()).seconds
