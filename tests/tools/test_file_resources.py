"""Files that calls made, read as resources: those and nothing else on the disk."""

import base64
import itertools
import json
import os
import sqlite3
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.types import INTERNAL_ERROR, INVALID_PARAMS, ResourceTemplateReference, TextResourceContents

from tests.files.samples import MP3_BYTES, PNG_BYTES
from tests.jobs.world import BY_TOOL, PAID, Paid, Upstream, put_inputs, rows
from tests.support import BASE_URL, MakeSettings, ScriptedTransport, answer, base64_text, connected, fields
from tests.tools.calls import BOTH_ERAS
from webvoice_mcp.files import SavedFile, kind_for_suffix
from webvoice_mcp.files.disk import FileId
from webvoice_mcp.jobs.history import History

MAKING = [paid for paid in PAID if paid.file]
TTS = BY_TOOL["webvoice_tts"]
STATIC = ["account", "outputs", "models", "voices"]
FILES = "webvoice://files/"

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has other links, pipes and names")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="macOS refuses names that are not UTF-8")


async def content(client: Client, uri: str) -> tuple[str, bytes]:
    """Return a resource's media type and content."""
    (found,) = (await client.read_resource(uri)).contents
    assert found.uri == uri
    if isinstance(found, TextResourceContents):
        return str(found.mime_type), found.text.encode()
    return str(found.mime_type), base64.b64decode(found.blob)


async def refusal(client: Client, uri: str) -> tuple[int, str]:
    with pytest.raises(MCPError) as caught:
        await client.read_resource(uri)
    return caught.value.error.code, caught.value.error.message


async def make(client: Client, paid: Paid = TTS, **arguments: Any) -> dict[str, Any]:
    """Call a tool that makes one file; return what the result says about it."""
    (file,) = fields(await client.call_tool(paid.tool, paid.arguments | arguments))["files"]
    found: dict[str, Any] = file
    return found


def as_saved(path: Path) -> SavedFile:
    """Describe a file as if it had just been saved."""
    status = path.stat()
    kind = kind_for_suffix(path.suffix)
    mime_type = kind.mime_type if kind else ""
    return SavedFile(str(path), path.as_uri(), mime_type, status.st_size, FileId.of(status), status.st_mtime_ns)


async def record(history_file: Path, *jobs: Sequence[SavedFile], base_url: str = BASE_URL) -> None:
    """Write jobs that made these files to a history, a second apart."""
    times = itertools.count(1_800_000_000)
    history = History(history_file, base_url, clock=lambda: next(times))
    for number, saved in enumerate(jobs):
        await history.record_start(f"job_{number}", TTS.tool, 1_800_000_000 + number, None, key="1234")
        paths = tuple(file.path for file in saved)
        await history.record_end(f"job_{number}", "done", 1.0, paths, "", saved=saved)
    await history.aclose()


# What can be read


@pytest.mark.parametrize("paid", MAKING, ids=lambda paid: paid.tool)
@BOTH_ERAS
async def test_every_file_of_a_result_is_read_by_uri_or_job(
    make_settings: MakeSettings, out: Path, tmp_path: Path, paid: Paid, mode: str
) -> None:
    put_inputs(out)
    async with connected(make_settings(), Upstream(paid.answer), mode) as client:
        file = await make(client, paid)
        (row,) = rows(tmp_path / "state")
        expected = (file["mime_type"], paid.content)
        assert await content(client, file["uri"]) == expected
        assert await content(client, f"{FILES}{row['id']}/1") == expected
        (text,) = (await client.read_resource(file["uri"])).contents
        assert isinstance(text, TextResourceContents) == (file["mime_type"] == "text/plain")
        listed = (await client.list_resources()).resources
        assert [(entry.uri, entry.name, entry.mime_type, entry.size) for entry in listed[len(STATIC) :]] == [
            (file["uri"], paid.file, file["mime_type"], len(paid.content))
        ]


async def test_files_are_numbered_in_the_order_of_the_result(make_settings: MakeSettings, tmp_path: Path) -> None:
    images = [b"\0\1\2\3", PNG_BYTES, PNG_BYTES + b"2"]
    reply = answer({"success": True, "images": list(map(base64_text, images)), "credits_used": 8})
    arguments = {"prompt": "x", "provider": "nucleus", "num_images": 2}
    async with connected(make_settings(), ScriptedTransport(reply)) as client:
        files = fields(await client.call_tool("webvoice_image", arguments))["files"]
        (row,) = rows(tmp_path / "state")
        found = [await content(client, f"{FILES}{row['id']}/{number}") for number in (1, 2, 3)]
        assert [kind for kind, _ in found] == ["image/png", "image/png", "application/octet-stream"]
        assert [path.read_bytes() for path in (Path(file["path"]) for file in files)] == [body for _, body in found[:2]]
        assert found[2][1] == images[0]
        assert await refusal(client, f"{FILES}{row['id']}/4") == (
            INVALID_PARAMS,
            f"Unknown resource: {FILES}{row['id']}/4",
        )


