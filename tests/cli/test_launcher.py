"""Which command clients are told to run."""

import os
import sys
import tempfile
from importlib import metadata
from pathlib import Path

import pytest

from tests.cli.client_files import LAUNCHER
from webvoice_mcp.cli._launcher import lasts, launch
from webvoice_mcp.cli._machine import Machine
from webvoice_mcp.cli.clients import UVX, Launch

INSTALLED = Path(LAUNCHER)
posix = pytest.mark.skipif(os.name == "nt", reason="links need rights there, and programs an ending")


@pytest.fixture(autouse=True)
def no_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "passing"))


def machine(**environ: str) -> Machine:
    return Machine(sys.platform, "~", environ)


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_installed_command_is_named_with_its_full_path() -> None:
    assert launch(machine()) == Launch(str(INSTALLED))


@posix
def test_a_link_to_it_on_the_path_is_preferred(tmp_path: Path) -> None:
    (tmp_path / "webvoice-mcp").symlink_to(INSTALLED)
    assert launch(machine(PATH=str(tmp_path))) == Launch(str(tmp_path / "webvoice-mcp"))


@posix
def test_another_command_of_this_name_is_not(tmp_path: Path) -> None:
    program(tmp_path / "webvoice-mcp")
    assert launch(machine(PATH=str(tmp_path))) == Launch(str(INSTALLED))


def test_an_installation_that_passes_is_started_by_uvx() -> None:
    assert launch(machine(UV_CACHE_DIR=str(INSTALLED.parent.parent))) == UVX


@pytest.mark.parametrize("error", [metadata.PackageNotFoundError, None])
def test_so_is_one_that_left_no_record(monkeypatch: pytest.MonkeyPatch, error: type[Exception] | None) -> None:
    def files(_name: str) -> None:
        if error:
            raise error

    monkeypatch.setattr(metadata, "files", files)
    assert launch(machine()) == UVX


def test_and_one_whose_command_is_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Recorded:
        name = "webvoice-mcp"

        def locate(self) -> Path:
            return tmp_path / self.name

    monkeypatch.setattr(metadata, "files", lambda _name: [Recorded()])
    assert launch(machine()) == UVX


@posix
@pytest.mark.parametrize("variable", ["PATH", "UV"])
def test_uvx_can_be_named_with_its_full_path(tmp_path: Path, variable: str) -> None:
    uvx = program(tmp_path / "bin" / "uvx")
    value = uvx.parent if variable == "PATH" else uvx.with_name("uv")
    found = launch(machine(**{"UV_CACHE_DIR": str(INSTALLED.parent), variable: str(value)}), full_path=True)
    assert found == Launch(str(uvx), ("webvoice-mcp",))


def test_where_uvx_cannot_be_found_it_is_named_as_it_is() -> None:
    assert launch(machine(UV_CACHE_DIR=str(INSTALLED.parent)), full_path=True) == UVX


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("venv/bin/webvoice-mcp", True),
        (".local/bin/webvoice-mcp", True),
        (".local/share/uv/tools/webvoice-mcp/bin/webvoice-mcp", True),
        (".local/share/pipx/venvs/webvoice-mcp/bin/webvoice-mcp", True),
        ("cached things/bin/webvoice-mcp", True),
        (".cache/uv/archive-v0/C2OGj_g7OIacJgeJ/bin/webvoice-mcp", False),
        ("elsewhere/archive-v0/C2OGj_g7OIacJgeJ/bin/webvoice-mcp", False),
        ("elsewhere/environments-v2/0a1b/bin/webvoice-mcp", False),
        ("AppData/Local/uv/cache/builds-v0/.tmpAb12/Scripts/webvoice-mcp.exe", False),
        ("Library/Caches/pipx/0a1b/bin/webvoice-mcp", False),
        ("passing/venv/bin/webvoice-mcp", False),
        ("b\udcffd/bin/webvoice-mcp", False),
    ],
)
def test_what_lies_in_a_cache_or_a_temporary_folder_passes(tmp_path: Path, path: str, expected: bool) -> None:
    assert lasts(tmp_path / path, machine()) is expected


@posix
def test_a_link_into_a_cache_passes_too(tmp_path: Path) -> None:
    program(tmp_path / ".cache" / "webvoice-mcp")
    (tmp_path / "webvoice-mcp").symlink_to(".cache/webvoice-mcp")
    assert not lasts(tmp_path / "webvoice-mcp", machine())
