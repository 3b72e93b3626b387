"""The packages that an installation brings are known here, and their licences ask for no more than a notice."""

import re
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

pytestmark = pytest.mark.untraced

PERMISSIVE = re.compile(r"MIT|BSD|0BSD|Apache|PSF|ISC|Zlib|CC0|MPL-2\.0")
EXCEPTIONS = {
    "espeakng-loader": "GPL-3.0, a program of its own that is loaded on request",
    "resvg-py": "MIT, which only its licence file says",
}

# Another package came with a new version of one of these: look at it before you add it.
KNOWN = """
annotated-types anyio attrs cffi click colorama cryptography exceptiongroup h11 httpcore2 httpx2 idna jsonschema
jsonschema-specifications mcp mcp-types opentelemetry-api platformdirs pybase64 pycparser pydantic pydantic-core pyjwt
python-multipart pywin32 referencing rpds-py sse-starlette starlette truststore typing-extensions
typing-inspection uvicorn webvoice-mcp
"""


def required(name: str, *extras: str) -> set[str]:
    """Return the installed packages that an installation of this one consists of."""
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
            requirement = Requirement(line)
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in found[package]):
                todo.append((canonicalize_name(requirement.name), {"", *requirement.extras}))
    return set(found)


def licence(package: str) -> str:
    about = metadata.metadata(package).json
    classifiers = [classifier for classifier in about.get("classifier", ()) if classifier.startswith("License")]
    return str(about.get("license_expression") or " ".join(classifiers) or about.get("license", ""))


def test_the_server_brings_only_known_packages() -> None:
    assert required("webvoice-mcp") <= set(KNOWN.split())


def test_every_package_has_a_permissive_licence() -> None:
    licences = {package: licence(package) for package in required("webvoice-mcp", "sandbox")}
    assert len(licences) > 20
    for package, text in licences.items():
        assert package in EXCEPTIONS or PERMISSIVE.search(text), package
        assert not re.search(r"GPL|AGPL|SSPL|BUSL|Commons Clause", text), package
