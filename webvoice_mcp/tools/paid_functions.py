"""The paid tools whose calls a worker process carries out: those that make media, or take long.

The module imports no SDK, and neither do the families that it names, so that the worker starts fast and stays small.
"""

import importlib
from collections.abc import Awaitable, Callable
from typing import Any

from webvoice_mcp.jobs.batch import PaidBatch
from webvoice_mcp.jobs.call import PaidCall

_FAMILIES = ("speech", "video", "image", "transcription", "translation")


def find_paid_function(name: str) -> Callable[..., Awaitable[PaidCall[Any] | PaidBatch[Any]]]:
    """Return the function of a paid tool of these families. They are imported one by one until it is found.

    Raises:
        LookupError: there is none.
    """
    for family in _FAMILIES:
        module = importlib.import_module(f"webvoice_mcp.tools.{family}")
        for tool in module.tools.tools:
            if tool.is_paid and tool.name == name:
                function: Callable[..., Awaitable[PaidCall[Any] | PaidBatch[Any]]] = tool.function
                return function
    raise LookupError(name)
