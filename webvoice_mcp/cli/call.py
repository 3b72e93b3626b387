"""`webvoice-mcp call`: one tool call from the terminal, through the same code as MCP."""

import argparse
import json
import signal
import sys
from dataclasses import replace
from types import FrameType
from typing import Any

_DESCRIPTION = """\
Call one tool. A value is text; where the parameter is a number, a truth value or a list, it is read as JSON:
webvoice-mcp call webvoice_tts text="Hello there" speed=1.0"""

_LOOKS_BEFORE_TELLING = 3  # what is given up anyway takes a moment to end


def run(words: list[str]) -> int:
    """Call a tool and print its result; 1 when the call failed."""
    parser = argparse.ArgumentParser(prog="webvoice-mcp call", description=_DESCRIPTION, allow_abbrev=False)
    parser.add_argument("tool", help="a tool's name, from: webvoice-mcp tools")
    parser.add_argument("arguments", nargs="*", default=[], metavar="name=value")
    parser.add_argument("--json", action="store_true", help="the structured result as JSON")
    chosen = parser.parse_intermixed_args(words)
    if wrong := [word for word in chosen.arguments if "=" not in word]:
        parser.error(f"{wrong[0]!r} is not of the form name=value")
    pairs = [word.split("=", 1) for word in chosen.arguments]
    from webvoice_mcp.cli import _start  # noqa: PLC0415 - after the words are known to be right

    settings = _start.settings()
    import anyio  # noqa: PLC0415 - as above
    from mcp import Client  # noqa: PLC0415 - as above

    from webvoice_mcp.cli._progress import bar  # noqa: PLC0415 - as above
    from webvoice_mcp.client.answers import harmless  # noqa: PLC0415 - as above
    from webvoice_mcp.server import build  # noqa: PLC0415 - as above

    # A job's answer would be of no use: the process that has the job ends with the call.
    patient = replace(settings, inline_wait=0)

    async def call() -> int:
        # Within a process, only the handshake's revisions carry progress.
        async with Client(build(patient, departure=_Waiting()), mode="legacy") as client:
            schemas = {tool.name: tool.input_schema for tool in (await client.list_tools()).tools}
            properties = schemas.get(chosen.tool, {}).get("properties", {})
            arguments = {name: _value(text, properties.get(name, {})) for name, text in pairs}
            async with bar(chosen.tool) as heard:
                result = await client.call_tool(chosen.tool, arguments, progress_callback=heard)
        text = "\n".join(block.text for block in result.content if block.type == "text")
        if result.is_error:
            print(json.dumps({"error": text, **(result.meta or {})}) if chosen.json else text, file=sys.stderr)
            return 1
        fields: dict[str, Any] = result.structured_content or {}
        print(json.dumps(fields, indent=2) if chosen.json else harmless(_shown(fields)))
        return 0

    return anyio.run(call)


class _Waiting:
    """Tells the person why the command has not ended: what was ordered still gets its time, until Ctrl-C."""

    def __init__(self) -> None:
        self._looks = 0
        self._given_up = False

    def hurried(self) -> bool:
        self._looks += 1
        if self._looks == 1:
            signal.signal(signal.SIGINT, self._give_up)
        if self._looks == _LOOKS_BEFORE_TELLING:
            print("Waiting for what was ordered; Ctrl-C gives it up.", file=sys.stderr)
        return self._given_up

    def settled(self) -> None:
        """The command ends by itself."""

    def _give_up(self, _number: int, _frame: FrameType | None) -> None:
        self._given_up = True


def _value(text: str, schema: dict[str, Any]) -> Any:
    if schema.get("type") in (None, "string"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text  # the tool says what it accepts


def _shown(fields: dict[str, Any]) -> str:
    lines = []
    for name, value in fields.items():
        if name == "files":
            lines += [f"file: {each['path']} ({each['mime_type']}, {each['size_bytes']} bytes)" for each in value]
        else:
            shown = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
            lines.append(f"{name}: {shown}")
    return "\n".join(lines)
