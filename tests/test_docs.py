"""What the documentation says is so: its commands run, its links lead somewhere, its tables are complete."""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from webvoice_mcp.errors import WebVoiceError
from webvoice_mcp.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "webvoice_mcp/README.md",
    *(f"docs/{each.name}" for each in ROOT.glob("docs/*.md")),
)
CI = ".ci/run"

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)#\s]+)")

# Each with a letter in brackets, so that this file does not hold what it looks for.
_FOREIGN = {
    "a path of one machine": r"/w[o]rk\b|/h[o]me/|/U[s]ers/[a-z]",
    "a folder outside the project": r"\bs[h]ared/",
    "a host of a package registry": r"p[y]pi\.org|pythonh[o]sted|n[p]mjs\.|c[r]ates\.io|d[e]bian\.org",
    "a number of an issue": r"(?<![\w&])#\d+\b|(?<!python-sdk )\bissues? #?\d",
}


def fences(language: str) -> list[str]:
    """The blocks of a language in all pages."""
    texts = [(ROOT / page).read_text(encoding="utf-8") for page in PAGES]
    return [body for text in texts for kind, body in _FENCE.findall(text) if kind == language]


def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who has just installed the package."""
    own = {
        "PATH": str(Path(sys.executable).parent),
        "HOME": str(tmp_path),
        "USERPROFILE": str(tmp_path),
        "WEBVOICE_STATE_DIR": str(tmp_path / "state"),
    }
    return own | {
        name: value for name, value in os.environ.items() if name.startswith(("COVERAGE", "COV_", "SYSTEMROOT"))
    }


def _runs(command: str, tmp_path: Path) -> None:
    words = command.split()
    words[0] = shutil.which(words[0], path=str(Path(sys.executable).parent)) or words[0]
    done = subprocess.run(words, env=environment(tmp_path), capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def _serves(command: str, tmp_path: Path) -> None:
    own = command.replace("webvoice-mcp", "-m webvoice_mcp") + f" --port 0 --state-dir {tmp_path}"
    with subprocess.Popen([sys.executable, *own.split()], env=environment(tmp_path), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        first = process.stdout.readline().decode()
        try:
            (site,) = re.findall(r"(http://127\.0\.0\.1:\d+)/api/v1", first)
            with urllib.request.urlopen(f"{site}/sandbox/inbox/?email=nobody@example.com") as answer:
                assert json.load(answer) == {"messages": []}
        finally:
            process.terminate()
    assert process.returncode == 0


def _is_run_by_ci(command: str, _tmp_path: Path) -> None:
    assert command in (ROOT / CI).read_text(encoding="utf-8")
    assert (ROOT / command.split()[1]).is_file()


def _is_done_with_the_wheel(command: str, _tmp_path: Path) -> None:
    assert command == "pip install webvoice-mcp"  # which CI does with the wheel that it has built
    assert "scripts/check_wheel.py" in (ROOT / CI).read_text(encoding="utf-8")


def _examines(command: str, tmp_path: Path) -> None:
    own = [sys.executable, "-m", "webvoice_mcp", *command.split()[1:]]
    environ = environment(tmp_path) | {"WEBVOICE_BASE_URL": "http://127.0.0.1:9/api/v1"}  # nothing listens there
    done = subprocess.run(own, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.endswith(" checks failed, and 3 could not be made.\n")


COMMANDS: dict[str, Callable[[str, Path], None]] = {
    "python3 scripts/demo.py": _is_run_by_ci,
    "python3 scripts/test.py": _is_run_by_ci,
    "pip install webvoice-mcp": _is_done_with_the_wheel,
    "webvoice-mcp install cursor": _runs,
    "webvoice-mcp tools": _runs,
    "webvoice-mcp call webvoice_account_links": _runs,
    "webvoice-mcp sandbox": _serves,
    "webvoice-mcp doctor": _examines,
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_in_the_pages_does_what_they_say(command: str, tmp_path: Path) -> None:
    COMMANDS[command](command, tmp_path)


def test_no_command_in_the_pages_is_unknown_to_the_test_above() -> None:
    assert {line for block in fences("sh") for line in block.splitlines()} == set(COMMANDS)


@pytest.mark.parametrize("block", fences("json"))
async def test_a_client_configuration_in_the_pages_starts_a_server(block: str, tmp_path: Path) -> None:
    (entry,) = json.loads(block)["mcpServers"].values()
    command = shutil.which(entry["command"], path=str(Path(sys.executable).parent))
    assert command is not None
    server = StdioServerParameters(command=command, args=entry.get("args", []), env=environment(tmp_path))
    async with Client(server, mode="legacy") as client:
        assert client.server_info is not None
        assert client.server_info.name == "webvoice"


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files_that_exist(page: str) -> None:
    folder = (ROOT / page).parent
    links = _LINK.findall((ROOT / page).read_text(encoding="utf-8"))
    assert [link for link in links if not (folder / link).exists()] == []


class _Noting(dict[str, str]):
    """An empty environment that notes which variables are asked for."""

    asked: set[str]

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]  # as Settings asks: always with a default
        self.asked.add(name)
        return default


def variables_read() -> set[str]:
    """The variables that `Settings` reads."""
    noting = _Noting()
    noting.asked = set()
    Settings.read(noting)
    return noting.asked


def documented() -> dict[str, str]:
    """The variables on the page of settings, with their defaults as they stand there."""
    page = (ROOT / "docs/SETTINGS.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| `(WEBVOICE_\w+)` \| (.*?) \|", page, re.MULTILINE))


def test_every_error_has_its_cause_and_cure_on_the_page_and_no_other_has() -> None:
    page = (ROOT / "docs/TROUBLESHOOTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z_]+)` \| (.+?) \| (.+?) \|$", page, re.MULTILINE)
    codes = [each.code for each in _all_errors(WebVoiceError) if "code" in vars(each)]
    assert sorted(code for code, _, _ in rows) == sorted(codes)


def _all_errors(error: type[WebVoiceError]) -> Iterator[type[WebVoiceError]]:
    for each in error.__subclasses__():
        yield each
        yield from _all_errors(each)


def test_the_table_of_settings_names_every_variable_that_is_read_and_no_other() -> None:
    assert set(documented()) == variables_read()


def test_defaults_in_the_table_of_settings_are_those_that_hold() -> None:
    stated = {name: cell.strip("`") for name, cell in documented().items() if re.fullmatch(r"`[^`]+`", cell)}
    assert len(stated) > 5
    assert Settings.read(stated) == Settings.read({})


def test_the_tests_that_hold_a_threat_exist() -> None:
    page = (ROOT / "docs/SECURITY.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/\S+\.py)::(test_\w+)`", page)
    assert len(named) > 30
    assert [f"{file}::{name}" for file, name in named if f"def {name}(" not in (ROOT / file).read_text("utf-8")] == []


def test_the_map_names_every_part_of_the_package_and_only_parts_that_exist() -> None:
    (block,) = (each for each in fences("") if each.startswith("webvoice_mcp/\n"))
    package = ROOT / "webvoice_mcp"
    rooms = re.findall(r"^  (\w+(?:/|\.py))", block, re.MULTILINE)
    there = {each.name + "/" * each.is_dir() for each in package.iterdir()}
    assert len(set(rooms)) == len(rooms)
    assert set(rooms) == there - {"__pycache__/", "__init__.py", "py.typed", "README.md"}
    assert [path for path in _inner_paths(block) if not (package / path).exists()] == []


def _inner_paths(block: str) -> Iterator[str]:
    room = ""
    for line in block.splitlines():
        if found := re.match(r"  (\w+)/", line):
            room = found[1]
        elif found := re.match(r"    (\w+(?:/|\.py))", line):
            yield f"{room}/{found[1]}"


def _own_files() -> list[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.splitlines() if (ROOT / name).is_file() and not name.endswith(".png")]


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="git alone knows which files belong to the project")
@pytest.mark.parametrize("what", _FOREIGN)
def test_no_file_speaks_of_what_is_outside_the_project(what: str) -> None:
    pattern = re.compile(_FOREIGN[what])
    found = []
    for name in _own_files():
        lines = (ROOT / name).read_bytes().decode(errors="replace").splitlines()
        found += [f"{name}:{number}: {line[:100]}" for number, line in enumerate(lines, 1) if pattern.search(line)]
    assert found == []
