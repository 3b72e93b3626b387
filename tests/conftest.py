"""Fixtures for all tests."""

import signal
from collections.abc import Generator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from hypothesis import HealthCheck, settings

httpx2.alias_httpx()  # before the import of respx, which then works with httpx2

from tests.canary import find_leaks  # noqa: E402 - after the alias
from tests.support import BASE_URL, CANARY, MakeSettings  # noqa: E402 - after the alias
from webvoice_mcp.settings import Settings  # noqa: E402 - after the alias

# A shell ignores SIGINT for what it starts in the background, and processes that tests start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Hypothesis must not fail a test because the machine is busy. `thorough` is for long runs on request.
_patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", _patient, max_examples=20)
settings.register_profile("thorough", _patient, max_examples=500)
settings.load_profile("quick")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The output folder of `make_settings`, which does not exist yet."""
    return tmp_path / "out"


@pytest.fixture
def make_settings(tmp_path: Path) -> MakeSettings:
    """Return a function that makes settings with the test's own folders; it takes variables without `WEBVOICE_`."""

    def make(**variables: Any) -> Settings:
        environ = {
            "WEBVOICE_API_KEY": CANARY,
            "WEBVOICE_BASE_URL": BASE_URL,
            "WEBVOICE_OUTPUT_DIR": str(tmp_path / "out"),
            "WEBVOICE_STATE_DIR": str(tmp_path / "state"),
        }
        return Settings.read(environ | {f"WEBVOICE_{name}": str(value) for name, value in variables.items()})

    return make


@pytest.fixture(scope="session")
def families() -> dict[str, list[dict[str, Any]]]:
    """Return all tools by family, as clients get them."""
    import tool_list  # noqa: PLC0415 - few tests need it

    return anyio.run(tool_list.list_families)


@pytest.fixture(scope="session")
def tools(families: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return all tools, in the order in which clients get them."""
    return [tool for family in families.values() for tool in family]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that left the tests' key in its output or files."""
    report = yield
    if report.when == "teardown" and report.passed and (leaks := find_leaks(item, report)):
        report.outcome, report.longrepr = "failed", f"the tests' key is in: {', '.join(leaks)}"
    return report
