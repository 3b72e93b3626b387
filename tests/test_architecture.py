"""The rules for code and tests. (Import-linter checks the direction of imports.)"""

import ast
import io
import json
import os
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from webvoice_mcp import errors

pytestmark = pytest.mark.untraced

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "webvoice_mcp"
FOLDERS = ("webvoice_mcp", "tests", "scripts", "benchmarks")

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


def python_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


@cache
def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


# Start-up: nothing is loaded that serving does not need


def loaded_by(module: str) -> set[str]:
    """Return the names of all modules that are loaded after this one was imported in a new process."""
    code = f"import sys, json, {module}; print(json.dumps([*sys.modules]))"
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "WEBVOICE_"))}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return set(json.loads(done.stdout))


@pytest.mark.slow
def test_the_server_loads_no_engine_and_nothing_that_few_starts_need() -> None:
    modules = loaded_by("webvoice_mcp.server")
    assert modules & (ENGINES | LATER) == set()
    assert {"mcp", "pydantic", "httpx2"} <= modules


def test_the_command_itself_loads_only_the_standard_library() -> None:
    modules = {name for name in loaded_by("webvoice_mcp.__main__") if not name.startswith("_")}
    foreign = {name for name in modules if name.partition(".")[0] not in sys.stdlib_module_names}
    assert foreign == {"webvoice_mcp", "webvoice_mcp.__main__", "webvoice_mcp.cli", "webvoice_mcp.cli.help_text"}


@pytest.mark.slow
def test_the_sandbox_loads_its_engines_later() -> None:
    assert loaded_by("webvoice_mcp.sandbox.serve") & ENGINES == set()


# Errors


