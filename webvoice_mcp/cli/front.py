"""Answers a client's first requests while the SDK, which answers all others, is still being imported.

A client can do nothing before it has the list of tools, and importing the SDK takes almost all of a start. So what the
SDK would answer is written to a file at build time. Only requests that are understood completely are answered from it;
all others wait in their order. The client's first request also goes to the SDK, which has to know it; the SDK's answer
to it is dropped. If that first request is not understood, or if the file does not match, the SDK does everything.

This module imports nothing but the standard library.
"""

import json
import logging
import queue
import sys
import threading
import zlib
from collections.abc import Iterator
from contextlib import suppress
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, BinaryIO

from webvoice_mcp import __version__
from webvoice_mcp.settings import Settings

ANSWERS = Path(__file__).with_name("front.json")
SITE = "https://site.invalid"  # stands in the file for the web site of the service

_log = logging.getLogger(__name__)

_LONGEST_LINE = 1 << 16  # bytes
_SWITCH_SECONDS = 0.0001  # how long the import may keep this thread waiting
# Shapes of JSON: the types of a value, or the members of an object. "name?" may be left out, "*" is any other name.
_STRING, _NUMBER_OR_STRING, _OBJECT = (str,), (int, str), (dict,)
_REQUEST = {"jsonrpc": _STRING, "id?": _NUMBER_OR_STRING, "method": _STRING, "params?": _OBJECT}
_CLIENT_INFO = {"name": _STRING, "version": _STRING, "title?": _STRING, "description?": _STRING, "websiteUrl?": _STRING}
_TASK_REQUESTS = {"sampling?": {"createMessage?": _OBJECT}, "elicitation?": {"create?": _OBJECT}}
_CLIENT_CAPABILITIES = {
    "roots?": {"listChanged?": (bool,)},
    "sampling?": {"context?": _OBJECT, "tools?": _OBJECT},
    "elicitation?": {"form?": _OBJECT, "url?": _OBJECT},
    "tasks?": {"list?": _OBJECT, "cancel?": _OBJECT, "requests?": _TASK_REQUESTS},
    "experimental?": {"*": _OBJECT},
    "extensions?": {"*": _OBJECT},
}
_INITIALIZE = {"protocolVersion": _STRING, "capabilities": _CLIENT_CAPABILITIES, "clientInfo": _CLIENT_INFO}
_WITH_HANDSHAKE = {"_meta?": {"progressToken?": _NUMBER_OR_STRING}}
_STATELESS = {
    "_meta": {
        "progressToken?": _NUMBER_OR_STRING,
        (_VERSION := "io.modelcontextprotocol/protocolVersion"): _STRING,
        (_CAPABILITIES := "io.modelcontextprotocol/clientCapabilities"): _CLIENT_CAPABILITIES,
        "io.modelcontextprotocol/clientInfo?": _CLIENT_INFO,
    }
}

Message = dict[str, Any]


