from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.sandbox.world import Clock, World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A new sandbox that nobody has registered with."""
    made = World(tmp_path / "state", Clock())
    async with made.client:
        yield made


@pytest.fixture
async def ann(world: World) -> World:
    """A sandbox with one account, whose key is sent."""
    await world.register()
    return world
