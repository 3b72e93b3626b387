from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.sandbox.world import Clock, SandboxClient


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[SandboxClient]:
    """A client of a new sandbox without accounts."""
    made = SandboxClient(tmp_path / "state", Clock())
    async with made.http:
        yield made


@pytest.fixture
async def ann(client: SandboxClient) -> SandboxClient:
    """A client that sends the key of the only account in a sandbox."""
    await client.register()
    return client
