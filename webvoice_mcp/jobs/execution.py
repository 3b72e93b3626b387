"""The steps that carrying out a paid call consists of, for calls of one request and of many."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from webvoice_mcp.contract.estimate import Estimate
from webvoice_mcp.files import HandedInput, InputFile
from webvoice_mcp.jobs.caller import Caller
from webvoice_mcp.jobs.job import Job


class Execution(ABC):
    """One paid call while it is carried out; `run` calls its methods in the order in which they stand here.

    Attributes:
        outlives_caller: True if it goes on when its caller is gone.
        shows_pictures: True if its files are pictures that the model may look at.
    """

    outlives_caller: bool
    shows_pictures: bool

    @abstractmethod
    async def open_inputs(self, *, only_priced: bool = False) -> None:
        """Open each input file once, and judge it by its bytes.

        Args:
            only_priced: leave out files that have no bearing on the price.
        """

    @abstractmethod
    async def resolve_output(self) -> None:
        """Check that the output can be written."""

    @abstractmethod
    async def estimate(self, *, ask: bool) -> Estimate:
        """Estimate what has to be sent.

        Args:
            ask: ask the service, which is free, for a price that is not documented.
        """

    @abstractmethod
    async def create_output(self) -> None:
        """Create the output under a temporary name."""

    @abstractmethod
    async def complete(self) -> None:
        """Complete the request by free calls."""

    @abstractmethod
    async def check_unchanged(self) -> None:
        """Check that the input files are still as they were when they were opened."""

    @abstractmethod
    async def carry_out(self, caller: Caller[Any], job: Job) -> BaseModel:
        """Send the request or requests, save what comes, and return the tool's result."""

    @property
    @abstractmethod
    def digest(self) -> str:
        """A hash of what is sent, as far as that depends on files that are read whole; "" if nothing does."""

    @abstractmethod
    async def hand_over(self, *, with_descriptors: bool) -> list[HandedInput]:
        """Return the open input files for another process. Whoever gets them closes their descriptors."""


async def hand_over(files: Sequence[InputFile], *, with_descriptors: bool) -> list[HandedInput]:
    """Return open files for another process; if one of them cannot be handed over, no descriptor stays open."""
    handed: list[HandedInput] = []
    try:
        for file in files:
            handed.append(await file.hand_over(with_descriptor=with_descriptors))  # noqa: PERF401 - closed on failure
    except BaseException:
        for done in handed:
            done.close()
        raise
    return handed
