"""The command that clients are configured to run."""

import os
import sys
import tempfile
from importlib import metadata
from pathlib import Path

import pytest

from tests.cli.client_files import LAUNCHER
from webvoice_mcp.cli.clients.mcp_clients import UVX, ServerCommand
from webvoice_mcp.cli.clients.platforms import Platform
from webvoice_mcp.cli.clients.server_command import choose_server_command, is_permanent

INSTALLED = Path(LAUNCHER)
posix = pytest.mark.skipif(os.name == "nt", reason="on Windows, links need privileges and programs need a suffix")


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make another folder the temporary one, so that the test's own folder does not count as temporary."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))


def platform(**environ: str) -> Platform:
    return Platform(sys.platform, "~", environ)


def create_program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_installed_command_has_its_full_path() -> None:
    assert choose_server_command(platform()) == ServerCommand(str(INSTALLED))


@posix
def test_a_link_to_it_on_the_path_is_preferred(tmp_path: Path) -> None:
    (tmp_path / "webvoice-mcp").symlink_to(INSTALLED)
    assert choose_server_command(platform(PATH=str(tmp_path))) == ServerCommand(str(tmp_path / "webvoice-mcp"))


@posix
def test_another_command_of_this_name_is_not_used(tmp_path: Path) -> None:
    create_program(tmp_path / "webvoice-mcp")
    assert choose_server_command(platform(PATH=str(tmp_path))) == ServerCommand(str(INSTALLED))


def test_a_temporary_installation_is_started_with_uvx() -> None:
    server = choose_server_command(platform(UV_CACHE_DIR=str(INSTALLED.parent.parent)), full_path=True)
    assert server == UVX


@pytest.mark.parametrize("error", [metadata.PackageNotFoundError, None])
def test_an_installation_without_a_record_is_started_with_uvx(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception] | None
) -> None:
    def files(_name: str) -> None:
        if error:
            raise error

    monkeypatch.setattr(metadata, "files", files)
    assert choose_server_command(platform()) == UVX


def test_an_installation_without_its_command_is_started_with_uvx(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class RecordedFile:
        name = "webvoice-mcp"

        def locate(self) -> Path:
            return tmp_path / self.name

    monkeypatch.setattr(metadata, "files", lambda _name: [RecordedFile()])
    assert choose_server_command(platform()) == UVX


@posix
@pytest.mark.parametrize("variable", ["PATH", "UV"])
def test_uvx_can_have_its_full_path(tmp_path: Path, variable: str) -> None:
    uvx = create_program(tmp_path / "bin" / "uvx")
    value = uvx.parent if variable == "PATH" else uvx.with_name("uv")
    variables = {"UV_CACHE_DIR": str(INSTALLED.parent), variable: str(value)}
    assert choose_server_command(platform(**variables), full_path=True) == ServerCommand(str(uvx), ("webvoice-mcp",))


PERMANENT = (
    ".local/bin/webvoice-mcp",
    ".local/share/uv/tools/webvoice-mcp/bin/webvoice-mcp",
    "cached things/bin/webvoice-mcp",
)
TEMPORARY = (
    ".cache/uv/bin/webvoice-mcp",
    "elsewhere/archive-v0/C2OGj_g7OIacJgeJ/bin/webvoice-mcp",
    "elsewhere/environments-v2/0a1b/bin/webvoice-mcp",
    "elsewhere/builds-v0/.tmpAb12/Scripts/webvoice-mcp.exe",
    "Library/Caches/pipx/0a1b/bin/webvoice-mcp",
    "temporary/venv/bin/webvoice-mcp",
    "b\udcffd/bin/webvoice-mcp",
)


def test_a_command_in_a_cache_or_a_temporary_folder_is_not_permanent(tmp_path: Path) -> None:
    paths = (*PERMANENT, *TEMPORARY)
    assert tuple(path for path in paths if is_permanent(tmp_path / path, platform())) == PERMANENT


@posix
def test_a_link_into_a_cache_is_not_permanent(tmp_path: Path) -> None:
    create_program(tmp_path / ".cache" / "webvoice-mcp")
    (tmp_path / "webvoice-mcp").symlink_to(".cache/webvoice-mcp")
    assert not is_permanent(tmp_path / "webvoice-mcp", platform())
