"""Which key goes out, and that looking for it holds nothing up."""

import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.client.calls import STATUS_BODY, ok
from tests.support import BASE_URL, CANARY, MakeSettings, Scripted
from webvoice_mcp.client.auth import ApiKey, Kept, Keys
from webvoice_mcp.client.client import Client
from webvoice_mcp.contract.account import STATUS
from webvoice_mcp.contract.endpoint import Empty
from webvoice_mcp.errors import DiskError, NotAuthenticated
from webvoice_mcp.keystore import KeyStore
from webvoice_mcp.settings import Settings, SettingsError
from webvoice_mcp.storage.locks import file_lock

OTHER = "wv_another_1234567890abcdef"


@pytest.fixture
def settings(make_settings: MakeSettings) -> Settings:
    return make_settings(API_KEY="")


@pytest.fixture
def keys(settings: Settings) -> Keys:
    return Keys(settings, KeyStore(settings.credentials_file))


async def test_the_environments_key_wins(make_settings: MakeSettings) -> None:
    settings = make_settings()
    store = KeyStore(settings.credentials_file)
    store.save(BASE_URL, name="k", key=OTHER, use=True)
    assert await Keys(settings, store).require() == ApiKey(CANARY, "environment")


async def test_a_saved_key_is_found_at_once(keys: Keys, settings: Settings) -> None:
    assert await keys.find() is None
    assert await keys.keep(name="k", key=OTHER, use=True) == Kept("wv_…cdef", str(settings.credentials_file), "")
    assert await keys.require() == ApiKey(OTHER, "saved")


async def test_a_key_that_is_kept_beside_the_environments_says_which_one_wins(make_settings: MakeSettings) -> None:
    settings = make_settings()
    kept = await Keys(settings, KeyStore(settings.credentials_file)).keep(name="k", key=OTHER, use=True)
    assert kept.facts() == {
        "api_key": "wv_…cdef",
        "api_key_saved_to": str(settings.credentials_file),
        "note": "WEBVOICE_API_KEY is set and goes on being used until it is removed.",
    }


async def test_a_key_that_cannot_be_saved_is_shown_once(keys: Keys) -> None:
    kept = await keys.keep(name="k", key="wv_with blank", use=True)
    assert (kept.shown, kept.saved_to) == ("wv_with blank", "")
    assert kept.note.startswith("The key could not be saved, so it is shown here once: keep it. ")


async def test_a_damaged_key_file_is_named_where_a_key_is_missing(keys: Keys, settings: Settings) -> None:
    settings.credentials_file.parent.mkdir(parents=True)
    settings.credentials_file.write_text("{")
    with pytest.raises(NotAuthenticated, match=r"A damaged key file was set aside as .*\.damaged-"):
        await keys.require()


async def test_a_key_file_that_cannot_be_read_says_why(keys: Keys, settings: Settings) -> None:
    settings.credentials_file.mkdir(parents=True)
    with pytest.raises(DiskError):
        await keys.require()


def _held(lock: Path, holding: threading.Event, enough: threading.Event) -> None:
    with file_lock(lock):
        holding.set()
        enough.wait(5)


async def test_while_a_damaged_key_file_waits_for_another_process_the_event_loop_goes_on(
    keys: Keys, settings: Settings
) -> None:
    file = settings.credentials_file
    file.parent.mkdir(parents=True)
    file.write_text("{")
    holding, enough = threading.Event(), threading.Event()
    holder = threading.Thread(target=_held, args=(file.with_name(f"{file.name}.lock"), holding, enough))
    holder.start()
    holding.wait(5)
    longest = 0.0
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keys.find)
        for _ in range(20):
            before = time.perf_counter()
            await anyio.lowlevel.checkpoint()
            longest = max(longest, time.perf_counter() - before)
        assert file.exists()
        enough.set()
    holder.join()
    assert longest < 1
    assert not file.exists()


@given(st.text(alphabet=st.sampled_from("aB0.:/@?#[]%\\- \tü"), min_size=1))
@example("example.com:443")
@example("[::1]:8443/x/")
@example("a.b%2eevil.example")
def test_however_the_base_url_is_written_the_key_goes_to_its_host_alone(rest: str) -> None:
    try:
        settings = Settings.read({"WEBVOICE_BASE_URL": f"https://{rest}", "WEBVOICE_API_KEY": CANARY})
    except SettingsError:
        return
    sent = Scripted(ok(STATUS_BODY))
    client = Client(settings, Keys(settings, KeyStore(settings.credentials_file)), transport=sent)
    anyio.run(client.call, STATUS, Empty())
    (request,) = sent.requests
    meant = urlsplit(f"https://{rest}".strip())
    assert (request.url.scheme, request.url.host, request.url.port or 443) == (
        "https",
        meant.hostname,
        meant.port or 443,
    )
    assert [name for name, value in request.headers.items() if CANARY in value] == ["x-api-key"]
    assert CANARY not in str(request.url)
