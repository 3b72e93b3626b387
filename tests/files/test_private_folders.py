"""No argument of any tool leads into the folder of saved keys and history."""

# ruff: noqa: ASYNC240 - nothing else needs the event loop of these tests

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.files.actions import read, refused_input, refused_output, resolve, save
from tests.files.samples import MP3_BYTES, PNG_BYTES, everything_in
from tests.support import MakeSettings, ScriptedTransport, answer, connected, failed, fields
from tests.tools.calls import TOOLS
from tests.wire.calls import CALLS
from webvoice_mcp.errors import PathNotAllowed, WebVoiceError
from webvoice_mcp.files import Files
from webvoice_mcp.files.path_policy import PathPolicy
from webvoice_mcp.files.private_folders import PrivateFolders
from webvoice_mcp.settings import Settings

PATHS = [
    "{state}",
    "{state}/",
    "{state}/credentials.json",
    "{state}/credentials.json.lock/x",
    "{state}/history.db",
    "{state}/new/folder/x",
    "{state}/sound",
    "../state/sound",
    "x/../../state/sound",
    "file://{state}/sound",
    "file://localhost{state}/%2e/sound",
    "to-state/sound",
    "to-sound",
    "~/state/sound",
]


@pytest.fixture
def state(tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder with a file that tools could read, to which links lead."""
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "state"
    for path in (folder, out):
        path.mkdir()
    for suffix, content in ((".mp3", MP3_BYTES), (".png", PNG_BYTES), (".mp4", b""), (".txt", b"x")):
        (folder / f"sound{suffix}").write_bytes(content)
        (out / f"to-sound{suffix}").symlink_to(folder / f"sound{suffix}")
    (out / "to-state").symlink_to(folder)
    return folder


def path_arguments() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each tool that takes paths, one of its path parameters, and that parameter's schema."""
    for name, tool in TOOLS.items():
        for parameter, schema in tool.sdk_tool().parameters["properties"].items():
            is_joined = name == "webvoice_join"  # all its parameters are paths
            if is_joined or parameter.endswith("path") or "output folder" in schema["description"]:
                yield name, parameter, schema


def calls_with(path: str, name: str, parameter: str, schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    value = [path] if schema["type"] == "array" else path
    call = {**CALLS[name], parameter: value}
    call.pop("stop", None)  # excludes a path
    if parameter == "text_path" or (name, parameter) == ("webvoice_translate", "output_path"):
        del call["text"]  # excludes a file
        call.setdefault("text_path", "notes.txt")
    yield name, call
    if parameter == "audio_path":
        yield "webvoice_estimate_credits", {"tool": name, "arguments": call}


def test_the_parameters_that_take_paths_are_found() -> None:
    found = {(tool, parameter) for tool, parameter, _ in path_arguments()}
    assert {("webvoice_tts", "output_path"), ("webvoice_stt", "audio_path"), ("webvoice_stt", "output_path")} <= found
    assert {("webvoice_image_to_image", "images"), ("webvoice_image_to_video", "image")} <= found


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({}, id="no limit", marks=pytest.mark.slow),
        pytest.param({"ALLOWED_DIRS": "{tmp}"}, id="above"),
        pytest.param({"ALLOWED_DIRS": "{tmp}/state"}, id="the folder itself", marks=pytest.mark.slow),
    ],
)
async def test_no_argument_leads_into_the_state_folder(
    make_settings: MakeSettings, tmp_path: Path, state: Path, out: Path, variables: dict[str, str]
) -> None:
    for name in ("talk.wav", "there.mp3"):
        (out / name).write_bytes(MP3_BYTES)
    (out / "photo.png").write_bytes(PNG_BYTES)
    (out / "notes.txt").write_text("Good day")
    before = everything_in(tmp_path)
    service = ScriptedTransport()
    limits = {name: value.format(tmp=tmp_path) for name, value in variables.items()}
    async with connected(make_settings(OVERWRITE=1, **limits), service) as client:
        for name, parameter, schema in path_arguments():
            suffix = ".png" if parameter.startswith("image") else "" if parameter == "output_path" else ".mp3"
            for path in PATHS:
                given_path = path.format(state=state) + (suffix if path.endswith("sound") else "")
                for tool, arguments in calls_with(given_path, name, parameter, schema):
                    text = failed(await client.call_tool(tool, arguments))
                    assert text.startswith("path_not_allowed: "), (tool, arguments, text)
    assert service.requests == []
    assert everything_in(tmp_path) == before


async def test_no_argument_makes_a_folder_in_place_of_the_lock(make_settings: MakeSettings, tmp_path: Path) -> None:
    service = ScriptedTransport(answer({"success": True, "api_key": "wv_new_key_0123456789abcd"}))
    async with connected(make_settings(), service) as client:
        path = f"{tmp_path}/STATE/credentials.json.lock/x.mp3"  # not there yet, so its case cannot be told
        for attempt in (path, path.replace("STATE", "state")):
            text = failed(await client.call_tool("webvoice_tts", {"text": "x", "output_path": attempt}))
            assert text == (
                f"path_not_allowed: output_path: {attempt} is in {tmp_path}/state, the folder of saved keys and "
                "history, where no tool reads or writes. Choose another path."
            )
        assert fields(await client.call_tool("webvoice_create_api_key", {"name": "x"}))["api_key"] == "wv_…abcd"


