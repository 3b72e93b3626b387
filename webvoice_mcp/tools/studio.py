"""Studio: local work on sound and films."""

from typing import Annotated

from pydantic import Field

from webvoice_mcp.errors import InvalidArgument
from webvoice_mcp.files import Files
from webvoice_mcp.studio.player import Player
from webvoice_mcp.tools.results import Result
from webvoice_mcp.tools.toolset import WRITES_LOCALLY, ToolSet

tools = ToolSet("studio")

# ffplay skips through a file without an error if there is no sound device.
_ENDED = "The player has ended already: the file is very short, or this computer has no sound device."


class Playing(Result):
    """The player's state."""

    playing: bool
    player: str | None = None
    note: str | None = None


@tools.free(title="Play", effect=WRITES_LOCALLY)
async def webvoice_play(
    path: Annotated[str, Field(description="Sound or a film, whose sound is played. Unset only to stop.")] = "",
    stop: Annotated[bool, Field(description="End what plays.")] = False,
    *,
    files: Files,
    player: Player,
) -> Playing:
    """Play a file aloud on the user's computer; answers at once, while it plays.

    Free. One file at a time: another one replaces it.
    """
    if stop and path:
        raise InvalidArgument("Give path to play a file, or stop to end what plays, not both.")
    if stop:
        return Playing(playing=False, player=await player.stop() or None)
    if not path:
        raise InvalidArgument("path is missing: the file to play. Or give stop to end what plays.")
    name = await player.play(await files.find_local(path, argument="path"))
    return Playing(playing=player.is_playing, player=name, note=None if player.is_playing else _ENDED)
