"""`webvoice-mcp call`: one tool call from the terminal, through the same server as an MCP client's call."""

import argparse
import json
import signal
import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import anyio
from mcp import Client
from mcp.types import CallToolResult

from webvoice_mcp.cli.progress_bar import progress_bar
from webvoice_mcp.cli.startup import OUTPUT_DIR, STATE_DIR, load_settings
from webvoice_mcp.cli.terminal import CommandError
from webvoice_mcp.client.redaction import sanitize
from webvoice_mcp.errors import InvalidArgument, NotAuthenticated
from webvoice_mcp.server import create_server
from webvoice_mcp.settings import TOOLSETS
from webvoice_mcp.tools.arguments import describe_unknown_tool
from webvoice_mcp.tools.catalogue import offered
from webvoice_mcp.tools.results import failed_result

_LOGIN_HINT = " In a terminal, webvoice-mcp login does both."
_CONTINUATION = "\n    "
_POLLS_BEFORE_MESSAGE = 3  # cancelled work usually ends before the third poll, and needs no message


def run(options: argparse.Namespace) -> int:
    """Call a tool and print its result; return 1 if the call failed."""
    # A job ends with this process, so a result that only names the job would be useless: the wait is never cut short,
    # and `background` is ignored.
    settings = replace(load_settings(OUTPUT_DIR, STATE_DIR), inline_wait=0)
    given = [(name, _read_value(name, value)) for name, value in options.arguments]

    async def call() -> CallToolResult:
        # To a client in the same process, the SDK reports progress only in the revisions that begin with a handshake.
        async with Client(create_server(settings, shutdown=_CallShutdown()), mode="legacy") as client:
            schemas = {tool.name: tool.input_schema for tool in (await client.list_tools()).tools}
            if options.tool not in {tool.name for tool in offered(TOOLSETS)}:
                text = describe_unknown_tool(options.tool, schemas, "webvoice-mcp tools")
                return failed_result(InvalidArgument(text))
            parameters = schemas.get(options.tool, {}).get("properties", {})
            arguments = {name: _parse_value(value, parameters.get(name, {})) for name, value in given}
            if "background" in parameters:
                arguments.pop("background", None)
            async with progress_bar(options.tool) as on_progress:
                return await client.call_tool(options.tool, arguments, progress_callback=on_progress)

    return _print_result(anyio.run(call), as_json=options.json)


class _CallShutdown:
    """Lets a submitted job finish after Ctrl-C; a second Ctrl-C abandons it."""

    def __init__(self) -> None:
        self._polls = 0
        self._is_forced = False

    def is_forced(self) -> bool:
        """True after a second Ctrl-C. Polled while jobs run."""
        self._polls += 1
        if self._polls == 1:
            signal.signal(signal.SIGINT, self._force)
        if self._polls == _POLLS_BEFORE_MESSAGE:
            print("Waiting for the request in progress. Press Ctrl-C again to abandon it.", file=sys.stderr)
        return self._is_forced

    def jobs_ended(self) -> None:
        """Do nothing: the command ends by itself."""

    def _force(self, _number: int, _frame: FrameType | None) -> None:
        self._is_forced = True


def _read_value(name: str, text: str) -> str:
    """Return an argument's value: of @FILE and @- what is read, of @@ and more what begins with the second @.

    Raises:
        CommandError: the file cannot be read, or is not UTF-8.
    """
    if not text.startswith("@"):
        return text
    if text.startswith("@@"):
        return text[1:]
    source = "standard input" if text == "@-" else text[1:]
    try:
        data = sys.stdin.buffer.read() if text == "@-" else Path(source).expanduser().read_bytes()
        return data.decode("utf-8-sig")
    except (OSError, RuntimeError, ValueError) as error:  # ValueError: no path, or no UTF-8
        reason = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error
        raise CommandError(
            f"{name}: {source} cannot be read: {getattr(reason, 'strerror', None) or reason}. A value that begins with"
            f" @ itself is written {name}=@@…"
        ) from None


def _parse_value(text: str, schema: dict[str, Any]) -> Any:
    if schema.get("type") not in ("number", "integer", "boolean"):
        return text  # the server reads lists and objects from JSON text
    try:
        return json.loads(text)
    except ValueError:
        return text  # the server's error message says which values are accepted


def _print_result(result: CallToolResult, *, as_json: bool) -> int:
    if result.is_error:
        text = "\n".join(block.text for block in result.content if block.type == "text")
        meta = result.meta or {}
        if meta.get("webvoice/error", {}).get("code") == NotAuthenticated.code:
            text += _LOGIN_HINT
        print(json.dumps({"error": text, **meta}) if as_json else text, file=sys.stderr)
        return 1
    fields: dict[str, Any] = result.structured_content or {}
    print(json.dumps(fields, indent=2) if as_json else _format_fields(fields))
    return 0


def _format_fields(fields: dict[str, Any]) -> str:
    lines = []
    for name, value in fields.items():
        if name == "files":
            lines += [f"file: {file['path']} ({file['mime_type']}, {file['size_bytes']} bytes)" for file in value]
        else:
            text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
            lines.append(f"{name}: {text}")
    # Indented, so that no line of the service's text looks like one of ours.
    return "\n".join(_CONTINUATION.join(sanitize(line).splitlines()) for line in lines)
