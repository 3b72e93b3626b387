"""Generates the map in docs/ARCHITECTURE.md: every file of the package with a line of description."""

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
    "tools/apps/player.html": "The player, built from source/.",
    "tools/apps/usage.html": "The chart of what was spent, built from source/.",
    "tools/apps/source/": "What the pages are built from by scripts/generate/app_pages.py.",
    "tools/apps/source/player.html": "The player's elements.",
    "tools/apps/source/usage.html": "The chart's elements.",
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
        name = path.relative_to(package).as_posix()
        if path.is_dir():
            described = _DESCRIPTIONS.get(f"{name}/")
            if not described and not (path / "__init__.py").exists():  # __pycache__, or what git left of a package
                continue
            yield _line(indent, f"{path.name}/", described or _first_line(path / "__init__.py"))
            yield from _lines(path, package, indent + "  ")
        else:
            yield _line(indent, path.name, _DESCRIPTIONS.get(name) or _first_line(path))


def _line(indent: str, name: str, description: str) -> str:
    return f"{indent}{name:<{max(26 - len(indent), len(name) + 2)}}{description}"


def _first_line(path: Path) -> str:
    """Return the first line of a Python file's docstring, a skill's title, or the comment that a file begins with."""
    if path.suffix == ".md":  # a skill
        title = re.search("^# (.+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        return f"{title[1]}." if title else ""
    if path.suffix != ".py":
        return path.read_text(encoding="utf-8").partition("\n")[0].strip("/* ")
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0]
