"""Set the version everywhere it stands: python3 scripts/bump.py 1.2.3"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_NUMBER = r"[0-9]+\.[0-9]+\.[0-9]+"

# Each place: the file, what stands before the version there, and how often.
PLACES = (
    ("pyproject.toml", r'^version = "', 1),
    ("webvoice_mcp/__init__.py", r'^__version__ = "', 1),
    ("server.json", r'^ +"version": "', 2),
    ("mcpb/manifest.json", r'^  "version": "', 1),
    ("mcpb/pyproject.toml", r'^version = "|"webvoice-mcp==', 2),
)
_CHANGELOG = "CHANGELOG.md"


def bumped(version: str) -> dict[str, str]:
    """The new text of every file; nothing is written yet, so that a place that is not found changes none."""
    texts = {}
    for name, before, times in PLACES:
        pattern = re.compile(rf"(?P<before>{before}){_NUMBER}(?=\")", re.MULTILINE)
        texts[name], found = pattern.subn(lambda match: match["before"] + version, _read(name))
        if found != times:
            sys.exit(
                f"{name}: the version stands {found} times where it is looked for, not {times}. Nothing was changed."
            )
    return {**texts, _CHANGELOG: _changelog(version)}


def _changelog(version: str) -> str:
    text = _read(_CHANGELOG)
    head = re.search(rf"^## \[({_NUMBER})\]", text, re.MULTILINE)
    if head is None:
        sys.exit(f"{_CHANGELOG} has no version. Nothing was changed.")
    if head[1] == version:
        return text
    return f"{text[: head.start()]}## [{version}] - unreleased\n\n{text[head.start() :]}"


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def main() -> int:
    """Change what is not yet so, and name it."""
    version = sys.argv[1] if len(sys.argv) == 2 else ""
    if not re.fullmatch(_NUMBER, version):
        sys.exit("usage: python3 scripts/bump.py 1.2.3")
    for name, text in bumped(version).items():
        if text != _read(name):
            (ROOT / name).write_text(text, encoding="utf-8", newline="\n")
            print(name)
    print(f"Now: what is new, under [{version}] in {_CHANGELOG}; its date on the day of the release.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
