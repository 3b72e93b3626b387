"""Keys and history are private from the first byte, whatever is in the way, and are not written through links."""

import os
from pathlib import Path

import pytest

from tests.storage.helpers import mode, umask
from tests.support import BASE_URL, MakeSettings, ScriptedTransport, answer, connected, failed, fields
from tests.wire.calls import REPLIES
from webvoice_mcp.keystore import KeyStore
from webvoice_mcp.settings import Settings

pytestmark = pytest.mark.skipif(os.name == "nt", reason="modes and links as POSIX has them")

PRIVATE_FILES = ["credentials.json", "credentials.json.lock", "history.db", "history.db-wal", "history.db-shm"]
CODE = {"email": "a@example.com", "code": "1"}


async def register_and_speak(settings: Settings) -> None:
    """Save a key and write a job to the history."""
    service = ScriptedTransport(answer(REPLIES["auth/verify-code/"]), answer(REPLIES["translation/"]))
    async with connected(settings, service) as client:
        fields(await client.call_tool("webvoice_register_verify", CODE))
        fields(await client.call_tool("webvoice_translate", {"text": "Good day", "target_language": "it"}))
        folder = settings.history_file.parent
        assert {mode(path) for path in folder.iterdir()} == {0o600}, [(p.name, oct(mode(p))) for p in folder.iterdir()]


@pytest.mark.parametrize("value", [0, 0o027, 0o077])
async def test_all_files_and_folders_are_private_whatever_the_umask(
    make_settings: MakeSettings, tmp_path: Path, value: int
) -> None:
    settings = make_settings(API_KEY="", STATE_DIR=tmp_path / "new/deep/state")
    with umask(value):
        await register_and_speak(settings)
    assert [mode(tmp_path / path) for path in ("new", "new/deep", "new/deep/state")] == [0o700] * 3


async def test_an_open_state_folder_is_restricted_with_its_files(make_settings: MakeSettings, tmp_path: Path) -> None:
    settings = make_settings(API_KEY="")
    await register_and_speak(settings)
    for path in (tmp_path / "state").iterdir():
        path.chmod(0o666)
    (tmp_path / "state").chmod(0o777)
    await register_and_speak(make_settings(API_KEY=""))
    assert mode(tmp_path / "state") == 0o700


async def test_an_open_state_folder_is_restricted_when_a_key_is_read(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    settings = make_settings(API_KEY="")
    KeyStore(settings.credentials_file).save(BASE_URL, name="k", key="wv_first_1234567890", use=True)
    (tmp_path / "state").chmod(0o777)
    async with connected(settings, ScriptedTransport(answer(REPLIES["status/"]))) as client:
        fields(await client.call_tool("webvoice_status", {}))
    assert mode(tmp_path / "state") == 0o700


@pytest.mark.parametrize("name", [*PRIVATE_FILES, "history.db.lock"])
@pytest.mark.parametrize("is_there", [True, False], ids=["to a file", "to nothing"])
async def test_a_link_in_place_of_a_private_file_is_not_followed(
    make_settings: MakeSettings, tmp_path: Path, name: str, is_there: bool
) -> None:
    target, link = tmp_path / "mine.txt", tmp_path / "state" / name
    link.parent.mkdir(mode=0o700)
    link.symlink_to(target)
    if is_there:
        target.write_bytes(b"mine")
        target.chmod(0o644)
    service = ScriptedTransport(answer(REPLIES["translation/"]))
    async with connected(make_settings(), service) as client:
        created = await client.call_tool("webvoice_create_api_key", {"name": "x"}) if "cred" in name else None
        fields(await client.call_tool("webvoice_translate", {"text": "Good day", "target_language": "it"}))
        usage = await client.call_tool("webvoice_usage", {})
    if created:
        assert failed(created).startswith("disk_error: Cannot ")
        assert f"{link}: it is a link, and links are not followed here. " in failed(created)
    elif name != "history.db.lock":
        assert "cannot be used: it is a link, and links are not followed here. " in failed(usage)
    assert link.is_symlink()
    assert [(mode(path), path.read_bytes()) for path in (target,) if is_there] == [(0o644, b"mine")] * is_there
    assert target.exists() == is_there


async def test_a_link_to_the_user_s_own_state_folder_is_followed(make_settings: MakeSettings, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o755)
    (tmp_path / "state").symlink_to("elsewhere")
    await register_and_speak(make_settings(API_KEY=""))
    assert mode(tmp_path / "elsewhere") == 0o700


async def test_a_link_to_another_user_s_folder_is_refused(
    make_settings: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere").chmod(0o755)
    (tmp_path / "state").symlink_to("elsewhere")
    other = os.geteuid() + 1
    monkeypatch.setattr("os.geteuid", lambda: other)
    async with connected(make_settings(), ScriptedTransport()) as client:
        text = failed(await client.call_tool("webvoice_create_api_key", {"name": "x"}))
    reason = "it is a link that another user made, or leads to another user's folder"
    assert text.startswith(f"disk_error: Cannot use {tmp_path}/state: {reason}. ")
    assert mode(tmp_path / "elsewhere") == 0o755
