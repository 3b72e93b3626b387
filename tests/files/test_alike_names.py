"""A name that is typed as it looks is found; what is only probably meant is a hint, and is not opened."""

# ruff: noqa: ASYNC240 - nothing else needs the event loop of these tests

import unicodedata
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.files.actions import read, refused_input
from tests.files.samples import MP3_BYTES, PNG_BYTES, put
from tests.support import MakeSettings
from webvoice_mcp.errors import FileNotFound, InvalidArgument, PathNotAllowed
from webvoice_mcp.files import Files

pytestmark = pytest.mark.usefixtures("made_out")

NARROW, FIXED, WIDE = "\u202f", "\u00a0", "\u3000"
COMPOSED, DECOMPOSED = unicodedata.normalize("NFC", "Café"), unicodedata.normalize("NFD", "Café")
OTHER = MP3_BYTES + MP3_BYTES


async def test_a_name_is_found_by_how_it_looks(files: Files, out: Path) -> None:
    names = {
        f"Recording at 3.21.05{NARROW}PM.mp3": "Recording at 3.21.05 PM.mp3",
        f"a{FIXED}b.mp3": f"a{WIDE}b.mp3",
        f"{DECOMPOSED}.mp3": f"{COMPOSED}.mp3",
        f"{COMPOSED} 2.mp3": f"{DECOMPOSED}{NARROW}2.mp3",
    }
    for number, (name, typed) in enumerate(names.items(), 1):
        (out / name).write_bytes(MP3_BYTES * number)
        for path in (typed, f"{out}/{typed}", (out / typed).as_uri()):
            assert await read(files, path) == MP3_BYTES * number
    (out / f"Screenshot{NARROW}1.png").write_bytes(PNG_BYTES)
    assert await read(files, "Screenshot 1.png", "image") == PNG_BYTES


async def test_every_folder_is_found_by_how_it_looks(files: Files, out: Path) -> None:
    folder = out / f"My{FIXED}talks" / DECOMPOSED
    folder.mkdir(parents=True)
    (folder / f"a{NARROW}b.mp3").write_bytes(MP3_BYTES)
    assert await read(files, f"My talks/{COMPOSED}/a b.mp3") == MP3_BYTES


async def test_the_exact_name_wins(files: Files, out: Path) -> None:
    (out / "a b.mp3").write_bytes(MP3_BYTES)
    (out / f"a{NARROW}b.mp3").write_bytes(OTHER)
    assert await read(files, "a b.mp3") == MP3_BYTES
    assert await read(files, f"a{NARROW}b.mp3") == OTHER


async def test_of_several_names_that_look_alike_none_is_opened(files: Files, out: Path) -> None:
    (out / f"a{FIXED}b.mp3").write_bytes(MP3_BYTES)
    (out / f"a{NARROW}b.mp3").write_bytes(OTHER)
    assert await refused_input(FileNotFound, files, "a b.mp3") == (
        f"audio_path: there is no file {out}/a b.mp3. Several differ from it only in Unicode form or kind of space:"
        f" '{out}/a\\xa0b.mp3', '{out}/a\\u202fb.mp3'. Give the path of one of them."
    )


async def test_other_differences_are_not_found(files: Files, out: Path) -> None:
    (out / "a b.mp3").write_bytes(MP3_BYTES)
    (out / "Cafe.mp3").write_bytes(MP3_BYTES)
    (out / "gone b.mp3").symlink_to(out / "nothing")
    for typed in ("ab.mp3", "a  b.mp3", "a\u200bb.mp3", "a\tb.mp3", "A b.mp3x", f"{COMPOSED}.mp3", f"gone{FIXED}b.mp3"):
        assert "Give an absolute path, or one relative to" in await refused_input(FileNotFound, files, typed)


