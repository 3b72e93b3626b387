"""What every client does, one step after the other, and what it told of it.

A step is a request; `answer` is what the person at the client says when asked, `cancel` cancels at the first progress.
"""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.wire.world import playing
from tests.wire_driver import SERVER, Message, environment

SENTENCE = "one two three four five six"
YES = {"action": "accept", "content": {"go_on": True}}

_ROOT = Path(__file__).resolve().parents[3]
_VOICE = {
    "ref": {"type": "ref/prompt", "name": "narrate"},
    "argument": {"name": "voice", "value": ""},
    "context": {"arguments": {"language": "it"}},
}


def _call(tool: str, /, **arguments: Any) -> Message:
    return {"method": "tools/call", "params": {"name": tool, "arguments": arguments}}


STEPS: dict[str, Message] = {
    "tools": {"method": "tools/list"},
    "cancelled": _call("webvoice_translate", text="Good evening", target_language="it") | {"cancel": True},
    "links": _call("webvoice_account_links"),
    "translated": _call("webvoice_translate", text="Good morning", target_language="it"),
    "jobs": _call("webvoice_jobs"),
    "spoken": _call("webvoice_tts", text="Hello", output_path="hello.mp3"),
    "refused": _call("webvoice_tts", text="Hello", output_path="hello.mp3"),
    "begun": _call("webvoice_tts", text="Hello", output_path="later.mp3", background=True),
    "drawn": _call("webvoice_image", prompt="A house", provider="gen4-turbo"),
    "streamed": _call("webvoice_chat", prompt=f"Say '{SENTENCE}'") | {"answer": YES},
    "declined": _call("webvoice_chat", prompt="Say ready") | {"answer": {"action": "decline"}},
    "estimated": _call("webvoice_estimate_credits", tool="webvoice_chat", arguments={"prompt": "Hi", "model": "new"}),
    "resources": {"method": "resources/list"},
    "templates": {"method": "resources/templates/list"},
    "read": {"method": "resources/read", "params": {"uri": "webvoice://voices/it"}},
    "missed": {"method": "resources/read", "params": {"uri": "webvoice://voices/xx"}},
    "prompts": {"method": "prompts/list"},
    "prompt": {"method": "prompts/get", "params": {"name": "narrate", "arguments": {"text": "Hello"}}},
    "completed": {"method": "completion/complete", "params": _VOICE},
}


class Told:
    """What a client told.

    Attributes:
        seen: of each step `result` or `error`, the `progress` heard and what the person was `asked`.
        out: the folder of the files that were made.
    """

    def __init__(self, document: Message, stderr: str, site: str, out: Path) -> None:
        self.version: str = document["version"]
        self.seen: dict[str, Message] = dict(zip(STEPS, document["seen"], strict=True))
        self.stderr = stderr
        self.site = site
        self.out = out

    def result(self, step: str) -> Message:
        """The result of a step."""
        seen = self.seen[step]
        assert "result" in seen, seen
        result: Message = seen["result"]
        return result


def played(command: Sequence[str], mode: str, folder: Path) -> Told:
    """Let a client take the steps, with an account of its own."""
    with playing(folder / "sandbox") as play:
        play.fault("translation/", delay=10, status=503)  # the first one: time enough to cancel it
        variables = {"BASE_URL": play.base_url, "API_KEY": play.register("a@example.com"), "CONFIRM_ABOVE": 1}
        server = {"command": SERVER[0], "args": SERVER[1:], "env": environment(folder, variables)}
        given = json.dumps({"server": server, "mode": mode, "steps": list(STEPS.values())})
        options: Message = {"input": given, "env": environment(folder), "cwd": _ROOT, "timeout": 60}
        done = subprocess.run(command, **options, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Told(json.loads(done.stdout), done.stderr, play.base_url.removesuffix("/api/v1"), folder / "out")
