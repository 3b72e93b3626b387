"""The paid tools whose calls a worker process carries out: those that make media, or take long.

The module imports no SDK, and neither do the families in it, so that the worker stays small.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from webvoice_mcp.jobs.batch import PaidBatch
from webvoice_mcp.jobs.call import PaidCall
from webvoice_mcp.tools import image, speech, transcription, translation, video


def carried_functions() -> dict[str, Callable[..., Awaitable[PaidCall[Any] | PaidBatch[Any]]]]:
    """Return the functions of these tools, by the tools' names."""
    families = (speech, transcription, translation, image, video)
    return {tool.name: tool.function for family in families for tool in family.tools.tools if tool.is_paid}
