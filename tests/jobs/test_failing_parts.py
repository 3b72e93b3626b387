"""A service that fails at any one part of a work: what it answered is never paid for again, and the work gets whole."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from tests.jobs.works import WORKS, Work
from tests.support import MakeSettings, failed, fields
from tests.wire.sandbox_service import SandboxService, running_sandbox
from webvoice_mcp.server import create_server

pytestmark = [
    pytest.mark.wide,
    pytest.mark.engines,
    pytest.mark.parametrize("work", WORKS, ids=lambda work: work.tool.removeprefix("webvoice_")),
]

EMAIL = "works@example.com"
FAULTS: dict[str, tuple[dict[str, Any], str, bool]] = {  # the fault, the error, and True if the part was billed
    "refused": ({"status": 402}, "insufficient_credits: ", False),
    "out of order": ({"status": 500}, "server_error: ", False),
    "dropped": ({"drop": True}, "network_error: ", False),
    "cut short": ({"cut_at": 40}, "invalid_response: ", True),
}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SandboxService, str]]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as service:
        key = service.register(EMAIL)
        service.purchase(EMAIL, 100_000)
        yield service, key


class World:
    """A server that works with the sandbox, and the sandbox's ledger."""

    def __init__(self, client: Client, service: SandboxService, key: str, out: Path) -> None:
        self.client = client
        self._service = service
        self.out = out
        self._key = key

    async def call(self, work: Work, name: str) -> tuple[dict[str, Any], float]:
        """Call, and return the result and what the sandbox charged for it."""
        before = self._credits
        result = fields(await self.client.call_tool(work.tool, work.call(name)))
        charged = before - self._credits
        assert result["credits_used"] == pytest.approx(charged)
        return result, charged

    async def fail(self, work: Work, name: str) -> tuple[str, float]:
        """Call, and return the error and what the sandbox charged all the same."""
        before = self._credits
        message = failed(await self.client.call_tool(work.tool, work.call(name)))
        return message, before - self._credits

    @property
    def _credits(self) -> float:
        return self._service.credits(self._key)

    def fail_at(self, work: Work, number: int, fault: dict[str, Any]) -> None:
        """Let the sandbox fail at a part, from 1."""
        if number > 1:
            self._service.fault(work.path, times=number - 1, delay=0.001)
        self._service.fault(work.path, **fault)


@pytest.fixture
def world(make_settings: MakeSettings, sandbox: tuple[SandboxService, str], out: Path) -> Any:
    @asynccontextmanager
    async def make(work: Work) -> AsyncIterator[World]:
        service, key = sandbox
        service.clear_faults()
        work.prepare(out)
        settings = make_settings(BASE_URL=service.base_url, API_KEY=key, INLINE_WAIT=0)
        async with Client(create_server(settings)) as client:
            yield World(client, service, key, out)

    return make


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_whichever_part_fails_no_other_is_paid_for_again(
    world: Any, work: Work, fault: tuple[dict[str, Any], str, bool]
) -> None:
    response, error, is_billed = fault
    async with world(work) as on:
        whole, price = await on.call(work, "whole")
        assert (whole["parts"], whole["parts_reused"]) == (work.parts, 0)
        for number in range(1, work.parts + 1):
            name = f"n{number}"
            on.fail_at(work, number, response)
            message, answered = await on.fail(work, name)
            result, rest = await on.call(work, name)
            assert message.startswith(error)
            assert f"{result['parts_reused']} of {work.parts} parts are kept." in message
            assert result["parts_reused"] >= number - 1
            lost = price / work.parts if is_billed else 0.0
            assert answered == pytest.approx(result["parts_reused"] * price / work.parts + lost)
            assert answered + rest == pytest.approx(price + lost)
            assert work.made(on.out, name) == work.made(on.out, "whole")
