"""What has to agree before a version can be published, and what the registry asks of its entry."""

import json
import os
import re
import tomllib
from collections.abc import Iterator
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


def test_one_version_stands_everywhere() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    head = re.search(r"^## \[(.+?)\]", changelog, re.MULTILINE)
    assert head is not None
    (package,) = SERVER["packages"]
    said = [PROJECT["project"]["version"], SERVER["version"], package["version"], head[1]]
    assert said == [webvoice_mcp.__version__] * 4
    assert str(Version(webvoice_mcp.__version__)) == webvoice_mcp.__version__


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
