"""What an installation brings along: packages that are known here, under licences that ask for no more than notice."""

import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent

FREE = re.compile(r"MIT|BSD|0BSD|Apache|PSF|ISC|Zlib|CC0|MPL-2\.0")
EXCEPTIONS = {"espeakng-loader": "GPL-3.0, a program of its own that is loaded when asked for"}

# A package that is not among them came with a new version of another: look at it before it is added.
BASE = """
annotated-types anyio attrs cffi click colorama cryptography exceptiongroup h11 httpcore2 httpx2 idna jsonschema
jsonschema-specifications mcp mcp-types opentelemetry-api platformdirs pybase64 pycparser pydantic pydantic-core pyjwt
python-multipart pywin32 referencing rpds-py sse-starlette starlette tinytag truststore typing-extensions
typing-inspection uvicorn webvoice-mcp
"""


def brought(name: str, *extras: str) -> set[str]:
    """The packages that an installation consists of, as far as they are installed."""
    found: dict[str, set[str]] = {}
    todo = [(canonicalize_name(name), {"", *extras})]
    while todo:
        package, wanted = todo.pop()
        if wanted <= found.get(package, set()):
            continue
        try:
            lines = metadata.requires(package) or []
        except metadata.PackageNotFoundError:
            continue
        found[package] = found.get(package, set()) | wanted
        for line in lines:
            needed = Requirement(line)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in found[package]):
                todo.append((canonicalize_name(needed.name), {"", *needed.extras}))
    return set(found)


def licence(package: str) -> str:
    about = metadata.metadata(package).json
    classifiers = [each for each in about.get("classifier", ()) if each.startswith("License")]
    return str(about.get("license_expression") or " ".join(classifiers) or about.get("license", ""))


def test_the_server_brings_only_what_is_known() -> None:
    assert brought("webvoice-mcp") <= set(BASE.split())


@pytest.mark.parametrize("package", sorted(brought("webvoice-mcp", "sandbox")))
def test_what_is_brought_is_free_to_use(package: str) -> None:
    assert package in EXCEPTIONS or FREE.search(licence(package)), licence(package)
    assert not re.search(r"GPL|AGPL|SSPL|BUSL|Commons Clause", licence(package))


@pytest.mark.parametrize("lock", ["dev.txt", "demo.txt"])
def test_every_package_in_a_lock_has_its_hashes(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
    pinned = re.findall(r"^([a-z0-9][\w.\[\]-]*)==.*?(?=^[a-z0-9]|\Z)", text, re.MULTILINE | re.DOTALL)
    hashed = re.findall(r"^([a-z0-9][\w.\[\]-]*)==[^\n]*\\\n +--hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)
    assert len(pinned) > 20
    assert hashed == pinned
