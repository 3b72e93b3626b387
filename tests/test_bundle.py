"""The bundle for Claude Desktop and the container image: their contents, and that they start the server."""

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

from tests.wire_driver import environment, running_server
from webvoice_mcp import __version__
from webvoice_mcp.settings import SETTINGS, Settings

ROOT = Path(__file__).resolve().parent.parent
BUNDLE = ROOT / "mcpb"
SCHEMA = os.environ.get("WEBVOICE_BUNDLE_SCHEMA")  # path of the bundle manifest's schema, version 0.4

MANIFEST: dict[str, Any] = json.loads((BUNDLE / "manifest.json").read_text(encoding="utf-8"))
FORM: dict[str, Any] = MANIFEST["user_config"]
ENV: dict[str, str] = MANIFEST["server"]["mcp_config"]["env"]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def environment_of_the_untouched_form() -> dict[str, str]:
    """Return the variables as the client passes them on from a form in which nothing was changed."""
    fields = {name: re.fullmatch(r"\$\{user_config\.(\w+)\}", value) for name, value in ENV.items()}
    defaults = {name: FORM[field[1]]["default"] for name, field in fields.items() if field}
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in defaults.items()}


# The bundle


def test_an_untouched_form_gives_the_server_s_defaults() -> None:
    environ = environment_of_the_untouched_form()
    assert len(environ) == len(FORM) == len(ENV)
    assert Settings.read(environ) == Settings.read({})


def test_the_form_requires_nothing_and_hides_the_key_alone() -> None:
    # The client would pass `${user_config.…}` on for a field with neither value nor default.
    assert all("default" in field and field["required"] is False for field in FORM.values())
    assert [name for name, field in FORM.items() if field.get("sensitive")] == ["api_key"]


def test_the_bundle_installs_exactly_its_own_version() -> None:
    project = tomllib.loads((BUNDLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    package = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["dependencies"] == [f"webvoice-mcp=={__version__}"]
    assert project["requires-python"] == package["requires-python"]
    assert MANIFEST["compatibility"]["runtimes"] == {"python": package["requires-python"]}


def test_the_bundle_says_how_it_starts_and_which_data_leave_the_computer() -> None:
    server = MANIFEST["server"]
    assert (MANIFEST["manifest_version"], server["type"]) == ("0.4", "uv")
    assert (BUNDLE / server["entry_point"]).is_file()
    assert server["mcp_config"]["args"] == ["run", "--directory", "${__dirname}", server["entry_point"]]
    assert MANIFEST["privacy_policies"]
    assert "What leaves your computer" in MANIFEST["long_description"]


@pytest.mark.skipif(SCHEMA is None, reason="WEBVOICE_BUNDLE_SCHEMA is not set")
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
    files = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert files == {"icon.png", "manifest.json", "pyproject.toml", "src/server.py"}

    _run(uv, "build", "-q", "--wheel", "--out-dir", str(wheels), str(ROOT))
    manifest = json.loads((unpacked / "manifest.json").read_text(encoding="utf-8"))
    arguments = manifest["server"]["mcp_config"]["args"]
    words = [uv, *(argument.replace("${__dirname}", str(unpacked)) for argument in arguments)]
    environ = environment(tmp_path) | environment_of_the_untouched_form()
    environ |= {name: value for name, value in os.environ.items() if name.startswith(("UV_", "SSL_", "HTTPS_"))}
    environ |= {"UV_FIND_LINKS": str(wheels), "UV_SYSTEM_CERTS": "1", "UV_CACHE_DIR": _run(uv, "cache", "dir").strip()}
    _run(uv, "sync", "-q", "--directory", str(unpacked), env=environ)
    with running_server(environ, words) as wire:
        tools = wire.result("tools/list", {})["tools"]
    assert [tool["name"] for tool in tools] == [tool["name"] for tool in manifest["tools"]]


def _run(*words: str, env: dict[str, str] | None = None) -> str:  # pragma: no cover - used by a wide test alone
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# The image


def test_the_image_runs_the_server_as_an_ordinary_user_without_a_key() -> None:
    steps = [line.partition(" ") for line in DOCKERFILE.splitlines() if re.match(r"[A-Z]+ ", line)]
    last = {instruction: rest for instruction, _, rest in steps}
    assert last["ENTRYPOINT"] == '["webvoice-mcp"]'
    assert last["USER"].isdigit()
    assert int(last["USER"]) > 0
    assert [instruction for instruction, _, _ in steps][-3:] == ["USER", "WORKDIR", "ENTRYPOINT"]
    variables = set(re.findall(r"(WEBVOICE_\w+)=", DOCKERFILE))
    assert variables < {setting.name for setting in SETTINGS if not setting.is_secret}


def test_the_image_is_built_from_the_files_that_dockerignore_lets_in() -> None:
    let_in = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert sorted(let_in) == sorted(" ".join(copied).split())
    assert all((ROOT / name).exists() for name in let_in)
