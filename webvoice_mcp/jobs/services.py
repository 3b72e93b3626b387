"""The parts that all tools and jobs of a running server share."""

from dataclasses import dataclass
from typing import Self

from webvoice_mcp.client.auth import Keys
from webvoice_mcp.client.client import Client
from webvoice_mcp.client.free_client import FreeClient
from webvoice_mcp.files import Files
from webvoice_mcp.jobs.budget import Budget, period_limits
from webvoice_mcp.jobs.estimates import Estimates
from webvoice_mcp.jobs.history import History
from webvoice_mcp.jobs.jobs import Jobs
from webvoice_mcp.jobs.parts import Parts
from webvoice_mcp.jobs.questions import Questions
from webvoice_mcp.jobs.worker_process import WorkerProcess
from webvoice_mcp.settings import Settings
from webvoice_mcp.studio.player import Player

GRACE_SECONDS = 20.0
"""Seconds that running jobs get when the process ends; many hosts give less."""


@dataclass(frozen=True, slots=True)
class Services:
    """The shared parts of a running server, or of its worker.

    Attributes:
        worker: the worker process; None if jobs run in this one.
    """

    settings: Settings
    client: Client
    keys: Keys
    files: Files
    estimates: Estimates
    budget: Budget
    history: History
    jobs: Jobs
    parts: Parts
    questions: Questions
    player: Player
    worker: WorkerProcess | None = None

    @classmethod
    def create(cls, settings: Settings, keys: Keys, client: Client, *, limit: float | None) -> Self:
        """Create them.

        Args:
            limit: credits that this process may spend, None for no limit.
        """
        history = History(settings.history_file, settings.base_url, limits=period_limits(settings))
        return cls(
            settings=settings,
            client=client,
            keys=keys,
            files=Files(settings),
            estimates=Estimates(client),
            budget=Budget(limit),
            history=history,
            jobs=Jobs(history, grace=GRACE_SECONDS),
            parts=Parts(settings.parts_dir, settings.base_url),
            questions=Questions(),
            player=Player(),
        )

    async def aclose(self) -> None:
        """Close connections and files."""
        await self.client.aclose()
        await self.history.aclose()
        await self.parts.aclose()

    @property
    def free_client(self) -> FreeClient:
        """The client that tools get: it calls free endpoints only."""
        return FreeClient(self.client)
