"""The files that a release is made from agree with each other and with the registry's rules."""

import base64
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
from mcp import Client
from packaging.requirements import Requirement
from packaging.version import Version

import directories
import project_files
import webvoice_mcp
from webvoice_mcp.server import create_server
from webvoice_mcp.settings import Settings
from webvoice_mcp.tools.icon import SVG

ROOT = Path(__file__).resolve().parent.parent
NAME = "io.github.easytaskflow/webvoice-mcp"
LOCKS = ("demo.txt", "dev.txt")
SCHEMA = os.environ.get("WEBVOICE_REGISTRY_SCHEMA")  # path of the registry's server.schema.json
FILES_WITH_VERSION = (
    "pyproject.toml",
    "webvoice_mcp/__init__.py",
    "server.json",
    "mcpb/manifest.json",
    ".claude-plugin/plugin.json",
    ".codex-plugin/plugin.json",
    ".cursor-plugin/plugin.json",
    "gemini-extension.json",
    "mcpb/pyproject.toml",
    "CHANGELOG.md",
)
PLUGINS = tuple(name for name in FILES_WITH_VERSION if name.endswith(("plugin.json", "extension.json")))

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SERVER: dict[str, Any] = json.loads((ROOT / "server.json").read_text(encoding="utf-8"))

_PINNED = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[^\s;]+)(?: ; .+)?")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")

Bump = Callable[[str], subprocess.CompletedProcess[str]]


# The version


def versions(root: Path) -> list[str]:
    """Return the version from each place that states one."""
    texts = {name: (root / name).read_text(encoding="utf-8") for name in FILES_WITH_VERSION}
    project, bundle = (tomllib.loads(texts[name])["project"] for name in ("pyproject.toml", "mcpb/pyproject.toml"))
    server, manifest = (json.loads(texts[name]) for name in ("server.json", "mcpb/manifest.json"))
    (package,), (dependency,) = server["packages"], bundle["dependencies"]
    heading = re.search(r"^## \[(.+?)\]", texts["CHANGELOG.md"], re.MULTILINE)
    module = re.search(r'^__version__ = "(.+)"', texts["webvoice_mcp/__init__.py"], re.MULTILINE)
    assert heading is not None
    assert module is not None
    return [
        project["version"],
        module[1],
        server["version"],
        package["version"],
        manifest["version"],
        *(json.loads(texts[name])["version"] for name in PLUGINS),
        bundle["version"],
        dependency.removeprefix("webvoice-mcp=="),
        heading[1],
    ]


def test_all_files_state_the_same_version() -> None:
    assert set(versions(ROOT)) == {webvoice_mcp.__version__}
    assert str(Version(webvoice_mcp.__version__)) == webvoice_mcp.__version__


