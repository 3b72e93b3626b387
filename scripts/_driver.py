"""Checks with a small MCP client of its own that a command is a server that lists its tools and answers calls."""

import json
import os
import subprocess
import threading
from pathlib import Path
from typing import Any

_TIMEOUT_SECONDS = 120
_REVISION = "2025-06-18"


def find_problem(command: Path, folder: Path, version: str, tools: set[str]) -> str:
    """Run `command` in `folder` and return a description of the first problem, or "" if there is none."""
    environ = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    environ |= {"HOME": str(folder), "WEBVOICE_STATE_DIR": str(folder / "state"), "WEBVOICE_OUTPUT_DIR": str(folder)}
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen([command], cwd=folder, env=environ, text=True, **pipes) as process:
        timer = threading.Timer(_TIMEOUT_SECONDS, process.kill)
        timer.start()
        try:
            problem = _converse(process, version, tools)
        except (OSError, ValueError, KeyError) as error:  # it ended, or its output is not a response
            problem = f"no valid response: {error!r}"
        stdout, stderr = process.communicate()
        timer.cancel()
    if problem or process.returncode or stdout or stderr:
        problem = problem or "it did not end cleanly"
        return f"{problem} (code {process.returncode}, stdout {stdout!r}, stderr {stderr!r})"
    return ""


def _converse(process: subprocess.Popen[str], version: str, tools: set[str]) -> str:
    client = {"name": "check_wheel", "version": "0"}
    started = _request(process, "initialize", protocolVersion=_REVISION, capabilities={}, clientInfo=client)
    if started["serverInfo"]["version"] != version or started["protocolVersion"] != _REVISION:
        return f"initialize answered {started}"
    _send(process, {"jsonrpc": "2.0", "method": "notifications/initialized"})
    names = {tool["name"] for tool in _request(process, "tools/list")["tools"]}
    if names != tools:
        return f"tools/list differs from the snapshots: {sorted(names ^ tools)}"
    links = _request(process, "tools/call", name="webvoice_account_links", arguments={})
    if links.get("isError") or not links["structuredContent"]["documentation"].startswith("https://"):
        return f"webvoice_account_links answered {links}"
    status = _request(process, "tools/call", name="webvoice_status", arguments={})
    if not status["isError"] or status["_meta"]["webvoice/error"]["code"] != "not_authenticated":
        return f"webvoice_status without a key answered {status}"
    return ""


def _request(process: subprocess.Popen[str], method: str, **parameters: Any) -> dict[str, Any]:
    _send(process, {"jsonrpc": "2.0", "id": method, "method": method, "params": parameters})
    assert process.stdout is not None
    answer: dict[str, Any] = json.loads(process.stdout.readline())
    result: dict[str, Any] = answer["result"]
    return result


def _send(process: subprocess.Popen[str], message: dict[str, Any]) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(message) + "\n")
    process.stdin.flush()