async def test_a_later_server_with_another_key_and_service_reads_them(make_settings: MakeSettings) -> None:
    async with connected(make_settings(), Upstream(TTS.answer)) as client:
        uri = (await make(client))["uri"]
    other = make_settings(API_KEY="wv_bob_0000000000000000", BASE_URL="http://127.0.0.1:8/api/v1")
    async with connected(other, ScriptedTransport()) as client:
        assert await content(client, uri) == ("audio/mpeg", MP3_BYTES)
        assert uri in [entry.uri for entry in (await client.list_resources()).resources]


@pytest.mark.parametrize("name", ["a b+ü (1)'~,&=@!.mp3", "100% #a?.mp3"])
async def test_a_uri_may_be_encoded_otherwise(make_settings: MakeSettings, out: Path, name: str) -> None:
    async with connected(make_settings(), Upstream(TTS.answer)) as client:
        file = await make(client, output_path=name)
        encoded = "".join(f"%{byte:02x}" for byte in name.encode())
        least = name.replace("%", "%25").replace("#", "%23").replace("?", "%3F")
        for uri in (file["uri"], f"{out.as_uri()}/{encoded}", f"{out.as_uri()}/{least}"):
            assert await content(client, uri) == ("audio/mpeg", MP3_BYTES)


@on_linux
async def test_a_path_that_is_no_unicode_is_read(make_settings: MakeSettings, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff.mp3")
    path.write_bytes(MP3_BYTES)
    settings = make_settings()
    await record(settings.history_file, [as_saved(path)])
    async with connected(settings, ScriptedTransport()) as client:
        assert await content(client, path.as_uri()) == ("audio/mpeg", MP3_BYTES)


async def test_a_text_that_is_not_utf8_is_a_blob(make_settings: MakeSettings, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"caf\xe9")
    settings = make_settings()
    await record(settings.history_file, [as_saved(path)])
    async with connected(settings, ScriptedTransport()) as client:
        assert await content(client, path.as_uri()) == ("text/plain", b"caf\xe9")


async def test_at_most_8_mib_are_read_at_once(make_settings: MakeSettings, tmp_path: Path) -> None:
    fits, larger = tmp_path / "fits.mp3", tmp_path / "larger.mp3"
    for path, size in ((fits, 8 << 20), (larger, (8 << 20) + 1)):
        with path.open("wb") as file:
            file.truncate(size)
    settings = make_settings()
    await record(settings.history_file, [as_saved(fits), as_saved(larger)])
    async with connected(settings, ScriptedTransport()) as client:
        assert len((await content(client, fits.as_uri()))[1]) == 8 << 20
        assert await refusal(client, larger.as_uri()) == (
            INTERNAL_ERROR,
            f"unsupported_media: {larger} has 8388609 bytes, and at most 8 MiB are read at once. Open it by its path.",
        )
        assert larger.as_uri() in [entry.uri for entry in (await client.list_resources()).resources]


# What is listed


async def test_the_20_newest_files_that_are_there_are_listed_once(make_settings: MakeSettings, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.mp3" for number in range(23)]
    for path in paths:
        path.write_bytes(b"x")
    saved = [as_saved(path) for path in paths]
    settings = make_settings()
    await record(settings.history_file, *([file] for file in saved), [saved[0]])
    paths[22].unlink()
    async with connected(settings, ScriptedTransport()) as client:
        listed = [entry.name for entry in (await client.list_resources()).resources][len(STATIC) :]
    assert listed == ["0.mp3", *(f"{number}.mp3" for number in range(21, 2, -1))]


async def test_listing_begins_no_history_and_needs_none(make_settings: MakeSettings) -> None:
    settings = make_settings()
    async with connected(settings, ScriptedTransport()) as client:
        assert [entry.name for entry in (await client.list_resources()).resources] == STATIC
        assert not settings.history_file.parent.exists()
        settings.history_file.mkdir(parents=True)
        assert [entry.name for entry in (await client.list_resources()).resources] == STATIC
        code, message = await refusal(client, "file:///x.mp3")
    assert (code, message.partition(":")[0]) == (INTERNAL_ERROR, "disk_error")


async def test_the_newest_jobs_and_their_numbers_complete(make_settings: MakeSettings, tmp_path: Path) -> None:
    first, second = tmp_path / "1.mp3", tmp_path / "2.mp3"
    for path in (first, second):
        path.write_bytes(b"x")
    settings = make_settings()
    await record(settings.history_file, [as_saved(first)], [as_saved(second), as_saved(first)], [])
    async with connected(settings, ScriptedTransport()) as client:
        (template,) = [
            entry.uri_template
            for entry in (await client.list_resource_templates()).resource_templates
            if entry.uri_template.startswith(FILES)
        ]
        ref = ResourceTemplateReference(uri=template)

        async def values(argument: str, filled: dict[str, str] | None = None) -> list[str]:
            return (await client.complete(ref, {"name": argument, "value": ""}, filled)).completion.values

        assert await values("job") == ["job_1", "job_0"]
        assert await values("number", {"job": "job_1"}) == ["1", "2"]
        assert await values("number") == []


# What cannot be read


async def test_nothing_else_on_the_disk_is_readable(make_settings: MakeSettings, out: Path, tmp_path: Path) -> None:
    put_inputs(out)
    settings = make_settings()
    async with connected(settings, Upstream(TTS.answer)) as client:
        path = Path((await make(client))["path"])
        others = [
            out / "talk.wav",
            settings.history_file,
            tmp_path,
            out,
            Path(__file__),
            path / "x",
            path.with_suffix(""),
        ]
        uris = [other.as_uri() for other in others]
        uris += [
            "file:///etc/passwd",
            "file:///",
            "file:",
            "file:made.mp3",
            "file://host/x.mp3",
            "file:///%00",
            "FILE:///x",
        ]
        uris += [f"{path.parent.as_uri()}/../out/{path.name}"]
        uris += [f"{FILES}job_0/1", f"{FILES}../1", f"{FILES}{rows(tmp_path / 'state')[0]['id']}/0", f"{FILES}x", FILES]
        for uri in uris:
            assert await refusal(client, uri) == (INVALID_PARAMS, f"Unknown resource: {uri}"), uri
        assert await content(client, path.as_uri()) == ("audio/mpeg", MP3_BYTES)


def gone(path: Path, _: Path) -> None:
    path.unlink()


def changed(path: Path, _: Path) -> None:
    status = path.stat()
    path.write_bytes(path.read_bytes()[::-1])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000_000))


