"""The documentation is true: its commands run, its links lead to files, its tables are complete."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from webvoice_mcp.errors import WebVoiceError
from webvoice_mcp.settings import SETTINGS

pytestmark = pytest.mark.untraced

ROOT = Path(__file__).resolve().parent.parent
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "webvoice_mcp/README.md",
    *(f"docs/{path.name}" for path in ROOT.glob("docs/*.md")),
)
CI = ".ci/run"
TIMEOUT_SECONDS = 120
LINE = 131  # characters of a line of prose
FOR_TESTS = {"WEBVOICE_LIVE_KEY", "WEBVOICE_BUNDLE_SCHEMA", "WEBVOICE_REGISTRY_SCHEMA", "WEBVOICE_TEST_PICTURES"}

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)#\s]+)")

# A letter of each word stands in brackets, so that this file does not contain the words themselves.
_FOREIGN = {
    "path_of_one_machine": r"/w[o]rk\b|/h[o]me/|/U[s]ers/[a-z]",
    "folder_outside_the_project": r"\bs[h]ared/",
    "host_of_a_package_registry": r"p[y]pi\.org|pythonh[o]sted|n[p]mjs\.|c[r]ates\.io|d[e]bian\.org",
    "number_of_an_issue": r"(?<![\w&])#\d+\b|(?<!python-sdk )\bissues? #?\d",
}


def fences(language: str) -> list[str]:
    """Return the fenced blocks of a language from all pages."""
    texts = [(ROOT / page).read_text(encoding="utf-8") for page in PAGES]
    return [body for text in texts for kind, body in _FENCE.findall(text) if kind == language]


def environment(tmp_path: Path) -> dict[str, str]:
    """Return the environment of somebody who has just installed the package."""
    own = {
        "PATH": str(Path(sys.executable).parent),
        "HOME": str(tmp_path),
        "USERPROFILE": str(tmp_path),
        "WEBVOICE_STATE_DIR": str(tmp_path / "state"),
    }
    return own | {
        name: value for name, value in os.environ.items() if name.startswith(("COVERAGE", "COV_", "SYSTEMROOT"))
    }


def _run(words: list[str], environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, env=environ, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)


def _runs(command: str, tmp_path: Path) -> None:
    words = command.split()
    words[0] = shutil.which(words[0], path=str(Path(sys.executable).parent)) or words[0]
    done = subprocess.run(
        words, env=environment(tmp_path), capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def _serves(command: str, tmp_path: Path) -> None:
    words = command.replace("webvoice-mcp", "-m webvoice_mcp").split()
    words += ["--port", "0", "--state-dir", str(tmp_path)]
    with subprocess.Popen([sys.executable, *words], env=environment(tmp_path), stdout=subprocess.PIPE) as process:
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


def _is_checked_with_the_wheel(command: str, _tmp_path: Path) -> None:
    assert command == "pip install webvoice-mcp"  # CI installs the wheel that it has built
    assert "scripts/check_wheel.py" in (ROOT / CI).read_text(encoding="utf-8")


def _finds_failures(command: str, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "webvoice_mcp", *command.split()[1:]]
    environ = environment(tmp_path) | {"WEBVOICE_BASE_URL": "http://127.0.0.1:9/api/v1"}  # nothing listens there
    done = _run(words, environ)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.endswith(" checks failed, and 3 could not be run.\n")


COMMANDS: dict[str, Callable[[str, Path], None]] = {
    "python3 scripts/demo.py": _is_run_by_ci,
    "python3 scripts/test.py": _is_run_by_ci,
    "pip install webvoice-mcp": _is_checked_with_the_wheel,
    "webvoice-mcp install cursor": _runs,
    "webvoice-mcp tools": _runs,
    "webvoice-mcp call webvoice_account_links": _runs,
    "webvoice-mcp sandbox": _serves,
    "webvoice-mcp doctor": _finds_failures,
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.wide
def test_a_command_in_the_pages_works(command: str, tmp_path: Path) -> None:
    COMMANDS[command](command, tmp_path)


def test_every_command_in_the_pages_is_tested() -> None:
    assert {line for block in fences("sh") for line in block.splitlines()} == set(COMMANDS)


@pytest.mark.slow
async def test_every_client_configuration_in_the_pages_starts_a_server(tmp_path: Path) -> None:
    # Equal entries stand on several pages; one start tells about all of them.
    entries = {json.dumps(entry) for block in fences("json") for entry in json.loads(block)["mcpServers"].values()}
    assert entries
    for entry in map(json.loads, entries):
        command = shutil.which(entry["command"], path=str(Path(sys.executable).parent))
        assert command is not None
        server = StdioServerParameters(command=command, args=entry.get("args", []), env=environment(tmp_path))
        async with Client(server, mode="legacy") as client:
            assert client.server_info is not None
            assert client.server_info.name == "webvoice"


def test_no_line_of_prose_is_too_long() -> None:
    for page in set(PAGES) - {"docs/TOOLS.md", "docs/CLIENTS.md"}:  # which are generated
        lines = _FENCE.sub("", (ROOT / page).read_text(encoding="utf-8")).splitlines()
        prose = [line for line in lines if "](http" not in line and not line.startswith("|")]
        assert [line for line in prose if len(line) > LINE] == [], page


def test_the_order_of_imports_is_the_enforced_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = "\n".join(project["tool"]["importlinter"]["contracts"][0]["layers"])
    page = (ROOT / "docs/ARCHITECTURE.md").read_text(encoding="utf-8")
    assert f"```\n{layers}\n```" in page.partition("## Imports point down")[2]


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 135


def test_links_lead_to_files_that_exist() -> None:
    for page in PAGES:
        links = _LINK.findall((ROOT / page).read_text(encoding="utf-8"))
        assert [link for link in links if not ((ROOT / page).parent / link).exists()] == [], page


def test_every_error_code_has_its_row_in_the_troubleshooting_table() -> None:
    page = (ROOT / "docs/TROUBLESHOOTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z_]+)` \| (.+?) \| (.+?) \|$", page, re.MULTILINE)
    codes = [error.code for error in _subclasses(WebVoiceError) if "code" in vars(error)]
    assert sorted(code for code, _, _ in rows) == sorted(codes)


def _subclasses(error: type[WebVoiceError]) -> Iterator[type[WebVoiceError]]:
    for subclass in error.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def test_every_variable_that_a_page_names_is_a_setting() -> None:
    known = {setting.name for setting in SETTINGS}
    for page in PAGES:
        names = set(re.findall(r"\bWEBVOICE_[A-Z_]+\b", (ROOT / page).read_text(encoding="utf-8")))
        assert names - known - FOR_TESTS == set(), page


def test_the_tests_that_the_threat_table_names_exist() -> None:
    page = (ROOT / "docs/SECURITY.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/\S+\.py)::(test_\w+)`", page)
    assert len(named) > 30
    assert [f"{file}::{name}" for file, name in named if f"def {name}(" not in (ROOT / file).read_text("utf-8")] == []


def own_files(root: Path) -> list[str]:
    """Return the files that belong to the project: those that git tracks, or those that a source archive has."""
    command = ["git", "-C", str(root), "ls-files"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    except FileNotFoundError:  # no git here
        listed = []
    return [name for name in listed if (root / name).is_file()] or list(_archived_files(root))


def _archived_files(root: Path) -> Iterator[str]:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["uv"]["build-backend"]["source-include"]
    for pattern in ("README.md", "pyproject.toml", "webvoice_mcp/**", *patterns):
        for path in root.glob(f"{pattern}/*" if pattern.endswith("**") else pattern):
            if path.is_file() and path.suffix != ".pyc":
                yield path.relative_to(root).as_posix()


def test_files_that_the_demo_leaves_do_not_belong_to_the_project(tmp_path: Path) -> None:
    film = tmp_path / "webvoice-demo" / "film.mp4"
    film.parent.mkdir()
    film.write_bytes(bytes(range(256)))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/USING.md").write_text("Text")
    assert own_files(tmp_path) == ["pyproject.toml", "docs/USING.md"]
    if shutil.which("git"):
        subprocess.run(["git", "-C", str(tmp_path), "init", "-q"], check=True)
        subprocess.run(["git", "-C", str(tmp_path), "add", "pyproject.toml"], check=True)
        assert own_files(tmp_path) == ["pyproject.toml"]
    assert "webvoice_mcp/__init__.py" in own_files(ROOT)
    assert not [name for name in own_files(ROOT) if name.startswith("webvoice-demo/")]


def test_no_file_speaks_of_things_outside_the_project() -> None:
    pattern = re.compile("|".join(f"(?P<{kind}>{words})" for kind, words in _FOREIGN.items()))
    found = []
    for name in own_files(ROOT):
        if not name.endswith(".png"):
            lines = (ROOT / name).read_bytes().decode(errors="replace").splitlines()
            matches = [(number, match) for number, line in enumerate(lines, 1) if (match := pattern.search(line))]
            found += [f"{name}:{number}: {match.lastgroup}: {match[0]}" for number, match in matches]
    assert found == []
