"""The key that is sent, and the storage of new keys."""

import threading
from urllib.parse import urlsplit

import anyio
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.client.helpers import STATUS_BODY, ok, patient
from tests.support import BASE_URL, CANARY, MakeSettings, ScriptedTransport
from webvoice_mcp.client.auth import ApiKey, Keys, StoredKey
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


async def test_a_key_in_the_environment_takes_precedence(make_settings: MakeSettings) -> None:
    settings = make_settings()
    store = KeyStore(settings.credentials_file)
    store.save(BASE_URL, name="k", key=OTHER, use=True)
    assert await Keys(settings, store).require() == ApiKey(CANARY, "environment")


async def test_a_saved_key_is_found_at_once(keys: Keys, settings: Settings) -> None:
    assert await keys.find() is None
    assert await keys.store(name="k", key=OTHER, use=True) == StoredKey(
        "wv_…cdef", str(settings.credentials_file), "", used=True
    )
    assert await keys.require() == ApiKey(OTHER, "saved")


async def test_a_key_stored_beside_the_environments_says_which_is_used(make_settings: MakeSettings) -> None:
    settings = make_settings()
    stored = await Keys(settings, KeyStore(settings.credentials_file)).store(name="k", key=OTHER, use=True)
    assert stored.facts() == {
        "api_key": "wv_…cdef",
        "api_key_saved_to": str(settings.credentials_file),
        "note": "WEBVOICE_API_KEY is set and stays in use until it is removed.",
    }


async def test_a_text_that_cannot_be_a_key_is_neither_saved_nor_used(keys: Keys) -> None:
    stored = await keys.store(name="k", key="wv_with\x1b[31m blank", use=True)
    assert stored == StoredKey("wv_…lank", "", "The service sent a key with invalid characters. It was not saved.")
    assert await keys.find() is None


async def test_a_key_that_cannot_be_saved_works_until_one_is_saved(keys: Keys, settings: Settings) -> None:
    settings.credentials_file.parent.write_text("in the way")
    stored = await keys.store(name="k", key=OTHER, use=True)
    assert (stored.masked, stored.saved_to) == ("wv_…cdef", "")
    assert stored.note == (
        f"The key could not be saved. Cannot use {settings.credentials_file.parent}: a file with this name exists. "
        "Check the folder, or set WEBVOICE_STATE_DIR. It works until this process ends. When the cause is removed, a "
        "further code or call makes another key."
    )
    assert await keys.require() == await keys.at_work() == ApiKey(OTHER, "memory")

    settings.credentials_file.parent.unlink()
    await keys.store(name="k", key="wv_saved_12345", use=True)
    assert await keys.require() == ApiKey("wv_saved_12345", "saved")


async def test_an_unwanted_key_that_cannot_be_saved_is_not_used(keys: Keys, settings: Settings) -> None:
    settings.credentials_file.parent.write_text("in the way")
    stored = await keys.store(name="k", key=OTHER, use=False, keep_unused=True)
    assert "It is not used." in stored.note
    assert await keys.at_work() is None


async def test_a_refused_key_is_found_but_is_not_at_work(keys: Keys) -> None:
    await keys.store(name="k", key=OTHER, use=True)
    for status in (200, 403, 500):
        keys.take_note(OTHER, status)
    assert await keys.at_work() == ApiKey(OTHER, "saved")
    keys.take_note(OTHER, 401)
    assert await keys.at_work() is None
    assert await keys.find() == ApiKey(OTHER, "saved")


async def test_a_damaged_key_file_is_reported_if_no_key_is_found(keys: Keys, settings: Settings) -> None:
    settings.credentials_file.parent.mkdir(parents=True)
    settings.credentials_file.write_text("{")
    with pytest.raises(NotAuthenticated, match=r"A damaged key file was set aside as .*\.damaged-"):
        await keys.require()


async def test_a_key_file_that_cannot_be_read_is_an_error(keys: Keys, settings: Settings) -> None:
    settings.credentials_file.mkdir(parents=True)
    with pytest.raises(DiskError):
        await keys.require()


async def test_waiting_for_the_key_files_lock_does_not_block_the_event_loop(keys: Keys, settings: Settings) -> None:
    file = settings.credentials_file
    file.parent.mkdir(parents=True)
    file.write_text("{")
    is_locked, release = threading.Event(), threading.Event()

    def hold_lock() -> None:
        with file_lock(file.with_name(f"{file.name}.lock")):
            is_locked.set()
            release.wait(60)

    holder = threading.Thread(target=hold_lock)
    holder.start()
    assert is_locked.wait(60)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keys.find)
        for _ in range(20):  # a blocked event loop would stop here until the lock is released
            await anyio.sleep(0.01)
        assert file.exists()
        assert not release.is_set()
        release.set()
    holder.join()
    assert not file.exists()


@patient
@given(st.text(alphabet=st.sampled_from("aB0.:/@?#[]%\\- \tü"), min_size=1))
@example("example.com:443")
@example("[::1]:8443/x/")
@example("a.b%2eevil.example")
def test_the_key_goes_only_to_the_host_of_the_base_url(rest: str) -> None:
    try:
        settings = Settings.read({"WEBVOICE_BASE_URL": f"https://{rest}", "WEBVOICE_API_KEY": CANARY})
    except SettingsError:
        return
    sent = ScriptedTransport(ok(STATUS_BODY))
    client = Client(settings, Keys(settings, KeyStore(settings.credentials_file)), transport=sent)
    anyio.run(client.call, STATUS, Empty())
    (request,) = sent.requests
    host = urlsplit(f"https://{rest}".strip())
    assert (request.url.scheme, request.url.host, request.url.port or 443) == ("https", host.hostname, host.port or 443)
    assert [name for name, value in request.headers.items() if CANARY in value] == ["x-api-key"]
    assert CANARY not in str(request.url)
