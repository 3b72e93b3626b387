"""The steps that every foreign client takes, and its report.

A step is a request. With `answer`, the user replies to the server's question; with `cancel`, the client cancels the
request when it receives the first progress.
"""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.wire.sandbox_service import running_sandbox
from tests.wire_driver import SERVER_COMMAND, Message, environment

_TIMEOUT_SECONDS = 300  # for a client to take all steps on a busy machine

SENTENCE = "one two three four five six"
YES = {"action": "accept", "content": {"go_on": True}}

_ROOT = Path(__file__).resolve().parents[3]
_VOICE_COMPLETION = {
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
    "completed": {"method": "completion/complete", "params": _VOICE_COMPLETION},
}


class Report:
    """The report of a client that took all steps.

    Attributes:
        version: the protocol revision that client and server agreed on.
        steps: for each step its `result` or `error`, the `progress` received and the `questions` to the user.
        stderr: the client's output on stderr.
        site: the sandbox's address.
        out: the server's output folder.
    """

    def __init__(self, document: Message, stderr: str, site: str, out: Path) -> None:
        self.version: str = document["version"]
        self.steps: dict[str, Message] = dict(zip(STEPS, document["steps"], strict=True))
        self.stderr = stderr
        self.site = site
        self.out = out

    def result(self, step: str) -> Message:
        """Return the result of a step, after checking that it did not fail."""
        reported = self.steps[step]
        assert "result" in reported, reported
        result: Message = reported["result"]
        return result


def run_client(command: Sequence[str], mode: str, folder: Path) -> Report:
    """Run a client through the steps, with its own sandbox and account."""
    with running_sandbox(folder / "sandbox") as sandbox:
        sandbox.fault("translation/", delay=10, status=503)  # the first translation takes long enough to be cancelled
        variables = {"BASE_URL": sandbox.base_url, "API_KEY": sandbox.register("a@example.com"), "CONFIRM_ABOVE": 1}
        server = {"command": SERVER_COMMAND[0], "args": SERVER_COMMAND[1:], "env": environment(folder, variables)}
        given = json.dumps({"server": server, "mode": mode, "steps": list(STEPS.values())})
        options: Message = {"input": given, "env": environment(folder), "cwd": _ROOT, "timeout": _TIMEOUT_SECONDS}
        done = subprocess.run(command, **options, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Report(json.loads(done.stdout), done.stderr, sandbox.site, folder / "out")
