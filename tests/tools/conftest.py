from pathlib import Path

import pytest


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The output folder, which is not there yet."""
    return tmp_path / "out"
