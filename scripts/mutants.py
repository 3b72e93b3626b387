"""Find small faults that no test notices: python3 scripts/mutants.py [files | keystore | storage | jobs | a mutant ...]

Mutmut changes the functions of a room in many small ways, in a copy, and runs the tests that reach each change. If they
all pass, a test is missing, or the code is not needed, or the change has no effect. A mutant's name may hold wildcards:
'webvoice_mcp.files.*[05]' is a fifth of a room. It forks, so it does not run on Windows, and takes more than an hour.
"""

import ast
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import _env

_MUTMUT = "mutmut==3.8.1"
_MAX_MEMORY_BYTES = 4 * 1024**3  # ends a mutant that never stops
_DECORATORS = {"property", "contextmanager", "asynccontextmanager"}
_RESULTS = {None: "not run", 0: "survived", 1: "killed", 3: "killed", 5: "untested", 33: "untested"}  # else: stopped

# The folders whose tests reach a room. Those that do not exist are skipped.
_ROOMS = {
    "files": ["tests/files"],
    "keystore": ["tests/keystore"],
    "storage": ["tests/storage", "tests/keystore", "tests/files"],
    "jobs": ["tests/jobs", "tests/tools"],
}
_OPTIONS = {"jobs": ["-m", "not soak and not (wide and engines)"]}
_SETTINGS = """
[tool.mutmut]
source_paths = ["webvoice_mcp"]
only_mutate = ["webvoice_mcp/{room}/*"]
mutate_only_covered_lines = true
pytest_add_cli_args = ["-p", "no:cacheprovider"]
pytest_add_cli_args_test_selection = {tests}
process_isolation = "forkserver"
timeout_multiplier = 5.0
timeout_constant = 5.0
use_git_change_detection = false
"""


def run(room: str, names: list[str], environment: Path) -> None:
    """Test all mutants of a room, or those that `names` match, and print their results."""
    tests = [folder for folder in _ROOMS[room] if (_env.ROOT / folder).is_dir()]
    if not tests or not (_env.ROOT / "webvoice_mcp" / room).is_dir():
        print(f"{room}: skipped, there is no such room or no tests of it")
        return
    copy = _copy_project(room, [*tests, *_OPTIONS.get(room, [])])
    mutmut = _env.command(environment, "mutmut")
    environ = os.environ | {"HYPOTHESIS_STORAGE_DIRECTORY": str(copy / ".hypothesis")}
    with (copy / "log").open("w") as log:
        command = [str(mutmut), "run", "--max-children", "1", *names]
        if subprocess.run(command, check=False, cwd=copy, env=environ, stdout=log, stderr=subprocess.STDOUT).returncode:
            sys.exit(f"{room}: mutmut failed, see {log.name}")
    left: list[str] = []
    for path in sorted((copy / "mutants" / "webvoice_mcp" / room).glob("*.meta")):
        codes: dict[str, int | None] = json.loads(path.read_text("utf-8"))["exit_code_by_key"]
        results = {name: _RESULTS.get(code, "stopped") for name, code in codes.items()}
        left += [name for name, result in results.items() if result not in {"killed", "not run"}]
        counts = ", ".join(f"{count} {result}" for result, count in sorted(Counter(results.values()).items()))
        print(f"{room}/{path.stem}: {counts or 'nothing to change'}")
    with (copy / "left").open("w") as shown:
        for name in left:
            shown.write(subprocess.check_output([mutmut, "show", name], cwd=copy, text=True))
    print(f"{room}: {len(left)} were not killed, see {shown.name}; mutmut's output is in {log.name}", flush=True)


def _copy_project(room: str, arguments: list[str]) -> Path:
    """Copy the package and its tests, and set mutmut up for a room; return the copy."""
    copy = Path(tempfile.mkdtemp(prefix=f"mutants-{room}-"))
    for folder in ("webvoice_mcp", "tests", "scripts"):
        shutil.copytree(_env.ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for module in (copy / "webvoice_mcp" / room).glob("*.py"):
        module.write_text(_without_decorators(module.read_text("utf-8")), "utf-8")
    settings = (_env.ROOT / "pyproject.toml").read_text("utf-8")
    (copy / "pyproject.toml").write_text(settings + _SETTINGS.format(room=room, tests=arguments), "utf-8")
    return copy


def _without_decorators(source: str) -> str:
    """Replace `@decorator` by `f = decorator(f)` below the function, because mutmut skips decorated functions."""
    lines = source.splitlines()
    functions = [
        node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    for function in sorted(functions, key=lambda function: -function.lineno):
        decorators = [ast.unparse(decorator) for decorator in function.decorator_list]
        if len(decorators) == 1 and decorators[0] in _DECORATORS:
            statement = f"{' ' * function.col_offset}{function.name} = {decorators[0]}({function.name})"
            lines.insert(function.end_lineno or 0, statement)
            del lines[function.decorator_list[0].lineno - 1]
    return "\n".join(lines) + "\n"


python = _env.prepare(".venv-mutants", "dev.txt", "-e", ".")
_env.run(_env.command(python.parent.parent, "uv"), "pip", "install", "-q", "--python", python, _MUTMUT)
resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY_BYTES, _MAX_MEMORY_BYTES))
asked = sys.argv[1:] or list(_ROOMS)
for room in _ROOMS:
    names = [name for name in asked if name.startswith(f"webvoice_mcp.{room}.")]
    if room in asked or names:
        run(room, names, python.parent.parent)