async def test_what_is_found_obeys_the_rules_of_folders(make_settings: MakeSettings, tmp_path: Path, out: Path) -> None:
    allowed = tmp_path / f"My{FIXED}talks"
    files = Files(make_settings(ALLOWED_DIRS=allowed))
    allowed.mkdir()
    for path in (allowed / f"a{NARROW}b.mp3", tmp_path / f"secret{NARROW}b.mp3"):
        path.write_bytes(MP3_BYTES)
    (out / f"link{NARROW}b.mp3").symlink_to(tmp_path / f"secret{NARROW}b.mp3")
    put(tmp_path / "state" / f"key{NARROW}b.mp3", MP3_BYTES)

    for inside in (f"{allowed}/a b.mp3", f"{tmp_path}/My talks/a b.mp3"):
        assert await read(files, inside) == MP3_BYTES
    for outside in (f"{tmp_path}/secret b.mp3", f"{tmp_path}/state/key b.mp3"):
        assert outside in await refused_input(PathNotAllowed, files, outside)
    assert "Give an absolute path" in await refused_input(FileNotFound, files, "link b.mp3")
    everywhere = Files(make_settings())
    assert "saved keys" in await refused_input(PathNotAllowed, everywhere, f"{tmp_path}/state/key b.mp3")


async def test_a_hint_names_the_file_without_marks_around_it(files: Files, out: Path) -> None:
    path = out / "My Memo.mp3"
    path.write_bytes(MP3_BYTES)
    samples = {
        "My\\ Memo.mp3": "the backslash",
        f"{out}/My\\ Memo.mp3": "the backslash",
        '"My Memo.mp3"': "the quotes",
        "'My Memo.mp3'": "the quotes",
        "\u201cMy Memo.mp3\u201d": "the quotes",
        f"'{out}/My Memo.mp3'": "the quotes",
        f"'{path.as_uri()}'": "the quotes",
        "My Memo.mp3\n": "the line break",
        f"{path.as_uri()}\n": "the line break",
        " My Memo.mp3": "the blank around it",
        "'My\\ Memo.mp3'\n": "the line break, the quotes and the backslash",
        f"file://{out}/My\\ Memo.mp3": "the backslash",
        "file:My Memo.mp3": '"file:"',
    }
    for typed, left_out in samples.items():
        message = await refused_input(FileNotFound, files, typed)
        assert message.endswith(f". Without {left_out} it is there: give {path}."), typed
        assert message.startswith("audio_path: there is no file ")


async def test_a_hint_finds_the_name_that_looks_like_it(files: Files, out: Path) -> None:
    (out / f"At 3.21{NARROW}PM #b.mp3").write_bytes(MP3_BYTES)
    for typed in ("At\\ 3.21\\ PM\\ #b.mp3", f"file://{out}/At 3.21 PM #b.mp3"):
        message = await refused_input(FileNotFound, files, typed)
        assert message.endswith(f"it is there: give {out}/At 3.21{NARROW}PM #b.mp3.")


async def test_a_hint_tells_nothing_of_what_may_not_be_read(
    make_settings: MakeSettings, out: Path, tmp_path: Path
) -> None:
    files = Files(make_settings(ALLOWED_DIRS=out))
    (tmp_path / "secret.mp3").write_bytes(MP3_BYTES)
    (out / "folder").mkdir()
    for typed in (f"'{tmp_path}/secret.mp3'", "'../secret.mp3'", "'folder'", "'missing.mp3'", "'https://x/a'", "' '"):
        message = await refused_input(FileNotFound, files, typed)
        assert message.endswith(f"Give an absolute path, or one relative to the output folder {out}."), typed
    assert "is outside the folders" in await refused_input(PathNotAllowed, files, f"{tmp_path}/secret.mp3\n")
    for typed in ("'a\x00'", "https://x/a.mp3"):
        await refused_input(InvalidArgument, files, typed)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\"), min_size=1, max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
async def test_any_name_is_found_in_any_form(make_settings: MakeSettings, text: str) -> None:
    with TemporaryDirectory() as name:
        root = Path(name).resolve()
        files = Files(make_settings(OUTPUT_DIR=root))
        saved = "x" + text[:30] + ".mp3"
        (root / saved).write_bytes(MP3_BYTES)
        for form in ("NFC", "NFD"):
            spaced = "".join(" " if unicodedata.category(letter) == "Zs" else letter for letter in saved)
            assert await read(files, unicodedata.normalize(form, spaced)) == MP3_BYTES
