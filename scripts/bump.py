"""Set the version in every file that states it: python3 scripts/bump.py 1.2.3"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_VERSION = r"[0-9]+\.[0-9]+\.[0-9]+"

# The file, a pattern of the text before a version in it, and the number of versions in it.
PLACES = (
    ("pyproject.toml", r'^version = "', 1),
    ("webvoice_mcp/__init__.py", r'^__version__ = "', 1),
    ("server.json", r'^ +"version": "', 2),
    ("mcpb/manifest.json", r'^  "version": "', 1),
    (".claude-plugin/plugin.json", r'^  "version": "', 1),
    (".codex-plugin/plugin.json", r'^  "version": "', 1),
    (".cursor-plugin/plugin.json", r'^  "version": "', 1),
    ("gemini-extension.json", r'^  "version": "', 1),
    ("mcpb/pyproject.toml", r'^version = "|"webvoice-mcp==', 2),
)
_CHANGELOG = "CHANGELOG.md"


def bump(version: str) -> dict[str, str]:
    """Return the new text of every file. Writes nothing, so a missing version leaves all files unchanged."""
    texts = {}
    for name, before, expected in PLACES:
        pattern = re.compile(rf"(?P<before>{before}){_VERSION}(?=\")", re.MULTILINE)
        texts[name], found = pattern.subn(lambda match: match["before"] + version, _read(name))
        if found != expected:
            sys.exit(f"{name} has {found} versions instead of {expected}. Nothing was changed.")
    return {**texts, _CHANGELOG: _bump_changelog(version)}


def _bump_changelog(version: str) -> str:
    text = _read(_CHANGELOG)
    heading = re.search(rf"^## \[({_VERSION})\]", text, re.MULTILINE)
    if heading is None:
        sys.exit(f"{_CHANGELOG} has no heading with a version. Nothing was changed.")
    if heading[1] == version:
        return text
    return f"{text[: heading.start()]}## [{version}] - unreleased\n\n{text[heading.start() :]}"


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def main() -> int:
    """Write the files that change, and print their names."""
    version = sys.argv[1] if len(sys.argv) == 2 else ""
    if not re.fullmatch(_VERSION, version):
        sys.exit("usage: python3 scripts/bump.py 1.2.3")
    for name, text in bump(version).items():
        if text != _read(name):
            (ROOT / name).write_text(text, encoding="utf-8", newline="\n")
            print(name)
    print(f"Next: describe the changes under [{version}] in {_CHANGELOG}. On the day of the release, add the date.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
