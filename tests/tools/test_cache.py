"""What was fetched is kept for an hour, by key."""

from collections.abc import Callable

import anyio
import httpx2
import pytest

from tests.support import MakeSettings, ScriptedTransport
from webvoice_mcp.errors import ServerError, WebVoiceError
from webvoice_mcp.keystore import KeyStore
from webvoice_mcp.server import create_services as assemble
from webvoice_mcp.settings import Settings
from webvoice_mcp.tools._dependencies import App
from webvoice_mcp.tools.cache import Kept, Shelf

MakeShelf = Callable[..., Shelf]
NEVER = 1e9  # seconds; a test that waits so long hangs


class Service:
    """Says what it is told to, one after the other; waits for ever for a None."""

    def __init__(self, *answers: str | WebVoiceError | None) -> None:
        self.answers = list(answers)

    async def __call__(self, _: App) -> str:
        answer = self.answers.pop(0)
        if answer is None:
            await anyio.sleep(NEVER)
        elif isinstance(answer, WebVoiceError):
            raise answer
        return str(answer)


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_shelf(make_settings: MakeSettings, clock: Clock) -> MakeShelf:
    def make(settings: Settings | None = None, *, patience: float = NEVER, glance: float = NEVER) -> Shelf:
        app = assemble(settings or make_settings(), ScriptedTransport())
        return Shelf(app, clock=clock, patience=patience, glance=glance)

    return make


def broken() -> ServerError:
    return ServerError("Down.", status=500)


async def test_what_was_fetched_within_the_hour_stands_in_for_a_failing_service(
    make_shelf: MakeShelf, clock: Clock
) -> None:
    shelf, service = make_shelf(), Service("old", broken(), broken())
    then = clock.now
    assert await shelf.read(service) == Kept("old", then)
    clock.now += 3600
    kept = await shelf.read(service)
    assert kept == Kept("old", then, "server_error")
    assert kept.facts() == {
        "fetched_at": "2027-01-15T08:00:00Z",
        "note": "The service gave no answer just now (server_error); this is what it said at 2027-01-15T08:00:00Z.",
    }
    clock.now += 1
    with pytest.raises(ServerError):
        await shelf.read(service)


async def test_a_clock_that_was_set_back_makes_nothing_last_longer(make_shelf: MakeShelf, clock: Clock) -> None:
    shelf, service = make_shelf(), Service("old", broken())
    await shelf.read(service)
    clock.now -= 60
    with pytest.raises(ServerError):
        await shelf.read(service)


async def test_a_reader_does_not_wait_long_for_news_when_there_is_something_to_show(
    make_shelf: MakeShelf, clock: Clock
) -> None:
    shelf, service = make_shelf(patience=0.01), Service("old", None)
    await shelf.read(service)
    assert await shelf.read(service) == Kept("old", clock.now, "timeout")


async def test_completion_asks_once_for_all_keys_that_are_typed_and_then_not_for_an_hour(
    make_shelf: MakeShelf, clock: Clock
) -> None:
    shelf, service = make_shelf(), Service("old", "new")
    seen: list[str | None] = []

    async def type_a_key() -> None:
        seen.append(await shelf.glance(service))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(type_a_key)
        tasks.start_soon(type_a_key)
    clock.now += 3600
    await type_a_key()
    clock.now += 1
    await type_a_key()
    assert seen == ["old", "old", "old", "new"]


@pytest.mark.parametrize("answer", [None, broken()], ids=["silent", "failing"])
async def test_completion_waits_for_a_moment_and_then_not_again_for_a_minute(
    make_shelf: MakeShelf, clock: Clock, answer: WebVoiceError | None
) -> None:
    shelf, service = make_shelf(glance=0.01), Service(answer, "new")
    assert await shelf.glance(service) is None
    clock.now += 60
    assert await shelf.glance(service) is None
    clock.now += 1
    assert await shelf.glance(service) == "new"


async def test_a_completion_that_its_caller_cancelled_keeps_the_next_one_from_nothing(make_shelf: MakeShelf) -> None:
    shelf, service = make_shelf(), Service(None, "new")
    with anyio.move_on_after(0.01):
        await shelf.glance(service)
    assert await shelf.glance(service) == "new"


async def test_what_was_fetched_with_one_key_is_not_shown_with_another(
    make_shelf: MakeShelf, make_settings: MakeSettings
) -> None:
    settings = make_settings(API_KEY="")
    store = KeyStore(settings.credentials_file)
    shelf, service = make_shelf(settings), Service("ann's", broken(), "bob's")
    store.save(settings.base_url, name="ann", key="wv_ann_0000000000000000", use=True)
    assert await shelf.glance(service) == "ann's"
    store.save(settings.base_url, name="bob", key="wv_bob_0000000000000000", use=True)
    with pytest.raises(ServerError):
        await shelf.read(service)
    assert await shelf.glance(service) == "bob's"
    store.forget(settings.base_url)
    assert await shelf.glance(service) is None


async def test_completion_says_nothing_where_the_key_cannot_be_read(
    make_shelf: MakeShelf, make_settings: MakeSettings
) -> None:
    settings = make_settings(API_KEY="")
    settings.credentials_file.mkdir(parents=True)
    assert await make_shelf(settings).glance(Service()) is None


async def test_the_network_is_what_a_client_of_the_app_would_use(make_settings: MakeSettings) -> None:
    async def fetch(app: App) -> str:
        return app.settings.base_url

    settings = make_settings()
    shelf = Shelf(assemble(settings, ScriptedTransport(httpx2.Response(200))))
    assert (await shelf.read(fetch)).value == settings.base_url
