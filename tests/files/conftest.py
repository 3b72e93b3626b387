from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.support import MakeSettings
from webvoice_mcp.files import Files


@pytest.fixture
def files(make_settings: MakeSettings) -> Files:
    return Files(make_settings())


@pytest.fixture
def made_out(out: Path) -> None:
    """Make the output folder."""
    out.mkdir()


@pytest.fixture
def overwriting(make_settings: MakeSettings) -> Files:
    return Files(make_settings(OVERWRITE=1))


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that all users may write to, unlike pytest's temporary folder."""
    with TemporaryDirectory() as name:
        folder = Path(name).resolve()
        folder.chmod(0o777)
        yield folder
