"""Names that new files and folders do not get; existing ones are used whatever their names."""

# ruff: noqa: ASYNC240 - nothing else needs the event loop of these tests

import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.files.actions import read, refused_output, resolve, save
from tests.files.samples import MP3_BYTES, everything_in, put
from tests.support import MakeSettings, ScriptedTransport, connected, failed
from webvoice_mcp.errors import InvalidArgument
from webvoice_mcp.files import Files
from webvoice_mcp.files.refused_names import reason_no_file, reason_no_folder

UNSEEN = [
    *"\u00ad\u034f\u061c\u115f\u180e\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202e",
    *"\u2060\u2066\u2069\u3164\ufeff\uffa0\ufff9\U000e0001\U000e0041\U000e007f\U000e0fff\x85\x9f",
]
HONEST = [
    "grüße 你好", "e\u0301", "日本語", "مرحبا \u0661", "שלום", "नमस्ते", "❤\ufe0f song", "1\ufe0f\u20e3", "葛\U000e0100",
    "😀🏽", "\U0001f1e9\U0001f1ea", "a\u00a0b", "10\u202fh", "\u0600 sign", "Mr. Smith", "part 1.2", "©\ufe0f",
]  # fmt: skip
MADE = ["R.E.M", "U.S", "v1.2", "St. John", "2026.01", "Dr.No", "a.b c", "example.com", "J.R.R.Tolkien", "conf.d"]
NOT_MADE = ["package.json", "setup.py", "notes.TXT", "Makefile.mk", "x.mp3", "a.tar.gz", "index.Html", "b.sh", "main.c"]
READ_BY_PROGRAMS = [
    "requirements.txt", "Requirements.TXT", "requirements-dev.txt", "test-requirements.txt", "requirements_py311.txt",
    "constraints.txt", "CMakeLists.txt", "robots.txt", "meson_options.txt", "entry_points.txt", "llms.txt",
]  # fmt: skip
TRANSCRIPTS = ["meeting requirements.txt", "customer-requirements.txt", "requirements of the client.txt", "robot.txt",
               "talk.txt", "constraint.txt", "notes.srt", "requirements.vtt"]  # fmt: skip


@pytest.mark.parametrize("character", UNSEEN, ids=ascii)
async def test_a_character_that_cannot_be_seen_is_refused_in_new_names(
    files: Files, tmp_path: Path, character: str
) -> None:
    code = f"U+{ord(character):04X}"
    for path in (
        f"a{character}b.mp3",
        f"new{character}/a.mp3",
        f"x/{character}y/",
        f"{character}.mp3",
        f"a{character}",
    ):
        assert await refused_output(InvalidArgument, files, path) == (
            f"output_path {path!r} cannot be used: it contains a character that cannot be seen or turns the text"
            f" ({code}). Choose another name."
        )
    assert everything_in(tmp_path) == []


@pytest.mark.parametrize(
    "name", ["❤\ufe0f\ufe0f", "\ufe0fa", "❤\ufe0f\U000e0100", "report\ufe0f", "é\ufe00", "a.\ufe0e"], ids=ascii
)
def test_a_variation_selector_without_a_character_of_its_own_is_refused(name: str) -> None:
    assert "cannot be seen" in reason_no_file(f"{name}.mp3")


async def test_names_in_all_scripts_with_emoji_are_accepted(files: Files, out: Path) -> None:
    for name in HONEST:
        assert (await resolve(files, f"{name}/{name}.mp3")).path == out / name / f"{name}.mp3"


async def test_an_existing_folder_with_an_odd_name_is_written_to(files: Files, out: Path) -> None:
    for name in ("family \U0001f468\u200d\U0001f469\u200d\U0001f467", "package.json", "a\u202eb"):
        (out / name).mkdir(parents=True)
        assert (await resolve(files, f"{out}/{name}/a.mp3")).path == out / name / "a.mp3"
        assert (await resolve(files, name)).path.parent == out / name


async def test_a_file_with_an_odd_name_is_read(files: Files, out: Path) -> None:
    put(out / "a\u202e\u200b.mp3", MP3_BYTES)
    assert await read(files, "a\u202e\u200b.mp3") == MP3_BYTES


async def test_folders_of_the_settings_may_have_any_name(make_settings: MakeSettings, tmp_path: Path) -> None:
    files = Files(make_settings(OUTPUT_DIR=tmp_path / "site.js/out.py", ALLOWED_DIRS=tmp_path / "b\u200d.txt"))
    await save(files, await resolve(files, "a.mp3"), MP3_BYTES)
    await save(files, await resolve(files, f"{tmp_path}/b\u200d.txt/x/a.mp3"), MP3_BYTES)
    assert "a folder 'c.py' would be created" in await refused_output(InvalidArgument, files, "c.py/a.mp3")


async def test_a_folder_that_is_made_has_no_name_of_a_file(files: Files, tmp_path: Path, out: Path) -> None:
    for name in NOT_MADE:
        for path in (f"{name}/a.mp3", f"x/{name}/y/a.mp3", f"{name}/"):
            reason = f"a folder {name!r} would be created, and .{name.rpartition('.')[2]} is the extension of a file"
            assert await refused_output(InvalidArgument, files, path) == (
                f"output_path {path!r} cannot be used: {reason}. Choose another name."
            )
    assert everything_in(tmp_path) == []
    for name in MADE:
        assert (await resolve(files, f"{name}/a.mp3")).path == out / name / "a.mp3"


async def test_a_link_does_not_make_a_folder_with_a_file_s_name(files: Files, tmp_path: Path, out: Path) -> None:
    out.mkdir()
    (out / "link").symlink_to(tmp_path / "package.json")
    assert "'package.json' would be created" in await refused_output(InvalidArgument, files, "link/a.mp3")


@pytest.mark.slow
async def test_a_transcript_is_not_saved_under_a_name_that_programs_read(
    make_settings: MakeSettings, out: Path
) -> None:
    put(out / "talk.mp3", MP3_BYTES)
    put(out / "requirements.txt", b"pytest")
    service = ScriptedTransport()
    async with connected(make_settings(OVERWRITE=1), service) as client:
        for name in READ_BY_PROGRAMS:
            for path in (name, f"docs/{name}", name[: -len(".txt")]):
                call = {"audio_path": "talk.mp3", "output_path": path}
                text = failed(await client.call_tool("webvoice_stt", call))
                assert text.startswith(f"invalid_argument: output_path {path!r} cannot be used: programs read ")
    assert service.requests == []
    assert everything_in(out) == ["requirements.txt", "talk.mp3"]


async def test_other_names_of_transcripts_are_accepted(files: Files, out: Path) -> None:
    for name in TRANSCRIPTS:
        assert (await resolve(files, name, ".txt", ".srt", ".vtt")).path == out / name


@given(st.text(min_size=1))
@example("\u2062")
@example("\u00a0")
def test_no_new_name_has_a_format_or_control_character(name: str) -> None:
    unseen = [c for c in name if unicodedata.category(c) in {"Cc", "Zl", "Zp"} or c in UNSEEN]
    for reason in (reason_no_file(f"{name}.mp3"), reason_no_folder(name)):
        assert reason or not unseen
    if name.isascii() and name.isprintable() and not name.endswith(" "):
        assert reason_no_file(f"{name}.mp3") == ""
