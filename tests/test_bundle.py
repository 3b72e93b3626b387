"""The bundle for Claude Desktop and the image: what they say, and that they start the server."""

import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests import catalogue
from tests.test_docs import variables_read
from tests.wire_driver import environment, running_server
from webvoice_mcp import __version__
from webvoice_mcp.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
BUNDLE = ROOT / "mcpb"
SCHEMA = os.environ.get("WEBVOICE_BUNDLE_SCHEMA")  # path of the bundle manifest's schema, version 0.4

MANIFEST: dict[str, Any] = json.loads((BUNDLE / "manifest.json").read_text(encoding="utf-8"))
CONFIG: dict[str, Any] = MANIFEST["user_config"]
ENV: dict[str, str] = MANIFEST["server"]["mcp_config"]["env"]

# The folder of keys stays where it is: a key that was saved before is found.
NOT_ASKED = {"WEBVOICE_STATE_DIR"}


async def test_the_bundle_names_the_tools_that_there_are() -> None:
    listed = {tool["name"]: catalogue.first_line(tool) for tool in await catalogue.listed()}
    assert {each["name"]: each["description"] for each in MANIFEST["tools"]} == listed


def test_every_setting_can_be_made_in_the_client() -> None:
    assert {f"WEBVOICE_{name.upper()}": f"${{user_config.{name}}}" for name in CONFIG} == ENV
    assert set(ENV) == variables_read() - NOT_ASKED


def test_a_person_who_sets_nothing_gets_the_server_s_defaults() -> None:
    values = {name: _as_sent(about["default"]) for name, about in CONFIG.items()}
    given = {f"WEBVOICE_{name.upper()}": value for name, value in values.items()}
    assert Settings.read(given) == Settings.read({})


def _as_sent(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def test_a_placeholder_is_never_left_for_the_server() -> None:
    # A client leaves `${user_config.x}` as it stands where there is neither a value nor a default.
    assert all("default" in about and about["required"] is False for about in CONFIG.values())


def test_the_key_alone_is_kept_secret() -> None:
    assert [name for name, about in CONFIG.items() if about.get("sensitive")] == ["api_key"]


def test_the_bundle_installs_exactly_its_own_version() -> None:
    project = tomllib.loads((BUNDLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["dependencies"] == [f"webvoice-mcp=={__version__}"]
    outer = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == outer["requires-python"]
    assert MANIFEST["compatibility"]["runtimes"] == {"python": outer["requires-python"]}


def test_the_bundle_says_how_it_is_started_and_what_leaves_the_computer() -> None:
    server = MANIFEST["server"]
    assert (MANIFEST["manifest_version"], server["type"]) == ("0.4", "uv")
    assert (BUNDLE / server["entry_point"]).is_file()
    assert server["mcp_config"]["args"] == ["run", "--directory", "${__dirname}", server["entry_point"]]
    assert MANIFEST["privacy_policies"]
    assert "What leaves your computer" in MANIFEST["long_description"]


@pytest.mark.skipif(SCHEMA is None, reason="WEBVOICE_BUNDLE_SCHEMA does not say where the manifest's schema is")
def test_the_manifest_fits_its_schema() -> None:  # pragma: no cover - only where there is a schema
    jsonschema.Draft7Validator(json.loads(Path(str(SCHEMA)).read_text(encoding="utf-8"))).validate(MANIFEST)


@pytest.mark.wide
@pytest.mark.skipif(not (shutil.which("npm") and shutil.which("uv")), reason="needs npm for the bundle's tool, and uv")
def test_the_bundle_validates_packs_and_starts_the_wheel(tmp_path: Path) -> None:  # pragma: no cover - wide
    npm, uv = shutil.which("npm"), shutil.which("uv")
    assert npm
    assert uv
    tool = tmp_path / "npm"
    install = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(tool), "@anthropic-ai/mcpb@2.1.2"]
    if subprocess.run(install, capture_output=True, timeout=300, check=False).returncode:
        pytest.skip("npm cannot fetch the bundle's tool")
    mcpb = str(tool / "node_modules/.bin" / ("mcpb.cmd" if os.name == "nt" else "mcpb"))
    packed, unpacked, wheels = tmp_path / "webvoice.mcpb", tmp_path / "unpacked", tmp_path / "wheels"
    assert "passes" in _run(mcpb, "validate", str(BUNDLE / "manifest.json"))
    _run(mcpb, "pack", str(BUNDLE), str(packed))
    _run(mcpb, "unpack", str(packed), str(unpacked))
    assert {each.relative_to(unpacked).as_posix() for each in unpacked.rglob("*") if each.is_file()} == {
        "manifest.json",
        "pyproject.toml",
        "src/server.py",
    }
    _run(uv, "build", "-q", "--wheel", "--out-dir", str(wheels), str(ROOT))
    manifest = json.loads((unpacked / "manifest.json").read_text(encoding="utf-8"))
    start = manifest["server"]["mcp_config"]
    words = [uv, *(each.replace("${__dirname}", str(unpacked)) for each in start["args"])]
    environ = environment(tmp_path) | {
        name: _as_sent(CONFIG[re.sub(r"\W|user_config", "", value)]["default"]) for name, value in start["env"].items()
    }
    environ |= {name: value for name, value in os.environ.items() if name.startswith(("UV_", "SSL_", "HTTPS_"))}
    environ |= {"UV_FIND_LINKS": str(wheels), "UV_SYSTEM_CERTS": "1", "UV_CACHE_DIR": _run(uv, "cache", "dir").strip()}
    _run(uv, "sync", "-q", "--directory", str(unpacked), env=environ)
    with running_server(environ, words) as wire:
        tools = wire.result("tools/list", {})["tools"]
    assert [each["name"] for each in tools] == [each["name"] for each in manifest["tools"]]


def _run(*words: str, env: dict[str, str] | None = None) -> str:  # pragma: no cover - used by a wide test alone
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# The image


DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_the_image_runs_the_server_as_nobody_special_and_holds_no_key() -> None:
    steps = [line.partition(" ") for line in DOCKERFILE.splitlines() if re.match(r"[A-Z]+ ", line)]
    last = {name: rest for name, _, rest in steps}
    assert last["ENTRYPOINT"] == '["webvoice-mcp"]'
    assert last["USER"].isdigit()
    assert int(last["USER"]) > 0
    assert [name for name, _, _ in steps][-3:] == ["USER", "WORKDIR", "ENTRYPOINT"]
    assert "WEBVOICE_API_KEY=" not in DOCKERFILE


def test_the_image_s_settings_are_known() -> None:
    assert set(re.findall(r"(WEBVOICE_\w+)=", DOCKERFILE)) <= variables_read()


def test_the_image_is_built_from_what_is_let_in() -> None:
    let_in = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert sorted(let_in) == sorted(" ".join(copied).split())
    assert all((ROOT / each).exists() for each in let_in)
