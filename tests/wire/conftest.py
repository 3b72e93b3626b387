from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.loopback import Loopback
from tests.wire.world import FILES, Play, playing
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


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """A sandbox on a real port, which takes five registrations in a quarter of an hour."""
    with playing(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def service() -> Iterator[Loopback]:
    """A service that counts what it is asked, which here must be nothing."""
    with Loopback({}).running() as loopback:
        yield loopback


@pytest.fixture
def out(home: Path) -> Path:
    """The output folder of this module's servers."""
    folder = home / "out"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def untouched(out: Path, service: Loopback) -> Iterator[None]:
    """The test must ask the service nothing and leave the output folder as it was."""
    before = sorted(out.rglob("*")), len(service.asked)
    yield
    assert (sorted(out.rglob("*")), len(service.asked)) == before


@pytest.fixture
def files(out: Path) -> None:
    """The user's files."""
    for name, content in FILES.items():
        (out / name).write_bytes(content)
