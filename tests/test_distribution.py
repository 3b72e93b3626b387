"""What has to agree before a version can be published, and what the registry asks of its entry."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import webvoice_mcp

ROOT = Path(__file__).resolve().parent.parent
NAME = "io.github.easytaskflow/webvoice-mcp"
LOCKS = ("demo.txt", "dev.txt")
SCHEMA = os.environ.get("WEBVOICE_REGISTRY_SCHEMA")  # path of the registry's server.schema.json

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SERVER: dict[str, Any] = json.loads((ROOT / "server.json").read_text(encoding="utf-8"))
README = (ROOT / "README.md").read_text(encoding="utf-8")

_PINNED = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[^\s;]+)(?: ; .+)?")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


BUMPED = ("pyproject.toml", "webvoice_mcp/__init__.py", "server.json", "mcpb/manifest.json", "mcpb/pyproject.toml")


def versions(root: Path) -> list[str]:
    """The version in each place where one stands."""
    texts = {name: (root / name).read_text(encoding="utf-8") for name in (*BUMPED, "CHANGELOG.md")}
    project, bundle = (tomllib.loads(texts[name])["project"] for name in ("pyproject.toml", "mcpb/pyproject.toml"))
    server, manifest = (json.loads(texts[name]) for name in ("server.json", "mcpb/manifest.json"))
    (package,), (dependency,) = server["packages"], bundle["dependencies"]
    head = re.search(r"^## \[(.+?)\]", texts["CHANGELOG.md"], re.MULTILINE)
    module = re.search(r'^__version__ = "(.+)"', texts["webvoice_mcp/__init__.py"], re.MULTILINE)
    assert head is not None
    assert module is not None
    return [
        project["version"],
        module[1],
        server["version"],
        package["version"],
        manifest["version"],
        bundle["version"],
        dependency.removeprefix("webvoice-mcp=="),
        head[1],
    ]


def test_one_version_stands_everywhere() -> None:
    assert set(versions(ROOT)) == {webvoice_mcp.__version__}
    assert str(Version(webvoice_mcp.__version__)) == webvoice_mcp.__version__
    said = subprocess.run(
        [sys.executable, "-m", "webvoice_mcp", "--version"], capture_output=True, cwd=ROOT, check=True
    )
    assert said.stdout.decode().split() == ["webvoice-mcp", webvoice_mcp.__version__]


@pytest.fixture
def bump(tmp_path: Path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Runs the command that sets the version, on a copy of the files."""
    for name in (*BUMPED, "CHANGELOG.md", "scripts/bump.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    command = [sys.executable, str(tmp_path / "scripts/bump.py")]
    return lambda version: subprocess.run([*command, version], capture_output=True, text=True, check=False)


def test_one_command_sets_the_version_everywhere_and_changes_nothing_else(
    bump: Callable[[str], subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    done = bump("98.7.6")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[:-1] == [*BUMPED, "CHANGELOG.md"]
    assert set(versions(tmp_path)) == {"98.7.6"}
    for name in BUMPED:
        before = (ROOT / name).read_text(encoding="utf-8")
        assert (tmp_path / name).read_text(encoding="utf-8").replace("98.7.6", webvoice_mcp.__version__) == before
    changelog = (tmp_path / "CHANGELOG.md").read_text(encoding="utf-8")
    kept = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert changelog.replace("## [98.7.6] - unreleased\n\n", "") == kept
    assert bump("98.7.6").stdout.count("\n") == 1  # a second time there is nothing to do


@pytest.mark.parametrize("version", ["", "1.2", "v1.2.3", "1.2.3rc1", "1.2.3-1"])
def test_what_is_no_version_changes_nothing(
    bump: Callable[[str], subprocess.CompletedProcess[str]], tmp_path: Path, version: str
) -> None:
    assert bump(version).stderr == "usage: python3 scripts/bump.py 1.2.3\n"
    assert set(versions(tmp_path)) == {webvoice_mcp.__version__}


@pytest.mark.parametrize("broken", ["mcpb/pyproject.toml", "CHANGELOG.md"])
def test_a_place_that_is_not_found_changes_nothing(
    bump: Callable[[str], subprocess.CompletedProcess[str]], tmp_path: Path, broken: str
) -> None:
    (tmp_path / broken).write_text("empty")
    assert bump("98.7.6").stderr.endswith("Nothing was changed.\n")
    assert "98.7.6" not in (tmp_path / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["ci.yml", "release.yml"])
def test_actions_are_pinned_by_their_commit_and_say_which_version_that_is(name: str) -> None:
    text = (ROOT / ".github/workflows" / name).read_text(encoding="utf-8")
    used = re.findall(r"uses: *(.+)", text)
    assert used
    assert [each for each in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each)] == []


def test_the_listing_names_who_maintains_the_server() -> None:
    listing = json.loads((ROOT / "glama.json").read_text(encoding="utf-8"))
    assert listing == {
        "$schema": "https://glama.ai/mcp/schemas/server.json",
        "maintainers": [NAME.removeprefix("io.github.").partition("/")[0]],
    }


def test_the_marker_of_the_registry_stands_on_a_line_of_its_own() -> None:
    assert SERVER["name"] == NAME
    assert [line for line in README.splitlines() if "mcp-name" in line] == [f"<!-- mcp-name: {NAME} -->"]


def test_an_installation_from_source_needs_what_the_package_needs() -> None:
    lines = (ROOT / "requirements-mcp.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#")] == PROJECT["project"]["dependencies"]


def test_every_dependency_has_a_bound_at_both_ends() -> None:
    for text in PROJECT["project"]["dependencies"]:
        operators = sorted(each.operator for each in Requirement(text).specifier)
        assert operators == ["<", ">="], text


def test_the_registry_entry_keeps_the_registry_s_rules() -> None:
    assert SERVER["$schema"] == "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
    assert set(SERVER) == {"$schema", "name", "title", "description", "version", "websiteUrl", "packages"}
    assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*[a-z0-9]/[a-z0-9][a-z0-9._-]*[a-z0-9]", SERVER["name"])
    assert 3 <= len(SERVER["name"]) <= 200
    assert 1 <= len(SERVER["title"].strip()) <= 100
    assert 1 <= len(SERVER["description"]) <= 100
    assert urlsplit(SERVER["websiteUrl"]).scheme == "https"


def test_the_registry_entry_names_the_package_and_how_to_start_it() -> None:
    (package,) = SERVER["packages"]
    assert {name: value for name, value in package.items() if name != "environmentVariables"} == {
        "registryType": "pypi",
        "identifier": PROJECT["project"]["name"],
        "version": PROJECT["project"]["version"],
        "runtimeHint": "uvx",
        "transport": {"type": "stdio"},
    }


@pytest.mark.parametrize("variable", SERVER["packages"][0]["environmentVariables"], ids=lambda each: each["name"])
def test_a_variable_in_the_registry_entry_is_described_and_never_required(variable: dict[str, Any]) -> None:
    assert set(variable) <= {"name", "description", "isRequired", "isSecret", "format", "default", "choices"}
    assert re.fullmatch(r"WEBVOICE_[A-Z_]+", variable["name"])
    assert variable["description"].endswith(".")
    assert variable["isRequired"] is False
    assert variable["isSecret"] is variable["name"].endswith("_KEY")
    assert variable["format"] in {"string", "number", "boolean", "filepath"}
    assert isinstance(variable.get("default", ""), str)
    assert variable.get("default", "DEBUG") in variable.get("choices", [variable.get("default", "DEBUG")])


@pytest.mark.skipif(SCHEMA is None, reason="WEBVOICE_REGISTRY_SCHEMA does not say where the registry's schema is")
def test_the_registry_entry_fits_the_registry_s_schema() -> None:  # pragma: no cover - only where there is a schema
    schema = json.loads(Path(str(SCHEMA)).read_text(encoding="utf-8"))
    jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker()).validate(SERVER)
    assert SERVER["$schema"] == schema["$id"]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_versions_and_hashes_and_names_no_index(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
    assert "://" not in text
    for line, hashes in _entries(text):
        assert _PINNED.fullmatch(line), line
        assert hashes, line
        assert all(_HASH.fullmatch(each) for each in hashes), line


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_satisfies_what_the_project_declares(lock: str) -> None:
    pinned: dict[str, list[Version]] = {}
    for line, _ in _entries((ROOT / "requirements" / lock).read_text(encoding="utf-8")):
        found = _PINNED.fullmatch(line)
        assert found is not None
        pinned.setdefault(found["name"], []).append(Version(found["version"]))
    wanted = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["sandbox"]]
    if lock == "dev.txt":
        wanted += PROJECT["dependency-groups"]["dev"]
    for requirement in map(Requirement, wanted):
        assert pinned[requirement.name], requirement
        assert all(version in requirement.specifier for version in pinned[requirement.name]), requirement


def _entries(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each requirement of a lock with its hashes."""
    logical = re.sub(r"\s*\\\n\s*", "\n", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    for block in re.split(r"\n(?!--hash)", logical.strip()):
        line, *hashes = block.split("\n")
        yield line, hashes
