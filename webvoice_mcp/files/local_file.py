"""Sound and films that are used on this computer and never sent."""

import os
from dataclasses import dataclass
from pathlib import Path

from webvoice_mcp.errors import UnsupportedMedia
from webvoice_mcp.files.disk import OPEN_FOR_READING, disk_errors, is_file
from webvoice_mcp.files.find_input import find_input
from webvoice_mcp.files.kinds import KINDS, Kind, sniff
from webvoice_mcp.files.path_policy import PathPolicy

_FAMILIES = ("audio", "video")


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file of sound, or a film.

    Attributes:
        path: absolute path, with links followed.
        kind: its kind, judged by its bytes.
    """

    path: Path
    kind: Kind


def find_local(given: str, argument: str, policy: PathPolicy) -> LocalFile:
    """Find a file of sound or a film. Blocks.

    Raises:
        InvalidArgument: the text is not a path.
        FileNotFound: there is no such file.
        PathNotAllowed: it is hidden or outside the allowed folders.
        UnsupportedMedia: its content is of another kind.
        DiskError: it cannot be read.
    """
    path = policy.absolute(given, argument)
    policy.refuse_hidden(path, argument, "read")
    real = find_input(given, argument, policy)
    policy.refuse_hidden(real, argument, "read")
    with disk_errors("read", path):
        if not is_file(real.stat()):
            raise UnsupportedMedia(f"{argument}: {given} is a folder, device or pipe. Give the path of a file.")
        with open(real, "rb", opener=lambda name, _: os.open(name, OPEN_FOR_READING)) as file:
            kind = sniff(file)
    if kind is None or kind.family not in _FAMILIES:
        accepted = ", ".join(known.name for known in KINDS if known.family in _FAMILIES)
        raise UnsupportedMedia(
            f"{argument}: {given} is {kind.name if kind else 'in no known format'}, judged by its content. Accepted are"
            f" sound and films: {accepted}."
        )
    return LocalFile(real, kind)