@pytest.mark.parametrize("output_dir", ["state", "state/out"])
async def test_an_output_folder_in_the_state_folder_is_refused_by_its_setting(
    make_settings: MakeSettings, tmp_path: Path, output_dir: str
) -> None:
    files = Files(make_settings(OUTPUT_DIR=tmp_path / output_dir))
    for path in ("", "a.mp3"):
        assert await refused_output(PathNotAllowed, files, path) == (
            f"The output folder {tmp_path}/{output_dir} is in {tmp_path}/state, the folder of saved keys and history,"
            " where no tool reads or writes. Set WEBVOICE_OUTPUT_DIR to another folder, or ask the user to."
        )
    assert everything_in(tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere these variables choose no folders")
async def test_the_folders_of_keys_and_of_history_are_both_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    files = Files(Settings.read({"WEBVOICE_OUTPUT_DIR": str(tmp_path)}))
    for kind in ("CONFIG", "STATE"):
        await refused_output(PathNotAllowed, files, f"{kind}/webvoice-mcp/a.mp3")
        assert (await resolve(files, f"{kind}/other/a.mp3")).path == tmp_path / kind / "other/a.mp3"


async def test_an_output_folder_around_the_state_folder_is_used(make_settings: MakeSettings, tmp_path: Path) -> None:
    files = Files(make_settings(OUTPUT_DIR=tmp_path))
    saved = await save(files, await resolve(files, "statement/a.mp3"), MP3_BYTES)
    assert await read(files, saved.path) == MP3_BYTES
    assert (await resolve(files, "")).path.parent == tmp_path
    for name in ("state", "state/a.mp3"):
        await refused_output(PathNotAllowed, files, name)


async def test_a_file_that_is_not_there_is_not_told_apart(make_settings: MakeSettings, state: Path) -> None:
    files = Files(make_settings())
    there, missing = [
        await refused_input(PathNotAllowed, files, str(state / name)) for name in ("sound.mp3", "missing.mp3")
    ]
    assert there.replace("sound", "missing") == missing


def test_a_folder_is_recognized_by_its_identity(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "STATE").mkdir()  # another folder, as far as the file system minds case
    folders = PrivateFolders((tmp_path / "state",))
    assert folders.containing(tmp_path / "state/x/y") == tmp_path / "state"
    assert folders.containing(tmp_path / "STATE/x") is None
    (tmp_path / "second name").symlink_to("state")  # stands for a mount or another case of the name
    assert folders.containing(tmp_path / "second name/x") == tmp_path / "state"


def test_a_missing_folder_is_recognized_in_any_case_and_form(tmp_path: Path) -> None:
    folders = PrivateFolders((tmp_path / "Zuk\u00fcnfte/webvoice",))
    assert folders.containing(tmp_path / "zuku\u0308nfte/WEBVOICE/x.mp3")
    for other in ("Zuk\u00fcnfte", "Zuk\u00fcnfte/other/webvoice", "webvoice/x"):
        assert folders.containing(tmp_path / other) is None


@pytest.mark.skipif(sys.platform != "linux", reason="other systems report another path of a hard link")
def test_a_file_that_was_opened_in_the_state_folder_is_refused(tmp_path: Path, out: Path) -> None:
    policy = PathPolicy(out, (), (tmp_path / "state",))
    for folder in (out, tmp_path / "state"):
        folder.mkdir()
    (out / "a.mp3").write_bytes(MP3_BYTES)
    (tmp_path / "state/a.mp3").hardlink_to(out / "a.mp3")
    descriptor = os.open(tmp_path / "state/a.mp3", os.O_RDONLY)
    try:
        assert not policy.still_allows(descriptor, out / "a.mp3")
        assert PathPolicy(out, ()).still_allows(descriptor, out / "a.mp3")
    finally:
        os.close(descriptor)


@given(st.lists(st.sampled_from(["..", ".", "state", "STATE", "out", "to-state", "x", "", "~", "file:"]), max_size=7))
@example(["..", "state", "x"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_path_writes_into_the_state_folder(make_settings: MakeSettings, parts: list[str]) -> None:
    with TemporaryDirectory() as name:
        root = Path(name).resolve()
        for folder in ("out", "state"):
            (root / folder).mkdir()
        (root / "out/to-state").symlink_to("../state")
        files = Files(make_settings(OUTPUT_DIR=root / "out", STATE_DIR=root / "state", ALLOWED_DIRS=root))
        with suppress(WebVoiceError):
            await save(files, await resolve(files, "/".join(parts)), MP3_BYTES)
        assert everything_in(root / "state") == []
