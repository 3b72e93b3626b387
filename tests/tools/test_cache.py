"""Values from the service are cached for an hour, by key."""

from collections.abc import Callable

import anyio
import pytest

from tests.support import MakeSettings, ScriptedTransport
from tests.tools.clock import Clock
from webvoice_mcp.errors import ServerError, Unauthorized, WebVoiceError
from webvoice_mcp.jobs.services import Services
from webvoice_mcp.keystore import KeyStore
from webvoice_mcp.server import create_services
from webvoice_mcp.settings import Settings
from webvoice_mcp.tools.cache import CachedValue, TTLCache

MakeCache = Callable[..., TTLCache]
NEVER = 1e9  # seconds; a test that waits so long hangs


class Service:
    """Returns the given answers one after the other; None is a request that is never answered."""

    def __init__(self, *answers: str | WebVoiceError | None) -> None:
        self.answers = list(answers)

    async def __call__(self, _: Services) -> str:
        answer = self.answers.pop(0)
        if answer is None:
            await anyio.sleep(NEVER)
        elif isinstance(answer, WebVoiceError):
            raise answer
        return str(answer)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_cache(make_settings: MakeSettings, clock: Clock) -> MakeCache:
    def make(settings: Settings | None = None, *, refresh: float = NEVER, peek: float = NEVER) -> TTLCache:
        services = create_services(settings or make_settings(), ScriptedTransport())
        return TTLCache(services, clock=clock, refresh_seconds=refresh, peek_seconds=peek)

    return make


def down() -> ServerError:
    return ServerError("Down.", status=500)


async def test_a_value_of_the_last_hour_replaces_that_of_a_failing_service(make_cache: MakeCache, clock: Clock) -> None:
    cache, service = make_cache(), Service("old", down(), down())
    start = clock.now
    assert await cache.fetch(service) == CachedValue("old", start)
    clock.now += 3600
    cached = await cache.fetch(service)
    assert cached == CachedValue("old", start, "server_error")
    assert cached.facts() == {
        "fetched_at": "2027-01-15T08:00:00Z",
        "note": "The service did not answer just now (server_error); this is what it said at 2027-01-15T08:00:00Z.",
    }
    clock.now += 1
    with pytest.raises(ServerError):
        await cache.fetch(service)


async def test_a_failure_that_concerns_the_caller_is_not_hidden(make_cache: MakeCache) -> None:
    cache, service = make_cache(), Service("old", Unauthorized("No.", status=401))
    await cache.fetch(service)
    with pytest.raises(Unauthorized):
        await cache.fetch(service)


async def test_a_clock_that_was_set_back_makes_nothing_last_longer(make_cache: MakeCache, clock: Clock) -> None:
    cache, service = make_cache(), Service("old", down())
    await cache.fetch(service)
    clock.now -= 60
    with pytest.raises(ServerError):
        await cache.fetch(service)


async def test_a_fresh_value_is_not_waited_for_long(make_cache: MakeCache, clock: Clock) -> None:
    cache, service = make_cache(refresh=0.01), Service("old", None)
    await cache.fetch(service)
    assert await cache.fetch(service) == CachedValue("old", clock.now, "timeout")


async def test_completion_fetches_once_an_hour_however_fast_one_types(make_cache: MakeCache, clock: Clock) -> None:
    cache, service = make_cache(), Service("old", "new")
    values: list[str | None] = []

    async def type_a_key() -> None:
        values.append(await cache.peek(service))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(type_a_key)
        tasks.start_soon(type_a_key)
    clock.now += 3600
    await type_a_key()
    clock.now += 1
    await type_a_key()
    assert values == ["old", "old", "old", "new"]


@pytest.mark.parametrize("answer", [None, down()], ids=["silent", "failing"])
async def test_after_a_failure_completion_does_not_ask_for_a_minute(
    make_cache: MakeCache, clock: Clock, answer: WebVoiceError | None
) -> None:
    cache, service = make_cache(peek=0.01), Service(answer, "new")
    assert await cache.peek(service) is None
    clock.now += 60
    assert await cache.peek(service) is None
    clock.now += 1
    assert await cache.peek(service) == "new"


async def test_a_cancelled_completion_does_not_count_as_a_failure(make_cache: MakeCache) -> None:
    cache, service = make_cache(), Service(None, "new")
    with anyio.move_on_after(0.01):
        await cache.peek(service)
    assert await cache.peek(service) == "new"


async def test_a_value_fetched_with_one_key_is_not_shown_with_another(
    make_cache: MakeCache, make_settings: MakeSettings
) -> None:
    settings = make_settings(API_KEY="")
    store = KeyStore(settings.credentials_file)
    cache, service = make_cache(settings), Service("ann's", down(), "bob's")
    store.save(settings.base_url, name="ann", key="wv_ann_0000000000000000", use=True)
    assert await cache.peek(service) == "ann's"
    store.save(settings.base_url, name="bob", key="wv_bob_0000000000000000", use=True)
    with pytest.raises(ServerError):
        await cache.fetch(service)
    assert await cache.peek(service) == "bob's"
    store.forget(settings.base_url)
    assert await cache.peek(service) is None


async def test_without_a_readable_key_nothing_completes(make_cache: MakeCache, make_settings: MakeSettings) -> None:
    settings = make_settings(API_KEY="")
    settings.credentials_file.mkdir(parents=True)
    assert await make_cache(settings).peek(Service()) is None
