"""Checks that files and keys can be saved."""

import os
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from webvoice_mcp.cli.doctor.check import Check
from webvoice_mcp.cli.startup import OUTPUT_DIR, STATE_DIR
from webvoice_mcp.errors import FileError
from webvoice_mcp.files.path_policy import PathPolicy
from webvoice_mcp.settings import Settings


def check(settings: Settings) -> Iterator[Check]:
    """Check the output folder and the folders of keys and history."""
    unknown = settings.unknown_folders
    yield _check_writable("output folder writable", settings.output_dir, OUTPUT_DIR, unknown)
    names = ("key folder writable", "history folder writable")
    for name, folder in zip(names, settings.state_dirs, strict=False):
        yield _check_writable(name, folder, STATE_DIR, unknown)
    if unknown:
        return
    try:
        PathPolicy(settings.output_dir, (), settings.state_dirs).resolve(settings.output_dir, OUTPUT_DIR)
    except FileError as error:
        detail, _, cure = str(error).partition(". ")
        yield Check("output folder apart from keys", False, detail, cure)


def _check_writable(name: str, folder: Path, variable: str, unknown: Collection[str]) -> Check:
    if variable in unknown:
        return Check(name, False, f"not checked: {variable} is unset", "Fix that first.", was_run=False)
    above = (folder, *folder.parents)
    existing = next((path for path in above if os.path.exists(path)), folder)  # noqa: PTH110 - Path.exists may raise
    try:
        # Permission bits are not reliable on every system, so a file is created. It is deleted at once.
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        detail = f"{existing}: {error.strerror or type(error).__name__}"
        return Check(name, False, detail, f"Make it a folder that you can write to, or set {variable} to one.")
    return Check(name, True, f"{folder}" if existing == folder else f"{folder} (created when first needed)")
