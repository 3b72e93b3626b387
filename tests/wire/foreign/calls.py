"""The calls that frameworks and gateways make, and what a model would see of the answers.

A program's module has a context manager `connected`, which takes the server and a function for progress. The programs
of Python frameworks run with the packages of their own environment, so this module needs none.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, field
from typing import Any

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as a model sees it.

    Attributes:
        failed: the program took it for an error.
        text: its text; other blocks than pictures are text, too.
        pictures: the pictures in base64.
    """

    failed: bool
    text: str
    pictures: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Connection:
    """A connected client.

    Attributes:
        schemas: the schema of each tool's arguments, as a model gets it.
        call: calls a tool with its arguments.
        last: is called after all calls; its result is `Report.last`.
    """

    schemas: dict[str, Message]
    call: Callable[[str, Message], Awaitable[Answer]]
    last: Callable[[], Awaitable[str]] | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The report of a program after its calls: by call its answer and the messages of its progress."""

    schemas: dict[str, Message]
    answers: dict[str, Answer]
    progress: dict[str, list[str]] = field(default_factory=dict)
    last: str = ""

    @classmethod
    def read(cls, text: str) -> "Report":
        """Read a report that a program wrote."""
        fields: Message = json.loads(text)
        return cls(**fields | {"answers": {name: Answer(**answer) for name, answer in fields["answers"].items()}})


OnProgress = Callable[[str | None], None]
Connected = Callable[[Message, OnProgress], AbstractAsyncContextManager[Connection]]


async def make_calls(connected: Connected, server: Message, calls: dict[str, Message]) -> Report:
    """Make calls (each has `tool` and `arguments`) and return the report."""
    answers: dict[str, Answer] = {}
    progress: dict[str, list[str]] = {name: [] for name in calls}
    name = ""
    async with connected(server, lambda message: progress[name].append(message or "")) as connection:
        for name, call in calls.items():
            answers[name] = await connection.call(call["tool"], call["arguments"])
        last = await connection.last() if connection.last else ""
        return Report(connection.schemas, answers, progress, last)


def run(connected: Connected) -> None:
    """Make the calls that stdin names as JSON, and write the report to stdout."""
    given = json.load(sys.stdin)
    report = asyncio.run(make_calls(connected, given["server"], given["calls"]))
    json.dump(asdict(report), sys.stdout)