def longer(path: Path, _: Path) -> None:
    status = path.stat()
    with path.open("ab") as file:
        file.write(b"x")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def another_alike(path: Path, other: Path) -> None:
    status = path.stat()
    other.write_bytes(b"s" * status.st_size)
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)


def hard_link(path: Path, other: Path) -> None:
    path.unlink()
    path.hardlink_to(other)


def link(path: Path, other: Path) -> None:
    path.unlink()
    path.symlink_to(other)


def dangling_link(path: Path, other: Path) -> None:
    link(path, other)
    other.unlink()


def behind_a_link(path: Path, other: Path) -> None:
    other.unlink()
    path.rename(other)
    path.symlink_to(other)


def folder_behind_a_link(path: Path, other: Path) -> None:
    elsewhere = other.with_name("elsewhere")
    path.parent.rename(elsewhere)
    path.parent.symlink_to(elsewhere)


def pipe(path: Path, _: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder(path: Path, _: Path) -> None:
    path.unlink()
    path.mkdir()


CHANGED, LINK = "is no longer the file that was made", "has become a link"
SWAPS = [
    (gone, "is no longer there"),
    (changed, CHANGED),
    (longer, CHANGED),
    (another_alike, CHANGED),
    (hard_link, CHANGED),
    (link, LINK),
    (dangling_link, LINK),
    (behind_a_link, LINK),
    (folder_behind_a_link, LINK),
    (pipe, CHANGED),
    (folder, "Cannot read"),
]


@posix
@pytest.mark.parametrize(("swap", "words"), SWAPS, ids=[swap.__name__ for swap, _ in SWAPS])
async def test_a_path_that_leads_to_something_else_is_refused(
    make_settings: MakeSettings, out: Path, tmp_path: Path, swap: Callable[[Path, Path], None], words: str
) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    async with connected(make_settings(), Upstream(TTS.answer)) as client:
        uri = (await make(client))["uri"]
        swap(out / "made.mp3", tmp_path / "secret.txt")
        code, message = await refusal(client, uri)
        assert (code, words in message) == (INVALID_PARAMS if swap is gone else INTERNAL_ERROR, True), message
        assert [entry.name for entry in (await client.list_resources()).resources] == STATIC


@posix
@pytest.mark.parametrize("swap", [another_alike, link, behind_a_link, folder_behind_a_link, pipe])
async def test_a_file_that_is_swapped_while_it_is_opened_is_not_read(
    make_settings: MakeSettings,
    out: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    swap: Callable[[Path, Path], None],
) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    original = os.open

    def swapping(path: Any, *arguments: Any, **options: Any) -> int:
        if Path(path) == out / "made.mp3":
            monkeypatch.undo()
            swap(out / "made.mp3", tmp_path / "secret.txt")
        return original(path, *arguments, **options)

    async with connected(make_settings(), Upstream(TTS.answer)) as client:
        uri = (await make(client))["uri"]
        monkeypatch.setattr("os.open", swapping)
        code, _ = await refusal(client, uri)
        assert os.open is original
    assert code == INTERNAL_ERROR


async def test_a_file_that_changes_while_it_is_read_is_refused(
    make_settings: MakeSettings, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = os.fstat

    def changing(descriptor: int) -> os.stat_result:
        status = original(descriptor)
        if status.st_size == len(MP3_BYTES):
            with (out / "made.mp3").open("ab") as file:
                file.write(b"x")
        return status

    async with connected(make_settings(), Upstream(TTS.answer)) as client:
        uri = (await make(client))["uri"]
        with monkeypatch.context() as patched:
            patched.setattr("os.fstat", changing)
            assert CHANGED in (await refusal(client, uri))[1]


async def test_allowed_folders_hold_for_reading_too(make_settings: MakeSettings, out: Path, tmp_path: Path) -> None:
    async with connected(make_settings(), Upstream(TTS.answer)) as client:
        inside = (await make(client))["uri"]
        outside = (await make(client, output_path=f"{tmp_path}/elsewhere/a.mp3"))["uri"]
        assert await content(client, outside) == ("audio/mpeg", MP3_BYTES)
    async with connected(make_settings(ALLOWED_DIRS=tmp_path / "other"), ScriptedTransport()) as client:
        assert await content(client, inside) == ("audio/mpeg", MP3_BYTES)
        code, message = await refusal(client, outside)
        assert code == INTERNAL_ERROR
        assert message.startswith(f"path_not_allowed: uri: {tmp_path}/elsewhere/a.mp3 is outside the folders in ")
        assert [entry.uri for entry in (await client.list_resources()).resources][len(STATIC) :] == [inside]


async def test_nothing_in_the_state_folder_is_readable(make_settings: MakeSettings, tmp_path: Path) -> None:
    async with connected(make_settings(), Upstream(TTS.answer)) as client:
        uri = (await make(client, output_path=f"{tmp_path}/later/a.mp3"))["uri"]
    (tmp_path / "state/history.db").replace(tmp_path / "later/history.db")
    async with connected(make_settings(STATE_DIR=tmp_path / "later"), ScriptedTransport()) as client:
        assert (await refusal(client, uri))[1].startswith("path_not_allowed: ")


async def test_a_replaced_file_is_the_newer_job_s_only(make_settings: MakeSettings, tmp_path: Path) -> None:
    newer = TTS.answer | {"audio": base64_text(MP3_BYTES * 2)}
    async with connected(make_settings(OVERWRITE=1), ScriptedTransport(answer(TTS.answer), answer(newer))) as client:
        uri = (await make(client))["uri"]
        assert (await make(client))["uri"] == uri
        old, new = (row["id"] for row in rows(tmp_path / "state"))
        assert (await content(client, uri))[1] == (await content(client, f"{FILES}{new}/1"))[1] == MP3_BYTES * 2
        assert CHANGED in (await refusal(client, f"{FILES}{old}/1"))[1]


async def test_a_file_of_which_nothing_is_known_is_not_readable(make_settings: MakeSettings, tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(MP3_BYTES)
    settings = make_settings()
    await record(settings.history_file, [SavedFile(str(path), path.as_uri(), "audio/mpeg", len(MP3_BYTES))])
    async with connected(settings, ScriptedTransport()) as client:
        assert (await refusal(client, path.as_uri()))[0] == INVALID_PARAMS


async def test_files_of_earlier_versions_are_not_readable(make_settings: MakeSettings, tmp_path: Path) -> None:
    settings = make_settings()
    path = tmp_path / "a.mp3"
    path.write_bytes(MP3_BYTES)
    await record(settings.history_file, [])
    with sqlite3.connect(settings.history_file) as connection:
        connection.execute("DROP TABLE made_files")  # earlier versions have no such table
        connection.execute("UPDATE jobs SET files = ?", (json.dumps([str(path)]),))
    connection.close()
    async with connected(settings, ScriptedTransport()) as client:
        assert (await refusal(client, path.as_uri()))[0] == INVALID_PARAMS
        assert (await client.read_resource("webvoice://outputs")).contents
