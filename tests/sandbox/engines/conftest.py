from pathlib import Path

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the engines' tests: the engines are not measured."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("untraced")
