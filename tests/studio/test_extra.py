"""The command that adds the extra `media`, for every way in which the server can be installed."""

import tomllib
from importlib import util
from pathlib import Path

import pytest

from webvoice_mcp.studio.extra import PACKAGES, how_to_add, install_command

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_command_fits_the_way_in_which_the_server_was_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tool").mkdir()
    (tmp_path / "tool/uv-receipt.toml").touch()
    (tmp_path / "pipx").mkdir()
    (tmp_path / "pipx/pipx_metadata.json").touch()
    python = "/x/bin/python"

    def command(folder: str, *, has_pip: bool = True) -> str:
        monkeypatch.setattr(util, "find_spec", lambda _: object() if has_pip else None)
        return install_command(str(tmp_path / folder), python)

    assert command("tool") == "uv tool install 'webvoice-mcp[media]'"
    assert command("pipx") == "pipx install --force 'webvoice-mcp[media]'"
    assert command("uv/archive-v0/abc") == "uvx --from 'webvoice-mcp[media]' webvoice-mcp"
    assert command("venv") == "/x/bin/python -m pip install 'webvoice-mcp[media]'"
    assert command("venv", has_pip=False) == "uv pip install --python /x/bin/python 'webvoice-mcp[media]'"


def test_paths_are_quoted_for_the_systems_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(util, "find_spec", lambda _: object())
    python = "/My apps/python"
    assert install_command(str(tmp_path), python).startswith("'/My apps/python' -m pip")
    assert install_command(str(tmp_path), "/it's/python").startswith('"/it\'s/python" -m pip')
    monkeypatch.setattr("webvoice_mcp.studio.extra._ON_WINDOWS", True)
    assert install_command(str(tmp_path), python) == '"/My apps/python" -m pip install "webvoice-mcp[media]"'


def test_the_advice_says_where_to_use_the_command() -> None:
    assert how_to_add("uvx --from x y") == "let the client start the server with: uvx --from x y"
    assert how_to_add("pip install x") == "run: pip install x"
    assert how_to_add().endswith(install_command())


def test_the_extra_has_the_packages_that_are_looked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {text.partition(">")[0] for text in project["optional-dependencies"]["media"]}
    assert declared == set(PACKAGES)
