"""Files of jobs in the history. The functions block: they run in the history's thread."""

from __future__ import annotations  # annotations name classes that are imported late

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from webvoice_mcp.files import MadeFile, SavedFile

if TYPE_CHECKING:  # imported when the history is first used
    import sqlite3


def record_made(connection: sqlite3.Connection, job: str, saved: Sequence[SavedFile], made_at: float) -> None:
    """Write down what tells the files of a job from any others."""
    for number, file in enumerate(saved, 1):
        if file.id is not None:
            state = (str(file.id.inode), file.size_bytes, file.modified_ns)
            connection.execute(
                "INSERT OR REPLACE INTO made_files VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (made_at, job, number, os.fsencode(file.path), file.uri, *state),
            )


def made_files(connection: sqlite3.Connection, uris: Sequence[str], job: str, limit: int) -> list[MadeFile]:
    """Return files, the newest first and those of one job in their order; with URIs or a job only those."""
    where, values = "true", list(uris)
    if uris:
        where += f" AND uri IN ({', '.join('?' * len(uris))})"
    if job:
        where += " AND job = ?"
        values.append(job)
    found = connection.execute(
        f"SELECT * FROM made_files WHERE {where} ORDER BY made_at DESC, job, number LIMIT ?",  # noqa: S608 - no values
        (*values, limit),
    )
    made = [
        MadeFile(
            row["job"],
            row["number"],
            Path(os.fsdecode(row["path"])),
            row["uri"],
            int(row["inode"]),
            row["size"],
            row["modified_ns"],
        )
        for row in found
    ]
    # SQL compares without regard to case, as Windows does.
    exact = set(map(os.path.normcase, uris))
    return [file for file in made if not uris or os.path.normcase(file.uri) in exact]
