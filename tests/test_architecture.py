"""What a start costs: nothing is loaded that serving does not need. (Which way imports point is import-linter's.)"""

import json
import os
import subprocess
import sys

ENGINES = {
    "PIL",
    "av",
    "ctranslate2",
    "espeakng_loader",
    "faster_whisper",
    "hibari",
    "numpy",
    "onnxruntime",
    "resvg_py",
}
LATER = {"platformdirs", "rich", "truststore", "webvoice_mcp.sandbox"}  # loaded where they are needed, if at all

_LOADED = "import sys, json, {module}; print(json.dumps([*sys.modules]))"


def loaded(module: str) -> set[str]:
    """All modules that are there when one has been imported in a fresh process."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "WEBVOICE_"))}
    done = subprocess.run(
        [sys.executable, "-c", _LOADED.format(module=module)], env=environ, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return set(json.loads(done.stdout))


def test_the_server_loads_no_engine_and_nothing_that_only_some_starts_need() -> None:
    modules = loaded("webvoice_mcp.server")
    assert modules & (ENGINES | LATER) == set()
    assert {"mcp", "pydantic", "httpx2"} <= modules


def test_the_command_itself_loads_nothing_but_the_standard_library() -> None:
    foreign = {
        name for name in loaded("webvoice_mcp.__main__") if name.partition(".")[0] not in sys.stdlib_module_names
    }
    own = {"webvoice_mcp", "webvoice_mcp.__main__", "webvoice_mcp.cli", "webvoice_mcp.cli.usage"}
    assert {name for name in foreign if name != "__main__" and not name.startswith("_")} == own


def test_the_sandbox_loads_its_engines_later() -> None:
    assert loaded("webvoice_mcp.sandbox.serve") & ENGINES == set()
