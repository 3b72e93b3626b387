"""Find small faults that no test notices: python3 scripts/mutants.py [files | keystore | storage | jobs | a mutant ...]

Mutmut makes many small changes in a copy of a package, one at a time, and runs the tests that reach the changed code.
If all of them pass, a test is missing, the code is not needed, or the change has no effect. The name of a mutant may
contain wildcards: 'webvoice_mcp.files.*[05]' means a fifth of a package's mutants. A run takes more than an hour.
Mutmut forks, so it does not run on Windows.
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
_MAX_MEMORY_BYTES = 4 * 1024**3  # stops a mutant that uses more and more memory
_DECORATORS = {"property", "contextmanager", "asynccontextmanager"}
_RESULTS = {None: "not run", 0: "survived", 1: "killed", 3: "killed", 5: "untested", 33: "untested"}  # else: stopped

# The folders whose tests reach a package. Missing folders are skipped.
_PACKAGES = {
    "files": ["tests/files"],
    "keystore": ["tests/keystore"],
    "storage": ["tests/storage", "tests/keystore", "tests/files"],
    "jobs": ["tests/jobs", "tests/tools"],
}
_OPTIONS = {"jobs": ["-m", "not soak and not (wide and engines)"]}
_SETTINGS = """
[tool.mutmut]
source_paths = ["webvoice_mcp"]
only_mutate = ["webvoice_mcp/{package}/*"]
mutate_only_covered_lines = true
pytest_add_cli_args = ["-p", "no:cacheprovider"]
pytest_add_cli_args_test_selection = {tests}
process_isolation = "forkserver"
timeout_multiplier = 5.0
timeout_constant = 5.0
use_git_change_detection = false
"""


def run(package: str, names: list[str], environment: Path) -> None:
    """Test all mutants of a package, or those whose names match one of `names`, and print the results."""
    tests = [folder for folder in _PACKAGES[package] if (_env.ROOT / folder).is_dir()]
    if not tests or not (_env.ROOT / "webvoice_mcp" / package).is_dir():
        print(f"{package}: skipped, because there is no such package or it has no tests")
        return
    copy = _copy_project(package, [*tests, *_OPTIONS.get(package, [])])
    mutmut = _env.command(environment, "mutmut")
    environ = os.environ | {"HYPOTHESIS_STORAGE_DIRECTORY": str(copy / ".hypothesis")}
    with (copy / "log").open("w") as log:
        command = [str(mutmut), "run", "--max-children", "1", *names]
        if subprocess.run(command, check=False, cwd=copy, env=environ, stdout=log, stderr=subprocess.STDOUT).returncode:
            sys.exit(f"{package}: mutmut failed. See {log.name}.")
    survivors: list[str] = []
    for path in sorted((copy / "mutants" / "webvoice_mcp" / package).glob("*.meta")):
        codes: dict[str, int | None] = json.loads(path.read_text("utf-8"))["exit_code_by_key"]
        results = {name: _RESULTS.get(code, "stopped") for name, code in codes.items()}
        survivors += [name for name, result in results.items() if result not in {"killed", "not run"}]
        counts = ", ".join(f"{count} {result}" for result, count in sorted(Counter(results.values()).items()))
        print(f"{package}/{path.stem}: {counts or 'nothing to change'}")
    with (copy / "survivors").open("w") as shown:
        for name in survivors:
            shown.write(subprocess.check_output([mutmut, "show", name], cwd=copy, text=True))
    print(f"{package}: {len(survivors)} were not killed: {shown.name}; mutmut's output: {log.name}", flush=True)


def _copy_project(package: str, arguments: list[str]) -> Path:
    """Copy the project's code and tests, and configure mutmut for a package; return the copy."""
    copy = Path(tempfile.mkdtemp(prefix=f"mutants-{package}-"))
    for folder in ("webvoice_mcp", "tests", "scripts"):
        shutil.copytree(_env.ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for module in (copy / "webvoice_mcp" / package).glob("*.py"):
        module.write_text(_without_decorators(module.read_text("utf-8")), "utf-8")
    settings = (_env.ROOT / "pyproject.toml").read_text("utf-8")
    (copy / "pyproject.toml").write_text(settings + _SETTINGS.format(package=package, tests=arguments), "utf-8")
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
requested = sys.argv[1:] or list(_PACKAGES)
for package in _PACKAGES:
    names = [name for name in requested if name.startswith(f"webvoice_mcp.{package}.")]
    if package in requested or names:
        run(package, names, python.parent.parent)
