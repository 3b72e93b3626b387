"""Generates the map in docs/ARCHITECTURE.md: every file of the package with its docstring's first line or its title."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

_DESCRIPTIONS = {
    "README.md": "A short page for readers of the installed package.",
    "cli/front.json": "What the front answers; written by scripts/snapshots.py.",
    "cli/demo/page.html": "The page's template.",
    "py.typed": "Tells type checkers that the package has types.",
    "sandbox/engines/drawings.svg": "Templates of what pictures show.",
    "sandbox/engines/phrasebook.tsv": "Phrases in all languages.",
    "tools/icon.svg": "The icon.",
}
_BEGIN = "<!-- map: written by scripts/snapshots.py -->\n"
_END = "<!-- /map -->"
_MAP = re.compile(f"(?<={re.escape(_BEGIN)}).*?(?={re.escape(_END)})", re.DOTALL)


def page(text: str, package: Path) -> str:
    """Return the page's text with the current map."""
    lines = [f"{package.name}/", *_lines(package, package, "  ")]
    return _MAP.sub(lambda _: "\n".join(["```", *lines, "```", ""]), text)


def _lines(folder: Path, package: Path, indent: str) -> Iterator[str]:
    visible = [path for path in folder.iterdir() if path.name != "__init__.py"]
    for path in sorted(visible, key=lambda path: (path.is_dir(), path.name)):
        if path.is_dir():
            if not (path / "__init__.py").exists():  # __pycache__, or what git left of a package that was removed
                continue
            yield _line(indent, f"{path.name}/", _first_line(path / "__init__.py"))
            yield from _lines(path, package, indent + "  ")
        else:
            name = path.relative_to(package).as_posix()
            yield _line(indent, path.name, _DESCRIPTIONS.get(name) or _first_line(path))


def _line(indent: str, name: str, description: str) -> str:
    return f"{indent}{name:<{max(26 - len(indent), len(name) + 2)}}{description}"


def _first_line(path: Path) -> str:
    if path.suffix == ".md":  # a skill
        title = re.search("^# (.+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        return f"{title[1]}." if title else ""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0]
