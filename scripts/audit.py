"""Look for known vulnerabilities in the locked packages: python3 scripts/audit.py [--strict]

pip-audit asks a database on the network. If that cannot be reached, the script says so, but fails only with `--strict`:
the hashes in the lock files still ensure that the installed packages are the reviewed ones.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import _env

_PIP_AUDIT = ("tool", "run", "-q", "--from", "pip-audit==2.10.1", "pip-audit")
_OPTIONS = ("--require-hashes", "--disable-pip", "--progress-spinner", "off", "--format", "json")


def main() -> int:
    """Run pip-audit, print its findings and return the exit code."""
    strict = "--strict" in sys.argv
    uv = _env.command(_env.prepare(".venv", "dev.txt", "-e", ".").parents[1], "uv")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "audit.json"
        command = [str(uv), *_PIP_AUDIT, *_OPTIONS, "-r", str(_env.ROOT / "requirements/dev.txt"), "-o", str(report)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if not report.exists() or not report.read_text(encoding="utf-8"):
            print(f"pip-audit failed: {done.stderr.strip()[-300:]}")
            return int(strict)
        packages = json.loads(report.read_text(encoding="utf-8"))["dependencies"]
    unknown = [package["name"] for package in packages if "vulns" not in package]
    vulnerable = [
        f"{package['name']} {package['version']}: {vulnerability['id']}"
        for package in packages
        for vulnerability in package.get("vulns", ())
    ]
    print(f"{len(packages)} packages, {len(unknown)} of them unknown to the database")
    print("\n".join(vulnerable) or f"no known vulnerability in the other {len(packages) - len(unknown)}")
    return int(bool(vulnerable) or (strict and bool(unknown)))


if __name__ == "__main__":
    sys.exit(main())
