"""Take the screenshots for directories of extensions: python3 scripts/screenshots.py [folder for the pictures]

This runs the demo, and takes pictures of its page in Chromium without a window. The pictures are made when a directory
asks for them, and are not kept in the project.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import _env

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_SIZE = "1280,800"
# The picture's name, and the style by which the page shows what belongs on it.
_PICTURES = {
    "1-results": "",
    "2-pictures": "header, .card:nth-child(-n+3) { display: none } body { padding-top: 40px }",
    "3-sound": "header, .card:nth-child(-n+6) { display: none } body { padding-top: 40px }",
    "4-calls": "header, main.grid { display: none } .out { font-size: 12px }",
}


def main() -> int:
    """Run the demo and take the pictures, or exit with a message."""
    browser = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        sys.exit(f"There is no browser here. Install {_BROWSERS[0]}, or set CHROMIUM to the path of one.")
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "screenshots").absolute()
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="webvoice-screenshots-") as name:
        demo = Path(name) / "demo"
        python = _env.prepare(".venv-demo", "demo.txt", ".")
        if _env.run(python, "-m", "webvoice_mcp", "demo", "--output-dir", demo):
            sys.exit("The demo failed.")
        for picture in take(browser, demo / "index.html", target, Path(name) / "profile"):
            print(picture)
    return 0


def take(browser: str, page: Path, target: Path, profile: Path) -> list[Path]:
    """Take the pictures of the demo's page, and return their paths."""
    text = page.read_text(encoding="utf-8")
    taken = []
    for name, style in _PICTURES.items():
        variant = page.with_name(f"{name}.html")  # beside the files that it shows
        variant.write_text(text.replace("</style>", f"{style}</style>", 1), encoding="utf-8")
        picture = target / f"{name}.png"
        options = ["--headless=new", "--no-first-run", "--hide-scrollbars", "--disable-gpu", f"--window-size={_SIZE}"]
        if os.name == "posix" and os.geteuid() == 0:
            options.append("--no-sandbox")  # root has none in Chromium; the page is our own
        files = [
            f"--user-data-dir={profile}",
            "--virtual-time-budget=4000",
            f"--screenshot={picture}",
            variant.as_uri(),
        ]
        subprocess.run([browser, *options, *files], capture_output=True, timeout=120, check=True)
        taken.append(picture)
    return taken


if __name__ == "__main__":
    sys.exit(main())
