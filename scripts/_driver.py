"""A client of a few lines, without the SDK: is this command a server that lists its tools and answers calls?"""

import json
import os
import subprocess
import threading
from pathlib import Path
from typing import Any

_PATIENCE = 60  # seconds for everything
_REVISION = "2025-06-18"


def problem(command: Path, folder: Path, version: str, tools: set[str]) -> str:
    """What is wrong with the server that `command` starts in `folder`; "" for nothing."""
    environ = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    environ |= {"HOME": str(folder), "WEBVOICE_STATE_DIR": str(folder / "state"), "WEBVOICE_OUTPUT_DIR": str(folder)}
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen([command], cwd=folder, env=environ, text=True, **pipes) as process:
        last = threading.Timer(_PATIENCE, process.kill)
        last.start()
        try:
            found = _talk(process, version, tools)
        except (OSError, ValueError, KeyError) as error:  # it ended, or said something that is no answer
            found = f"no proper answer: {error!r}"
        rest, said = process.communicate()
        last.cancel()
    if found or process.returncode or rest or said:
        return f"{found or 'it ended badly'} (code {process.returncode}, stdout {rest!r}, stderr {said!r})"
    return ""


def _talk(process: subprocess.Popen[str], version: str, tools: set[str]) -> str:
    client = {"name": "check_wheel", "version": "0"}
    started = _ask(process, "initialize", protocolVersion=_REVISION, capabilities={}, clientInfo=client)
    if started["serverInfo"]["version"] != version or started["protocolVersion"] != _REVISION:
        return f"initialize answered {started}"
    _send(process, {"jsonrpc": "2.0", "method": "notifications/initialized"})
    names = {tool["name"] for tool in _ask(process, "tools/list")["tools"]}
    if names != tools:
        return f"tools/list is not that of the snapshots: {sorted(names ^ tools)}"
    links = _ask(process, "tools/call", name="webvoice_account_links", arguments={})
    if links.get("isError") or not links["structuredContent"]["documentation"].startswith("https://"):
        return f"webvoice_account_links answered {links}"
    status = _ask(process, "tools/call", name="webvoice_status", arguments={})
    if not status["isError"] or status["_meta"]["webvoice/error"]["code"] != "not_authenticated":
        return f"webvoice_status without a key answered {status}"
    return ""


def _ask(process: subprocess.Popen[str], method: str, **parameters: Any) -> dict[str, Any]:
    _send(process, {"jsonrpc": "2.0", "id": method, "method": method, "params": parameters})
    assert process.stdout is not None
    answer: dict[str, Any] = json.loads(process.stdout.readline())
    result: dict[str, Any] = answer["result"]
    return result


def _send(process: subprocess.Popen[str], message: dict[str, Any]) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(message) + "\n")
    process.stdin.flush()
