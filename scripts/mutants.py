"""Find small faults that no test notices: python3 scripts/mutants.py [files | keystore | storage | orders | name ...]

Mutmut changes the functions of a room in many small ways, in a copy, and runs the tests that reach the change. Where
they all pass, a test is missing, or code is needless, or the change means the same. Give names of mutants to test only
these; they may hold wildcards: 'webvoice_mcp.files.*[05]' is a fifth of a room. It forks, so not on Windows; one core,
more than an hour for all.
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
_MEMORY = 4 * 1024**3  # for a mutant that never comes to an end
_DECORATORS = {"property", "contextmanager", "asynccontextmanager"}
_FATES = {None: "not run", 0: "survived", 1: "killed", 3: "killed", 5: "untested", 33: "untested"}  # else: stopped
_MEDIA = [f"tests/tools/test_{family}.py" for family in ("chat", "image", "speech", "translation", "video")]
_CHOSEN = ["-k", "not fault_matrix or tts or stt or -chat", "-m", "not soak and not (wide and engines)"]
_ROOMS = {
    "files": ["tests/files"],
    "keystore": ["tests/keystore"],
    "storage": ["tests/storage", "tests/keystore"],
    "orders": [
        "tests/orders",
        "tests/tools/test_orders.py",
        *_MEDIA,
        "-k",
        "not fault_matrix or tts or stt or -chat",
        "-m",
        "not soak and not (wide and engines)",
    ],
}
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
    """Test the mutants of a room, all or these, and say what became of them."""
    copy = Path(tempfile.mkdtemp(prefix=f"mutants-{room}-"))
    for folder in ("webvoice_mcp", "tests"):
        shutil.copytree(_env.ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for module in (copy / "webvoice_mcp" / room).glob("*.py"):
        module.write_text(_undecorated(module.read_text("utf-8")), "utf-8")
    settings = (_env.ROOT / "pyproject.toml").read_text("utf-8")
    (copy / "pyproject.toml").write_text(settings + _SETTINGS.format(room=room, tests=_ROOMS[room]), "utf-8")
    mutmut = _env.command(environment, "mutmut")
    environ = os.environ | {"HYPOTHESIS_STORAGE_DIRECTORY": str(copy / ".hypothesis")}
    with (copy / "log").open("w") as log:
        command = [str(mutmut), "run", "--max-children", "1", *names]
        if subprocess.run(command, check=False, cwd=copy, env=environ, stdout=log, stderr=subprocess.STDOUT).returncode:
            sys.exit(f"{room}: mutmut cannot work, see {log.name}")
    left: list[str] = []
    for results in sorted((copy / "mutants" / "webvoice_mcp" / room).glob("*.meta")):
        codes: dict[str, int | None] = json.loads(results.read_text("utf-8"))["exit_code_by_key"]
        fates = {name: _FATES.get(code, "stopped") for name, code in codes.items()}
        left += [name for name, fate in fates.items() if fate not in {"killed", "not run"}]
        told = ", ".join(f"{n} {fate}" for fate, n in sorted(Counter(fates.values()).items()))
        print(f"{room}/{results.stem}: {told or 'nothing to change'}")
    with (copy / "left").open("w") as kept:
        for name in left:
            kept.write(subprocess.check_output([mutmut, "show", name], cwd=copy, text=True))
    print(f"{room}: {len(left)} were not killed, see {kept.name}; what was said is in {log.name}", flush=True)


def _undecorated(source: str) -> str:
    """The same with `f = decorator(f)` behind a function for `@decorator`: mutmut spares functions with decorators."""
    lines = source.splitlines()
    functions = [
        node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    for each in sorted(functions, key=lambda function: -function.lineno):
        words = [ast.unparse(decorator) for decorator in each.decorator_list]
        if len(words) == 1 and words[0] in _DECORATORS:
            lines.insert(each.end_lineno or 0, f"{' ' * each.col_offset}{each.name} = {words[0]}({each.name})")
            del lines[each.decorator_list[0].lineno - 1]
    return "\n".join(lines) + "\n"


python = _env.ready(".venv-mutants", "dev.txt", "-e", ".")
_env.run(_env.command(python.parent.parent, "uv"), "pip", "install", "-q", "--python", python, _MUTMUT)
resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
asked = sys.argv[1:] or list(_ROOMS)
for room in _ROOMS:
    names = [each for each in asked if each.startswith(f"webvoice_mcp.{room}.")]
    if room in asked or names:
        run(room, names, python.parent.parent)