@pytest.fixture
def bump(tmp_path: Path) -> Bump:
    """Return a function that runs the command that sets the version, on a copy of the files."""
    for name in (*FILES_WITH_VERSION, "scripts/bump.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    command = [sys.executable, str(tmp_path / "scripts/bump.py")]
    return lambda version: subprocess.run([*command, version], capture_output=True, text=True, check=False)


def test_one_command_sets_the_version_everywhere_and_changes_nothing_else(bump: Bump, tmp_path: Path) -> None:
    done = bump("98.7.6")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[:-1] == list(FILES_WITH_VERSION)
    assert set(versions(tmp_path)) == {"98.7.6"}
    for name in FILES_WITH_VERSION:
        text = (tmp_path / name).read_text(encoding="utf-8").replace("## [98.7.6] - unreleased\n\n", "")
        assert text.replace("98.7.6", webvoice_mcp.__version__) == (ROOT / name).read_text(encoding="utf-8")
    assert bump("98.7.6").stdout.count("\n") == 1  # the second time, no file is named


def test_a_text_that_is_not_a_version_changes_nothing(bump: Bump, tmp_path: Path) -> None:
    for text in ("", "1.2", "v1.2.3", "1.2.3rc1"):
        assert bump(text).stderr == "usage: python3 scripts/bump.py 1.2.3\n"
    assert set(versions(tmp_path)) == {webvoice_mcp.__version__}


@pytest.mark.parametrize("broken", ["mcpb/pyproject.toml", "CHANGELOG.md"])
def test_a_place_that_is_not_found_changes_nothing(bump: Bump, tmp_path: Path, broken: str) -> None:
    (tmp_path / broken).write_text("empty")
    assert bump("98.7.6").stderr.endswith("Nothing was changed.\n")
    assert "98.7.6" not in (tmp_path / "pyproject.toml").read_text(encoding="utf-8")


# The registries


def test_the_readme_and_the_listing_carry_the_server_s_name() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert SERVER["name"] == NAME
    assert [line for line in readme.splitlines() if "mcp-name" in line] == [f"<!-- mcp-name: {NAME} -->"]
    assert json.loads((ROOT / "glama.json").read_text(encoding="utf-8")) == {
        "$schema": "https://glama.ai/mcp/schemas/server.json",
        "maintainers": [NAME.removeprefix("io.github.").partition("/")[0]],
    }


def test_the_registry_entry_keeps_the_registry_s_rules() -> None:
    assert SERVER["$schema"] == "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
    known = directories.server_fields(PROJECT["project"]).keys()
    assert set(SERVER) == {"$schema", "name", "title", "description", "version", "websiteUrl", "packages"} | known
    assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*[a-z0-9]/[a-z0-9][a-z0-9._-]*[a-z0-9]", SERVER["name"])
    assert 3 <= len(SERVER["name"]) <= 200
    assert 1 <= len(SERVER["title"].strip()) <= 100
    assert 1 <= len(SERVER["description"]) <= 100
    assert urlsplit(SERVER["websiteUrl"]).scheme == "https"


def test_the_registry_entry_names_the_package_and_its_start() -> None:
    (package,) = SERVER["packages"]
    assert {name: value for name, value in package.items() if name != "environmentVariables"} == {
        "registryType": "pypi",
        "identifier": PROJECT["project"]["name"],
        "version": PROJECT["project"]["version"],
        "runtimeHint": "uvx",
        "transport": {"type": "stdio"},
    }


def test_variables_in_the_registry_entry_are_described_and_never_required() -> None:
    for variable in SERVER["packages"][0]["environmentVariables"]:
        assert set(variable) <= {"name", "description", "isRequired", "isSecret", "format", "default", "choices"}
        assert re.fullmatch(r"WEBVOICE_[A-Z_]+", variable["name"])
        assert variable["description"].endswith(".")
        assert variable["isRequired"] is False
        assert variable["isSecret"] is variable["name"].endswith("_KEY")
        assert variable["format"] in {"string", "number", "boolean", "filepath"}
        assert isinstance(variable.get("default", ""), str)
        assert "choices" not in variable or variable["default"] in variable["choices"]


@pytest.mark.skipif(SCHEMA is None, reason="WEBVOICE_REGISTRY_SCHEMA is not set")
def test_the_registry_entry_fits_the_registry_s_schema() -> None:  # pragma: no cover - only where there is a schema
    schema = json.loads(Path(str(SCHEMA)).read_text(encoding="utf-8"))
    jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker()).validate(SERVER)
    assert SERVER["$schema"] == schema["$id"]


# The directories of plugins

MARKETPLACES = (".claude-plugin/marketplace.json", ".agents/plugins/marketplace.json")


def read_json(name: str) -> dict[str, Any]:
    """Return the content of one of the project's JSON files."""
    content: dict[str, Any] = json.loads((ROOT / name).read_text(encoding="utf-8"))
    return content


@pytest.mark.parametrize("name", PLUGINS)
def test_every_plugin_describes_and_starts_the_package_alike(name: str) -> None:
    plugin, project = read_json(name), PROJECT["project"]
    assert [plugin[field] for field in ("name", "description")] == [project["name"], project["description"]]
    servers = plugin["mcpServers"]
    if isinstance(servers, str):  # a path in the plugin
        servers = read_json(servers)["mcpServers"]
    assert servers == {"webvoice": {"command": "uvx", "args": ["webvoice-mcp"]}}
    assert "env" not in json.dumps(servers)  # the server has its own key file


