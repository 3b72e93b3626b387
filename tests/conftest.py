"""Fixtures for tests of all rooms."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx2
import pytest

httpx2.alias_httpx()  # before respx is imported, which then works on httpx2

from tests.canary import leaks  # noqa: E402 - after the alias
from tests.support import BASE_URL, CANARY, MakeSettings  # noqa: E402 - after the alias
from webvoice_mcp.settings import Settings  # noqa: E402 - after the alias


@pytest.fixture
def make_settings(tmp_path: Path) -> MakeSettings:
    """Settings for a test, with folders of its own; a variable is given without its WEBVOICE_."""

    def make(**variables: Any) -> Settings:
        environ = {
            "WEBVOICE_API_KEY": CANARY,
            "WEBVOICE_BASE_URL": BASE_URL,
            "WEBVOICE_OUTPUT_DIR": str(tmp_path / "out"),
            "WEBVOICE_STATE_DIR": str(tmp_path / "state"),
        }
        return Settings.read(environ | {f"WEBVOICE_{name}": str(value) for name, value in variables.items()})

    return make


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "teardown" and report.passed and (found := leaks(item, report)):
        report.outcome, report.longrepr = "failed", f"the key of the tests is in: {', '.join(found)}"
    return report
