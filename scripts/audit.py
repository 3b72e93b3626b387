"""Known vulnerabilities of what the locks pin: python3 scripts/audit.py [--strict]

Asks pip-audit, whose database is on the network. Where it cannot be asked, that is said and only `--strict` fails: the
locks' hashes then still stand for what was looked at when they were written.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import _env

_TOOL = ("tool", "run", "-q", "--from", "pip-audit==2.10.1", "pip-audit")
_HOW = ("--require-hashes", "--disable-pip", "--progress-spinner", "off", "--format", "json")


def main() -> int:
    """Ask, tell what is known, and give the exit code."""
    uv = _env.command(_env.ready(".venv", "dev.txt", "-e", ".").parents[1], "uv")
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "audit.json"
        command = [str(uv), *_TOOL, *_HOW, "-r", str(_env.ROOT / "requirements/dev.txt"), "-o", str(told)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if not told.exists() or not told.read_text(encoding="utf-8"):
            print(f"pip-audit could not be asked: {done.stderr.strip()[-300:]}")
            return int("--strict" in sys.argv)
        packages = json.loads(told.read_text(encoding="utf-8"))["dependencies"]
    unknown = [each["name"] for each in packages if "vulns" not in each]
    bad = [f"{each['name']} {each['version']}: {vuln['id']}" for each in packages for vuln in each.get("vulns", ())]
    print(f"{len(packages)} packages, {len(unknown)} of which the database could not be asked about")
    print("\n".join(bad) or f"no known vulnerability in {len(packages) - len(unknown)}")
    return int(bool(bad) or ("--strict" in sys.argv and bool(unknown)))


if __name__ == "__main__":
    sys.exit(main())