@pytest.mark.parametrize("name", MARKETPLACES)
def test_a_marketplace_offers_the_plugin_that_lies_beside_it(name: str) -> None:
    (plugin,) = read_json(name)["plugins"]
    assert plugin["name"] == PROJECT["project"]["name"]
    assert plugin["source"] in ("./", {"source": "local", "path": "./"})


def test_cursor_s_manifest_has_only_fields_that_its_schema_knows() -> None:
    plugin = read_json(".cursor-plugin/plugin.json")
    known = (
        "name displayName description version author publisher homepage repository license logo keywords category tags"
    )
    assert set(plugin) <= {*known.split(), "mcpServers"}
    assert set(plugin["author"]) <= {"name", "email"}
    assert re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", plugin["name"])


def test_every_icon_that_a_manifest_names_is_there() -> None:
    codex = read_json(".codex-plugin/plugin.json")["interface"]
    icons = [read_json(".cursor-plugin/plugin.json")["logo"], codex["logo"], codex["composerIcon"]]
    for name in (*icons, f"mcpb/{read_json('mcpb/manifest.json')['icon']}"):
        data = (ROOT / name).read_bytes()
        assert data.startswith(b"\x89PNG\r\n\x1a\n")
        assert struct.unpack(">II", data[16:24]) == (512, 512)
        assert len(data) < 40_000


def test_the_icons_are_pictures_of_the_drawing() -> None:
    pytest.importorskip("resvg_py", reason="the extra `sandbox` is not installed")
    pictures = {(ROOT / name).read_bytes() for name in directories.ICON_FILES}
    assert pictures == {directories.icon_png()}, f"run: {project_files.COMMAND}"


def test_an_icon_that_is_out_of_date_is_renewed(tmp_path: Path) -> None:
    pytest.importorskip("resvg_py", reason="the extra `sandbox` is not installed")
    (tmp_path / "mcpb").mkdir()
    (tmp_path / "mcpb/icon.png").write_bytes(b"old")
    assert directories.renew_icons(tmp_path) == list(directories.ICON_FILES)
    assert directories.renew_icons(tmp_path) == []
    assert (tmp_path / "assets/icon.png").read_bytes() == (ROOT / "assets/icon.png").read_bytes()


async def test_a_client_gets_the_drawing_without_fetching_it() -> None:
    async with Client(create_server(Settings.read({}))) as client:
        assert client.server_info is not None
        (icon,) = client.server_info.icons or []
    assert (icon.mime_type, icon.sizes) == ("image/svg+xml", ["any"])
    head, _, data = icon.src.partition(",")
    assert head == "data:image/svg+xml;base64"
    assert base64.b64decode(data, validate=True) == SVG.read_bytes()
    assert len(icon.src) < 1000


def test_the_drawing_needs_nothing_from_elsewhere() -> None:
    text = SVG.read_text(encoding="utf-8")
    assert re.findall(r"[\w:-]*href|<(?:script|style|text|image)\b|(?<!xmlns=\")https?:", text) == []


def test_the_repository_s_address_stands_everywhere_as_soon_as_it_is_known() -> None:
    url = "https://github.com/easytaskflow/any-name"
    known = {**PROJECT["project"], "urls": {**PROJECT["project"]["urls"], "Repository": url}}
    version = PROJECT["project"]["version"]
    source = f"https://raw.githubusercontent.com/easytaskflow/any-name/v{version}/assets/icon.png"
    fields = directories.server_fields(known)
    assert fields == {
        "repository": {"url": url, "source": "github"},
        "icons": [{"src": source, "mimeType": "image/png", "sizes": ["512x512"]}],
    }
    assert len(source) <= 255
    assert directories.bundle_fields(known)["repository"] == {"type": "git", "url": url}
    manifests = {name: json.loads(text) for name, text in directories.manifests(known).items()}
    assert {name for name, content in manifests.items() if content.get("repository") == url} == {
        f".{client}-plugin/plugin.json" for client in ("claude", "codex", "cursor")
    }


