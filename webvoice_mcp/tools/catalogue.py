"""All toolsets, in the order in which their tools are listed."""

from webvoice_mcp.tools import account, chat, image, messaging, orders, speech, translation, video
from webvoice_mcp.tools._toolset import Entry, ToolSet

TOOLSETS: tuple[ToolSet, ...] = (
    account.tools,
    orders.tools,
    chat.tools,
    speech.tools,
    translation.tools,
    image.tools,
    video.tools,
    messaging.tools,
)


def offered(families: frozenset[str]) -> list[Entry]:
    """The entries of the chosen families."""
    return [entry for toolset in TOOLSETS if toolset.family in families for entry in toolset.entries]
