"""What the tests over a real pipe share: a sandbox to talk to, and what a failed result must look like."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.files.samples import MP3_BYTES, PNG_BYTES, wav_bytes
from tests.support import CANARY
from tests.wire_driver import Message
from webvoice_mcp.sandbox.serve import running

CONSENT = {"email": "a@example.com", "accept_privacy": True, "accept_terms": True}

# The tools that need a key, and arguments that they need.
KEYED: dict[str, dict[str, Any]] = {
    "webvoice_create_api_key": {"name": "second"},
    "webvoice_onboarding": {},
    "webvoice_status": {},
    "webvoice_list_chat_models": {},
    "webvoice_chat": {"prompt": "Hi"},
    "webvoice_deepinfra_chat": {"prompt": "Hi"},
    "webvoice_list_voices": {},
    "webvoice_tts": {"text": "Hi"},
    "webvoice_stt": {"audio_path": "talk.wav"},
    "webvoice_whisper_fast_stt": {"audio_path": "talk.wav"},
    "webvoice_translate": {"text": "Hi", "target_language": "it"},
}

# The user's files, in the output folder.
FILES = {
    "there.mp3": MP3_BYTES,
    "there.txt": b"already here",
    "talk.wav": wav_bytes(),
    "text.mp3": b"This is a text, whatever its name says.",
    "page.wav": b"<html><body>Not found</body></html>",
    "picture.mp3": PNG_BYTES,
    "empty.mp3": b"",
}

_LONGEST = 500  # characters of a failure's text


def named(row: tuple[str, Message, str]) -> str:
    """A short name for a row of a table: tool, arguments, what is expected."""
    tool, arguments, _ = row
    return f"{tool.removeprefix('webvoice_')[:25]} {json.dumps(arguments)[:50]}"


class Play:
    """A running sandbox, and what can be done to it from outside."""

    def __init__(self, base_url: str, http: httpx2.Client) -> None:
        self.base_url = base_url
        self._http = http
        self._site = base_url.removesuffix("/api/v1")

    def register(self, email: str) -> str:
        """Open an account; its key."""
        self._post("auth/send-code/", {"email": email, "accept_privacy": True, "accept_terms": True})
        key: str = self._post("auth/verify-code/", {"email": email, "code": self.code(email)})["api_key"]
        return key

    def code(self, email: str) -> str:
        """The code that was mailed last."""
        mail = self._http.get(f"{self._site}/sandbox/inbox/", params={"email": email}).json()
        code: str = mail["messages"][-1]["code"]
        return code

    def spend_all(self, key: str) -> None:
        """Spend the welcome credits on chat."""
        asked = {"model": "deepseek-v4-flash", "messages": [{"role": "user", "content": "Say ready"}]}
        while self._post("chat/completions/", asked, key)["webvoice"]["credits_remaining"]:
            pass

    def fault(self, path: str, **fault: Any) -> None:
        """Script the next answer of a path."""
        self._post(f"{self._site}/sandbox/faults/", {"path": path, **fault})

    def clear_faults(self) -> None:
        """Forget what is scripted."""
        assert self._http.delete(f"{self._site}/sandbox/faults/").is_success

    def purchase(self, email: str, amount: float) -> None:
        """Add credits."""
        self._post(f"{self._site}/sandbox/credits/", {"email": email, "credits": amount})

    def _post(self, path: str, body: Message, key: str = "") -> Message:
        answer = self._http.post(path, json=body, headers={"X-API-Key": key} if key else {})
        assert answer.is_success, answer.text
        fields: Message = answer.json()
        return fields


@contextmanager
def playing(folder: Path) -> Iterator[Play]:
    """A sandbox over this folder."""
    with running(folder) as base_url, httpx2.Client(base_url=base_url) as http:
        yield Play(base_url, http)


def failure(result: Message) -> tuple[str, str]:
    """Code and text of a failed result, which has what every one of them must have, and nothing that none may."""
    assert result["isError"] is True, result
    assert "structuredContent" not in result
    (block,) = result["content"]
    text: str = block["text"]
    code: str = result["_meta"]["webvoice/error"]["code"]
    assert (block["type"], text.partition(": ")[0]) == ("text", code)
    assert len(text) < _LONGEST, text
    assert not [each for each in ("Traceback", 'File "', "<html", CANARY) if each in json.dumps(result)]
    return code, text


def fields(result: Message) -> Message:
    """The structured content of a call that went well, which the first text repeats."""
    assert result["isError"] is False, result
    structured: Message = result["structuredContent"]
    assert json.loads(result["content"][0]["text"]) == structured
    return structured