def test_the_repository_s_address_is_not_invented() -> None:
    if "Repository" in PROJECT["project"]["urls"]:  # pragma: no cover - until the address is known
        pytest.skip("the address is known")
    for name in (*PLUGINS, *MARKETPLACES, "server.json", "mcpb/manifest.json"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "repository" not in text
        assert "github.com" not in text
        assert "githubusercontent" not in text


# Dependencies and workflows


def test_dependencies_are_bounded_and_repeated_exactly_for_an_installation_from_source() -> None:
    dependencies = PROJECT["project"]["dependencies"]
    for text in dependencies:
        assert sorted(specifier.operator for specifier in Requirement(text).specifier) == ["<", ">="], text
    lines = (ROOT / "requirements-mcp.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#")] == dependencies


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_every_requirement_with_hashes_and_names_no_index(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
    assert "://" not in text
    pinned: dict[str, list[Version]] = {}
    for line, hashes in _entries(text):
        match = _PINNED.fullmatch(line)
        assert match is not None, line
        assert hashes, line
        assert all(_HASH.fullmatch(hash_) for hash_ in hashes), line
        pinned.setdefault(match["name"], []).append(Version(match["version"]))

    wanted = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["sandbox"]]
    if lock == "dev.txt":
        wanted += PROJECT["dependency-groups"]["dev"]
    for requirement in map(Requirement, wanted):
        assert pinned[requirement.name], requirement
        assert all(version in requirement.specifier for version in pinned[requirement.name]), requirement


def _entries(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each requirement of a lock with its hashes."""
    joined = re.sub(r"\s*\\\n\s*", "\n", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    for block in re.split(r"\n(?!--hash)", joined.strip()):
        line, *hashes = block.split("\n")
        yield line, hashes


def test_the_base_image_is_pinned_by_its_digest() -> None:
    images = re.findall(r"^FROM (\S+)(?: AS (\w+))?", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    stages = {stage for _, stage in images}
    outside = [image for image, _ in images if image not in stages]
    assert len(outside) == 1
    assert re.fullmatch(r"python:[\w.-]+@sha256:[0-9a-f]{64}", outside[0])


# Commands that bring a program or a package to the machine that runs a job.
FETCHES = re.compile(
    r"\b(pip3? install|npx|npm|uvx|uv (pip|sync|tool|run)|go (install|run)|curl|wget|scripts/\w+\.py)\b"
)


def release_jobs() -> dict[str, list[str]]:
    """Return the text of the steps of each job of the release, by the job's name."""
    text = (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8").partition("\njobs:\n")[2]
    _, *parts = re.split(r"^  (\w+):\n", text, flags=re.MULTILINE)
    jobs = dict(zip(parts[::2], parts[1::2], strict=True))
    return {name: re.split(r"^      - ", body, flags=re.MULTILINE)[1:] for name, body in jobs.items()}


def test_nothing_is_fetched_between_building_and_uploading() -> None:
    steps = release_jobs()["build"]
    built = next(number for number, step in enumerate(steps) if "uv build" in step)
    assert "actions/upload-artifact@" in steps[built + 1]
    assert len(steps) == built + 2


def test_jobs_that_publish_fetch_no_tools() -> None:
    jobs = release_jobs()
    text = (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")
    publishing = [name for name in jobs if re.search(rf"^  {name}:\n(?:    .*\n)*?.*environment:", text, re.MULTILINE)]
    assert publishing == ["pypi", "registry", "github"]
    assert [step for name in publishing for step in jobs[name] if FETCHES.search(step)] == []
    assert [name for name, steps in jobs.items() if any("npx" in step or "go install" in step for step in steps)] == [
        "bundle",
        "publisher",
    ]


def test_actions_are_pinned_by_their_commit_and_state_their_version() -> None:
    for path in (ROOT / ".github/workflows").iterdir():
        uses = re.findall(r"uses: *(.+)", path.read_text(encoding="utf-8"))
        assert uses, path.name
        assert [use for use in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use)] == []
