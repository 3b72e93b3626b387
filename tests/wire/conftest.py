from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.wire.world import Play, playing
from tests.wire_driver import Wire, environment, serving

Start = Callable[..., Wire]  # takes variables without their WEBVOICE_; the server lives as long as the module's tests


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of this module's servers."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def start(home: Path) -> Iterator[Start]:
    """Starts servers that several tests share."""
    with ExitStack() as running:
        yield lambda **variables: running.enter_context(serving(environment(home, variables)))


@pytest.fixture(scope="session")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """A sandbox on a real port."""
    with playing(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox
