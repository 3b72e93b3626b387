"""Update the lock files to the newest versions: python3 scripts/lock.py (requires uv)"""

import sys

import _env

DEMO = ["--extra", "sandbox"]

for lock, groups in (("demo.txt", DEMO), ("dev.txt", ["--extra", "media", *DEMO, "--group", "dev"])):
    code = _env.run(
        *("uv", "pip", "compile", "-q", "--universal", "--generate-hashes", "--upgrade", "--no-header"),
        *("--no-emit-index-url", "--no-emit-find-links", "--python-version", "3.11"),
        *("-o", f"requirements/{lock}", *groups, "pyproject.toml"),
    )
    if code:
        sys.exit(code)
