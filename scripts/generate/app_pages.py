"""Builds the pages of webvoice_mcp/tools/apps: HTML, styles and JavaScript modules become one HTML file each."""

import re
from pathlib import Path

NAMES = ("player", "usage")
FOLDER = "webvoice_mcp/tools/apps"

_STYLE = re.compile(r'^ *<link rel="stylesheet" href="(\w+\.css)" />\n', re.MULTILINE)
_SCRIPT = re.compile(r'^ *<script type="module" src="(\w+)\.js"></script>\n', re.MULTILINE)
_IMPORT = re.compile(r'^import (\{[^}]*\}) from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) (\w+))", re.MULTILINE)
_LEFT_OVER = re.compile(r"^(import|export)\b.*|</script|</style", re.MULTILINE | re.IGNORECASE)
_COMMENT = re.compile(r"^ *// .*\n|^ */\*\*?[ \n](?:.|\n)*?\*/\n", re.MULTILINE)
_INDENT = re.compile(r"^ +", re.MULTILINE)


def pages(root: Path) -> dict[str, str]:
    """Return the pages by their paths in the project."""
    return {f"{FOLDER}/{name}.html": page(root / FOLDER / "source", name) for name in NAMES}


def page(source: Path, name: str) -> str:
    """Return a page as one file.

    Raises:
        ValueError: a module imports or exports in a way that is not understood here, or imports itself.
    """
    html = _read(source / f"{name}.html")
    html = _STYLE.sub(lambda found: f"<style>\n{_small(_read(source / found[1]))}</style>\n", html)
    return _SCRIPT.sub(lambda found: f'<script type="module">\n{_bundle(source, found[1])}</script>\n', html)


def _bundle(source: Path, entry: str) -> str:
    """Return a module and all that it imports, as one: each imported module is a function that returns its exports."""
    bodies: dict[str, str] = {}

    def add(module: str, importing: tuple[str, ...]) -> None:
        if module in importing:
            raise ValueError(f"{module}.js imports itself: {' > '.join(importing)}")
        if module not in bodies:
            text = _read(source / f"{module}.js")
            for _, imported in _IMPORT.findall(text):
                add(imported, (*importing, module))
            bodies[module] = _body(module, text, is_entry=not importing)

    add(entry, ())
    return "".join(bodies.values())


def _body(module: str, text: str, *, is_entry: bool) -> str:
    exported = _EXPORT.findall(text)
    body = _EXPORT.sub("", _IMPORT.sub(r"const \1 = in_\2;\n", text))
    if left_over := _LEFT_OVER.search(body):
        raise ValueError(f"{module}.js has a line that is not understood: {left_over[0]}")
    if is_entry:
        return _small(body)
    return f"const in_{module} = (() => {{\n{_small(body)}return {{ {', '.join(exported)} }};\n}})();\n"


def _small(text: str) -> str:
    """Return CSS or JavaScript without comments of their own lines, indentation and empty lines."""
    return re.sub(r"\n{2,}", "\n", _INDENT.sub("", _COMMENT.sub("", text))).lstrip("\n")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
