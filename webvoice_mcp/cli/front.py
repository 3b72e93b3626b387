"""Answers a client's first requests while the SDK, which answers all others, is still being imported.

A client can do nothing before it has the list of tools, and importing the SDK takes almost all of a start. So what the
SDK would answer is written to a file at build time. Only requests that are understood completely are answered from it;
all others wait in their order. The client's first request also goes to the SDK, which has to know it; the SDK's answer
to it is dropped. If that first request is not understood, or if the file does not match, the SDK does everything.

This module imports nothing but the standard library.
"""

import io
import json
import logging
import os
import queue
import sys
import threading
import zlib
from collections.abc import Iterator, Mapping
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, BinaryIO

from webvoice_mcp import __version__
from webvoice_mcp.settings import Settings

ANSWERS = Path(__file__).with_name("front.json")
SITE = "https://site.invalid"
"""Stands in the file for the web site of the service."""

_log = logging.getLogger(__name__)

_LONGEST_LINE = 1 << 16  # bytes
_SWITCH_SECONDS = 0.0001  # how long the import may keep this thread waiting
_PREFIX = "io.modelcontextprotocol/"
_VERSION, _CAPABILITIES = f"{_PREFIX}protocolVersion", f"{_PREFIX}clientCapabilities"

# Shapes of JSON: a type, several types, or an object with members of these shapes ("*": members of any other name).
_REQUEST = {"jsonrpc": str, "id": (int, str), "method": str, "params": dict}
_CLIENT_INFO = {"name": str, "version": str, "title": str, "description": str, "websiteUrl": str}
_CLIENT_CAPABILITIES = {
    "roots": {"listChanged": bool},
    "sampling": {"context": dict, "tools": dict},
    "elicitation": {"form": dict, "url": dict},
    "tasks": {
        "list": dict,
        "cancel": dict,
        "requests": {"sampling": {"createMessage": dict}, "elicitation": {"create": dict}},
    },
    "experimental": {"*": dict},
    "extensions": {"*": dict},
}
_INITIALIZE = {"protocolVersion": str, "capabilities": _CLIENT_CAPABILITIES, "clientInfo": _CLIENT_INFO}
_PROGRESS = {"progressToken": (int, str)}
_ENVELOPE = {
    **_PROGRESS,
    _VERSION: str,
    _CAPABILITIES: _CLIENT_CAPABILITIES,
    f"{_PREFIX}clientInfo": _CLIENT_INFO,
}

Message = dict[str, Any]