class Front:
    """Answers requests from the answers in a file, until it hands over to the SDK.

    Args:
        answers: the content of the file.
        toolsets: the families of tools that are offered.
        stdout: the file to write answers to.
    """

    def __init__(self, answers: Message, toolsets: frozenset[str], stdout: BinaryIO) -> None:
        self._extensions: list[str] = answers["extensions"]  # that the server knows; any others change nothing
        self._items: list[Message] = answers["items"]
        self._clients: list[Message] = answers["clients"]
        self._toolsets = toolsets
        self._stdout = stdout
        self._lock = threading.Lock()
        self._is_active = True
        self._handed_over = threading.Event()
        self._opening_id: int | str | None = None  # of the client's first request
        self._client: Message | None = None  # that shook hands
        self._responses: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        # Another thread writes, because the client may write more than a pipe holds before it reads.
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
                rest = b"".join(line for line in lines.splitlines(keepends=True) if not self._takes(line))
            if rest:
                yield rest
            if not self._is_active:
                yield from blocks
        self._handed_over.wait()  # the end of the input is the SDK's to see

    def hand_over(self) -> "StdoutAfterFront":
        """Answer nothing any more, and return the file to which the SDK may write."""
        with self._lock:
            self._step_aside("it is there")
        sys.setswitchinterval(self._switch_seconds)
        self._handed_over.set()
        return StdoutAfterFront(self._stdout, self._writer, self._opening_id)

    def _takes(self, line: bytes) -> bool:
        """Answer a request if possible, and return True if the SDK need not see it."""
        if not self._is_active:
            return False
        message = _parse(line)
        if self._opening_id is not None:
            return message is not None and (self._answers(message) if "id" in message else self._is_late(message))
        if message is None or ("id" in message and not self._answers(message)):
            self._step_aside("the first request is not one that is known here")
        elif "id" in message:
            self._opening_id = message["id"]
        return False

    def _answers(self, request: Message) -> bool:
        client = self._find_client(request["method"], request.get("params", {}))
        answer = client and client["answers"].get(request["method"])
        if not answer:
            return False
        result = answer["result"]
        if "list" in answer:
            listed = [
                self._items[number] for number, families in answer["items"] if self._toolsets.issuperset(families)
            ]
            result = {**result, answer["list"]: listed}
        response = {"jsonrpc": "2.0", "id": request["id"], "result": result}
        self._responses.put(json.dumps(response, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        return True

    def _find_client(self, method: str, params: Message) -> Message | None:
        """Return what the file has for the client that sends this request, None if it is not one that is known."""
        if self._client is not None:
            return self._client if method != "initialize" and _fits(params, _WITH_HANDSHAKE) else None
        if method == "initialize":
            if self._opening_id is None and _fits(params, _INITIALIZE):
                self._client = self._find("initialize", params["protocolVersion"], params["capabilities"])
            return self._client
        if not _fits(params, _STATELESS):
            return None
        return self._find("server/discover", params["_meta"][_VERSION], params["_meta"][_CAPABILITIES])

    def _find(self, opening: str, revision: str, capabilities: Message) -> Message | None:
        """Return what the file has for these clients. Of the capabilities, answers depend on the extensions only."""
        declared = capabilities.get("extensions", {}).items()
        extensions = {name: settings for name, settings in declared if name in self._extensions}
        same = (one for one in self._clients if one["revision"] == revision and extensions in one["extensions"])
        return next((client for client in same if opening in client["answers"]), None)

    def _is_late(self, notification: Message) -> bool:
        """Return True if it cancels the first request, whose answer has been sent. The SDK would obey."""
        cancelled = notification.get("params", {}).get("requestId")
        return notification["method"] == "notifications/cancelled" and str(cancelled) == str(self._opening_id)

    def _step_aside(self, reason: str) -> None:
        if self._is_active:
            _log.debug("The SDK answers from now on: %s.", reason)
            self._is_active = False
            self._responses.put(b"")

    def _write(self) -> None:
        with suppress(OSError):  # the client has closed its end, which also ends the input
            for response in iter(self._responses.get, b""):
                self._stdout.write(response)
                self._stdout.flush()


class StdoutAfterFront:
    """Stdout for the SDK: it waits for the front's last answer, and drops the answer that the front has given."""

    def __init__(self, stdout: BinaryIO, writer: threading.Thread, dropped_id: int | str | None) -> None:
        self._stdout = stdout
        self._writer = writer
        self._dropped_id = dropped_id

    def is_ready(self) -> bool:
        """Return True if a line is written as it is and at once."""
        return not self._writer.is_alive() and self._dropped_id is None

    def write(self, line: bytes, /) -> None:
        """Write a line."""
        self._writer.join()  # at once, if it has ended
        if self._dropped_id is not None:
            message = json.loads(line)
            if "method" not in message and message.get("id") == self._dropped_id:
                self._dropped_id = None
                return
        self._stdout.write(line)

    def flush(self) -> None:
        """Flush what was written."""
        self._stdout.flush()


def open_front(settings: Settings, stdout: BinaryIO, path: Path = ANSWERS) -> Front | None:
    """Return a front, or None if the file with its answers is missing or does not match this installation."""
    try:
        head, _, text = path.read_text(encoding="utf-8").partition("\n")
        if json.loads(head) != describe(text):
            _log.debug("The SDK answers from the start: %s is for another installation.", path.name)
            return None
        answers = json.loads(text.replace(SITE, json.dumps(settings.site, ensure_ascii=False)[1:-1]))
    except (OSError, ValueError) as error:
        _log.debug("The SDK answers from the start: %s cannot be read: %s.", path.name, error)
        return None
    return Front(answers, settings.toolsets, stdout)


def describe(text: str) -> Message:
    """Return the first line of a file with this text: the versions that it is for here, and its checksum."""
    # Only the minor version of the SDK: patches leave the protocol as it is. importlib.metadata is slow to import.
    folders = getattr(PathFinder.find_spec("mcp"), "submodule_search_locations", None) or ()
    records = (record for folder in folders for record in Path(folder).parent.glob("mcp-*.dist-info"))
    sdk = next((record.name.removeprefix("mcp-") for record in records), "")
    return {"version": __version__, "mcp": ".".join(sdk.split(".")[:2]), "crc32": zlib.crc32(text.encode())}


def _parse(line: bytes) -> Message | None:
    """Return a request or a notification, None if it is anything else."""
    if len(line) > _LONGEST_LINE:
        return None
    try:
        message = json.loads(line.decode(errors="replace"), parse_constant=int)  # which takes no NaN
    except (ValueError, RecursionError):
        return None
    return message if _fits(message, _REQUEST) and message["jsonrpc"] == "2.0" else None


def _fits(value: Any, shape: Any) -> bool:
    if isinstance(shape, tuple):
        return type(value) in shape
    if not isinstance(value, dict) or not value.keys() >= {name for name in shape if name[-1] not in "?*"}:
        return False
    shapes = [shape.get(name, shape.get(f"{name}?", shape.get("*"))) for name in value]
    return all(known and _fits(member, known) for member, known in zip(value.values(), shapes, strict=True))