def test_the_tree_of_errors_is_drawn_as_it_is() -> None:
    drawn = re.findall(r"^    ([│ ├└─]*)(\w+)", errors.__doc__ or "", re.MULTILINE)
    assert [(len(lines) // 4, name) for lines, name in drawn] == list(_tree(errors.WebVoiceError))
    assert sorted(errors.__all__) == sorted(name for _, name in drawn)


def test_an_error_has_a_code_unless_it_only_groups_others() -> None:
    kinds = [getattr(errors, name) for name in errors.__all__]
    assert [kind for kind in kinds if not (hasattr(kind, "code") or kind.__subclasses__())] == []
    codes = [kind.code for kind in kinds if hasattr(kind, "code")]
    assert len(set(codes)) == len(codes)


def _tree(error: type[errors.WebVoiceError], depth: int = 0) -> Iterator[tuple[int, str]]:
    yield depth, error.__name__
    for subclass in error.__subclasses__():
        if subclass.__module__ == errors.__name__:
            yield from _tree(subclass, depth + 1)


# Money


@pytest.mark.slow
def test_only_the_pipeline_calls_paid_endpoints() -> None:
    paying = {"call_paid", "upload", "download", "chat"}
    callers = {
        path.relative_to(PACKAGE).as_posix()
        for path in python_files(PACKAGE)
        for node in ast.walk(_parse(path))
        if isinstance(node, ast.Attribute) and node.attr in paying
    }
    assert callers == {"jobs/_send.py", "jobs/batch_run.py"}


# The map


def test_the_map_names_every_file_of_the_package_and_no_other() -> None:
    text = (ROOT / "docs/ARCHITECTURE.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```\nwebvoice_mcp/.*?\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    existing = {path.relative_to(PACKAGE) for path in PACKAGE.rglob("*") if path.is_file()}
    on_map = list(_paths_on_map(block.splitlines()))
    assert len(set(on_map)) == len(on_map)
    assert {Path(path) for path in on_map} == {
        path for path in existing if path.name != "__init__.py" and "__pycache__" not in path.parts
    }


def _paths_on_map(lines: list[str]) -> Iterator[str]:
    """Yield the paths of the files in a tree.

    A line holds two spaces for each folder around it, then names that are separated by ", ", then two or more spaces
    and a description. A folder's name ends with a slash. Deeper lines continue a description.
    """
    folders: list[str] = []
    for line in lines:
        depth = (len(line) - len(line.lstrip())) // 2
        if not line.strip() or depth > len(folders) + 1:
            continue
        del folders[depth - 1 :]
        names = re.split(r" {2,}", line.strip())[0].split(", ")
        if names[0].endswith("/"):
            folders += names
        else:
            yield from ("".join([*folders, name]) for name in names)


def test_the_map_is_read_with_its_folders_and_descriptions() -> None:
    tree = """\
  __main__.py       the command
  cli/              prints
                    and exits
    clients/          other programs
      _file.py, edit.py   their files
    serve.py          the server
  errors.py         every error
"""
    assert list(_paths_on_map(tree.splitlines())) == [
        "__main__.py",
        "cli/clients/_file.py",
        "cli/clients/edit.py",
        "cli/serve.py",
        "errors.py",
    ]


# Private names


@pytest.mark.slow
def test_private_names_are_not_imported_from_outside_their_folder() -> None:
    found: dict[str, set[str]] = {}
    for path in (path for folder in FOLDERS for path in python_files(ROOT / folder)):
        name = path.relative_to(ROOT).as_posix()
        if private := set(_foreign_private_names(path)):
            found[name] = private
    assert found == {}


def _foreign_private_names(path: Path) -> Iterator[str]:
    here = ".".join(path.relative_to(ROOT).parent.parts)
    for name in _imported_names(path):
        parts = name.split(".")
        private = [place for place, part in enumerate(parts) if re.match(r"_(?!_)", part)]
        if private and not f"{here}.".startswith(f"{_folder_of(parts[: private[0]])}."):
            yield ".".join(parts[: private[0] + 1])


def _imported_names(path: Path) -> Iterator[str]:
    for node in ast.walk(_parse(path)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.startswith("webvoice_mcp."))


def _folder_of(parts: list[str]) -> str:
    """Return the package that a module is, or lies in."""
    return ".".join(parts if ROOT.joinpath(*parts).is_dir() else parts[:-1])


def test_a_package_lists_its_public_names_or_has_only_a_docstring() -> None:
    for path in PACKAGE.rglob("__init__.py"):
        docstring, *statements = _parse(path).body
        assert isinstance(docstring, ast.Expr), path
        assigned = {
            target.id
            for statement in statements
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Name)
        }
        only_metadata = assigned <= {"__version__"} and len(statements) == len(assigned)
        assert "__all__" in assigned or only_metadata, path


# Style

_QUESTION = re.compile(r"(What|Whether|How|Where|When|Which|Who|Why)\b")
_QUESTION_OF_ENTRY = re.compile(r"^ *\w+: (what|whether|how|where|when|which|who|why)\b.*", re.MULTILINE)
_EXEMPTION = re.compile(r"# *(noqa: [A-Z0-9, ]+|type: ignore\[[\w, -]+\]|pragma: no (cover|branch))(?P<rest>.*)")
_REFERENCE = re.compile(r"\b(as above|as said|see there|that which)\b", re.IGNORECASE)
_MAX_WORDS = 12


@pytest.mark.slow
def test_all_files_keep_the_rules_of_style() -> None:
    paths = [path for folder in FOLDERS for path in python_files(ROOT / folder)]
    assert [f"{path.relative_to(ROOT)}:{line}: {problem}" for path in paths for line, problem in _problems(path)] == []


def _problems(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(_parse(path)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _problems_of_docstring(node)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            words = node.name.removeprefix("test_").split("_")
            if len(words) > _MAX_WORDS:
                yield node.lineno, f"the test's name has {len(words)} words"
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == "each":
            yield node.lineno, "a variable is named each"
        if isinstance(node, ast.arg) and node.arg == "each":
            yield node.lineno, "a parameter is named each"
    yield from _problems_of_comments(path)


def _problems_of_docstring(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
) -> Iterator[tuple[int, str]]:
    docstring = ast.get_docstring(node) or ""
    line = getattr(node, "lineno", 1)
    if match := _QUESTION.match(docstring):
        yield line, f"the docstring opens with {match[0]}"
    for match in _QUESTION_OF_ENTRY.finditer(docstring):
        yield line, f"an entry of the docstring opens with a question: {match[0].strip()!r}"
    if match := _REFERENCE.search(" ".join(docstring.split())):
        yield line, f"the docstring has {match[0]!r}"


def _problems_of_comments(path: Path) -> Iterator[tuple[int, str]]:
    source = path.read_text(encoding="utf-8")
    if not (_REFERENCE.search(source) or _EXEMPTION.search(source)):  # most files are spared the slow search
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        if match := _REFERENCE.search(token.string):
            yield token.start[0], f"the comment has {match[0]!r}"
        if (match := _EXEMPTION.search(token.string)) and not re.search(r"\w", match["rest"]):
            yield token.start[0], "the exemption has no reason"