class Front:
    """Answers requests from the answers in a file, until it hands over to the SDK.

    Args:
        answers: the content of the file.
        toolsets: the families of tools that are offered.
        stdout: where answers are written.
    """

    def __init__(self, answers: Message, toolsets: frozenset[str], stdout: BinaryIO) -> None:
        self._items: list[Message] = answers["items"]
        self._kinds: list[Message] = answers["clients"]
        self._toolsets = toolsets
        self._stdout = stdout
        self._lock = threading.Lock()
        self._is_active = True
        self._handed_over = threading.Event()
        self._client: Message | None = None  # what is known of a client with a handshake, {} of one without
        self._replayed_id: int | str | None = None
        self._written: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        # Another thread writes, because the client may not read before it has written more than a pipe holds.
        self._writer = threading.Thread(target=self._write, name="front", daemon=True)
        self._writer.start()
        self._switch_seconds = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_SECONDS)

    def is_active(self) -> bool:
        """Return True until it has handed over or has stepped aside."""
        return self._is_active

    def filter(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Take blocks of whole lines, answer what can be answered, and yield what the SDK has to read."""
        for lines in blocks:
            with self._lock:
                rest = self._waiting(lines) if self._is_active else lines
            if rest:
                yield rest
        self._handed_over.wait()  # only the SDK can end the server

    def hand_over(self) -> BinaryIO:
        """Answer nothing any more, and return the file to which the SDK may write."""
        with self._lock:
            self._step_aside("the SDK is there")
        sys.setswitchinterval(self._switch_seconds)
        self._handed_over.set()
        return _StdoutAfterFront(self._stdout, self._writer, self._replayed_id)

    def _waiting(self, lines: bytes) -> bytes:
        return b"".join(line for line in lines.splitlines(keepends=True) if not (self._is_active and self._takes(line)))

    def _takes(self, line: bytes) -> bool:
        """Answer a request if possible, and return True if the SDK need not see it."""
        message = _parse(line)
        if self._client is not None:
            is_repeated = message is not None and message["method"] == "initialize"
            return not is_repeated and self._answers(message, self._client)
        if message is None or "id" in message:
            self._open(message or {})
        return False

    def _open(self, request: Message) -> None:
        """Answer the client's first request, which decides how it is served."""
        client: Message | None = None
        if request.get("method") != "initialize":
            client = {}
        elif _fits(params := request.get("params"), _INITIALIZE, *_INITIALIZE) and "name" in params["clientInfo"]:
            client = self._find_client(params["protocolVersion"], params["capabilities"])
        if client is not None and self._answers(request, client):
            self._client, self._replayed_id = client, request["id"]
        else:
            self._step_aside("the first request is not one that it knows")

    def _answers(self, request: Message | None, client: Message) -> bool:
        if request is None:
            return False
        method, params = request["method"], request.get("params", {})
        if "id" not in request:  # the SDK must not be told to cancel the request that has its answer
            return method == "notifications/cancelled" and str(params.get("requestId")) == str(self._replayed_id)
        if not client:
            if not _fits(params, {"_meta": _ENVELOPE}, "_meta") or not params["_meta"].keys() >= {_VERSION, _CAPABILITIES}:
                return False
            client = self._find_client(params["_meta"][_VERSION], params["_meta"][_CAPABILITIES]) or {}
        elif method != "initialize" and not _fits(params, {"_meta": _PROGRESS}):
            return False
        answer = client.get("answers", {}).get(method)
        if answer is None:
            return False
        self._written.put(self._response(request["id"], answer))
        return True

    def _find_client(self, revision: str, capabilities: Message) -> Message | None:
        """Return what the file knows of clients that declare this; of their capabilities, only extensions matter."""
        extensions = capabilities.get("extensions", {})
        known = (kind for kind in self._kinds if kind["revision"] == revision and kind["extensions"] == extensions)
        return next(known, None)

    def _response(self, request_id: int | str, answer: Message) -> bytes:
        result = answer["result"]
        if "list" in answer:
            offered = [self._items[number] for number, families in answer["items"] if self._toolsets.issuperset(families)]
            result = {**result, answer["list"]: offered}
        response = {"jsonrpc": "2.0", "id": request_id, "result": result}
        return json.dumps(response, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

    def _step_aside(self, reason: str) -> None:
        if self._is_active:
            _log.debug("The SDK answers from now on: %s.", reason)
            self._is_active = False
            self._written.put(b"")

    def _write(self) -> None:
        try:
            for response in iter(self._written.get, b""):
                self._stdout.write(response)
                self._stdout.flush()
        except OSError:
            pass  # the client has closed its end, which ends the input, too


class _StdoutAfterFront(io.BufferedIOBase):
    """Stdout for the SDK: it waits for the front's last answer, and drops the answer that the front has given."""

    def __init__(self, stdout: BinaryIO, writer: threading.Thread, dropped_id: int | str | None) -> None:
        self._stdout = stdout
        self._writer: threading.Thread | None = writer
        self._dropped_id = dropped_id
        self._line = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        if self._writer is not None:
            self._writer.join()
            self._writer = None
        if self._dropped_id is None:
            return self._stdout.write(data)
        *lines, self._line = (self._line + bytes(data)).split(b"\n")
        for line in lines:
            if self._dropped_id is not None and _answered_id(line) == self._dropped_id:
                self._dropped_id = None
            else:
                self._stdout.write(line + b"\n")
        if self._dropped_id is None:
            self._stdout.write(self._line)
        return len(bytes(data))

    def flush(self) -> None:
        self._stdout.flush()


def open_front(settings: Settings, stdout: BinaryIO, path: Path = ANSWERS) -> Front | None:
    """Return a front, or None if the file with its answers is missing or does not match this installation."""
    try:
        head, _, text = path.read_text(encoding="utf-8").partition("\n")
        expected = {"version": __version__, "mcp": _installed_sdk(), "crc32": zlib.crc32(text.encode())}
        if json.loads(head) != expected:
            raise ValueError(f"it is not for {expected}")
        answers = json.loads(text.replace(SITE, json.dumps(settings.site, ensure_ascii=False)[1:-1]))
    except (OSError, ValueError) as error:
        _log.debug("The SDK answers from the start: %s cannot be used: %s.", path.name, error)
        return None
    return Front(answers, settings.toolsets, stdout)


def _installed_sdk() -> str:
    """Return the installed SDK's version without the patch level, "" if it is not known."""
    spec = PathFinder.find_spec("mcp")
    for folder in (spec and spec.submodule_search_locations) or ():
        for name in os.listdir(os.path.dirname(folder)):  # importlib.metadata takes too long to import
            if name.startswith("mcp-") and name.endswith(".dist-info"):
                return ".".join(name.removeprefix("mcp-").split(".")[:2])
    return ""


def _parse(line: bytes) -> Message | None:
    """Return a request or a notification that is understood, else None."""
    if len(line) > _LONGEST_LINE:
        return None
    try:
        message = json.loads(line.decode(errors="replace"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return message if _fits(message, _REQUEST, "jsonrpc", "method") and message["jsonrpc"] == "2.0" else None


def _refuse(name: str) -> None:
    raise ValueError(name)


def _answered_id(line: bytes) -> Any:
    message = json.loads(line)
    return message.get("id") if "method" not in message else None


def _fits(value: Any, shape: Any, *required: str) -> bool:
    if not isinstance(shape, Mapping):
        return type(value) in (shape if isinstance(shape, tuple) else (shape,))
    if not isinstance(value, dict) or not value.keys() >= set(required):
        return False
    return all(
        name in shape and _fits(member, shape[name]) or "*" in shape and _fits(member, shape["*"])
        for name, member in value.items()
    )
