"""The pages in Chromium, as a chat program shows them: ext-apps' bridge, the real server, a sandbox as the service.

The pages are loaded under the content policy of the specification, and under Claude's.
"""

import json
import os
import re
import shutil
import struct
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from tests.files.samples import PNG_BYTES
from tests.sandbox.world import needs_engines
from tests.tools.test_file_resources import as_saved, record
from tests.wire.sandbox_service import running_sandbox
from tests.wire_driver import SERVER_COMMAND, Message, environment
from webvoice_mcp.studio.subtitle_files import cues as parse_cues

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
NPM = shutil.which("npm")

pytestmark = [
    pytest.mark.wide,
    pytest.mark.skipif(not (CHROMIUM and NPM), reason="needs Chromium and npm"),
    *needs_engines,
]

POLICIES = ("specification", "claude")
_STEPS = (
    *(f"{what}-{policy}" for what in ("sound", "pictures", "film") for policy in POLICIES),
    "film-9-mib",
    "job",
    "job-failed",
    "job-interrupted",
    "job-of-an-hour",
    "job-of-somebody-else",
    "failed",
    "moved",
    "megapixels",
    "links-only",
    "too-large",
    "broken-sound",
    "broken-film",
    "transcript",
    "many",
    "usage-light",
    "usage-dark",
    "usage-year",
)

_HERE = Path(__file__).parent
_INSTALL_SECONDS = 120
_DRIVE_SECONDS = 240  # on a busy machine
_MIB = 1 << 20
_SUBTITLES = "1\n00:00:00,000 --> 00:00:01,000\nA lake\n\n2\n00:00:01,000 --> 00:00:09,000\nat <i>dawn</i>\n"
_ODD_NAME = "<script>alert(1)<\u2215script> שלום &amp; " + "a very long name " * 8 + ".mp3"
_TRANSCRIPT = "שלום <b>עולם</b> </script>\n" * 30
_TEXT = "The first sentence is short. The second sentence is about a lake in the mountains. The third is the last one."


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the locked packages from npm and the programs that use them."""
    folder = tmp_path_factory.mktemp("pages")
    for name in ("package.json", "package-lock.json", "chat.mjs", "drive.mjs"):
        shutil.copy(_HERE / name, folder)
    command = [str(NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=1"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)
    if done.returncode:
        pytest.skip(f"npm cannot install the packages: {done.stderr[-300:]}")
    yield folder
    shutil.rmtree(folder / "node_modules")


@pytest.fixture(scope="module")
def report(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Message:
    """All that was seen. Pictures of the pages are in WEBVOICE_TEST_PICTURES, if that is set."""
    home = tmp_path_factory.mktemp("home")
    pictures = Path(os.environ.get("WEBVOICE_TEST_PICTURES") or home / "pictures")
    pictures.mkdir(exist_ok=True)
    with running_sandbox(home / "sandbox") as sandbox:
        environ = environment(home, {"BASE_URL": sandbox.base_url, "API_KEY": sandbox.register("a@example.com")})
        given = _given(home, sandbox.base_url) | {
            "server": {"command": SERVER_COMMAND[0], "args": SERVER_COMMAND[1:], "env": environ},
            "chromium": CHROMIUM,
            "pictures": str(pictures),
        }
        sandbox.purchase("a@example.com", 500)
        sandbox.fault("tts/", delay=2, times=2)  # of the narration, and of the job
        done = subprocess.run(
            ["node", "drive.mjs"],
            cwd=installed,
            input=json.dumps(given),
            capture_output=True,
            text=True,
            timeout=_DRIVE_SECONDS,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-2000:]
    found: Message = json.loads(done.stdout)
    return found


def _given(home: Path, base_url: str) -> Message:
    """Make files and a history that knows them; return what the steps need."""
    folder = home / "made"
    folder.mkdir()
    film = _film()
    contents = {
        "film.mp4": film,
        "film.srt": _SUBTITLES.encode(),
        "long film.mp4": film + struct.pack(">I4s", 9 * _MIB, b"free") + bytes(9 * _MIB - 8),
        "too large.mp4": film + struct.pack(">I4s", 24 * _MIB, b"free") + bytes(24 * _MIB - 8),
        "megapixels.png": _png(10_000, 10_000),
        "moved.png": PNG_BYTES,
        "broken.mp4": b"no film",
        _ODD_NAME: b"no sound",
        **{f"many/{number}.png": _png(number, 10) for number in range(1, 301)},
    }
    (folder / "many").mkdir()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    saved = {name: as_saved(folder / name) for name in contents}
    anyio.run(lambda: record(home / "state/history.db", list(saved.values()), base_url=base_url))
    (folder / "moved.png").rename(folder / "elsewhere.png")
    facts = {name: saved_file.facts() for name, saved_file in saved.items()}
    return {
        "files": facts,
        "many": [facts[f"many/{number}.png"] for number in range(1, 301)],
        "odd_name": _ODD_NAME,
        "transcript": _TRANSCRIPT,
        "tts": {"text": "This sentence is spoken by a job."},
        "narrate": {"text": _TEXT, "subtitles": "srt"},
        "image": {"prompt": "A lake at dawn", "provider": "nucleus", "num_images": 2},
        "year": {"content": [], "structuredContent": _year()},
    }


def _year() -> Message:
    by_day = {f"2026-{10 + day // 28}-{1 + day % 28:02d}": 3.5 * (day % 5) for day in range(14)}
    by_tool = {"webvoice_chat": 12.5, "webvoice_tts": 60.25, "webvoice_veo_fast_text_to_video": 0.5}
    return {"total_credits": 73.25, "by_day": by_day, "by_tool": by_tool, "unknown": {"jobs": 2, "at_most": 4.5}}


def _film() -> bytes:
    from tests.studio.recordings import Shape, make  # noqa: PLC0415 - needs the extra

    return make(Shape("mp4", "aac", "libx264", rate=24_000, layout="mono", seconds=3))


def _png(width: int, height: int) -> bytes:
    """Return a picture in shades of grey, whose rows are compressed as one."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    rows = zlib.compress((b"\0" + bytes((width + 7) // 8)) * height, 9)
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


# Every step


@pytest.fixture(params=_STEPS)
def seen(request: pytest.FixtureRequest, report: Message) -> Message:
    """All that was seen in one step."""
    found: Message = report[request.param]
    assert "failed" not in found, found
    return found


def test_no_step_is_left_out(report: Message) -> None:
    assert set(report) - {"spoken"} == set(_STEPS)


def test_the_page_obeys_the_policy_and_asks_nobody_else(seen: Message) -> None:
    checked = seen["checked"]
    assert (checked["violations"], checked["requests"], checked["problems"]) == ([], [], [])
    assert set(seen["calls"]) <= {"webvoice_read_file", "webvoice_jobs", "webvoice_usage"}


def test_assistive_technology_finds_everything(seen: Message) -> None:
    assert seen["checked"]["axe"] == []


def test_the_page_fits_into_the_chat(seen: Message) -> None:
    checked = seen["checked"]
    assert not checked["overflow"]
    assert checked["height"] <= 500
    assert checked["size"]["height"] == checked["height"]


# What each page shows


@pytest.mark.parametrize("policy", POLICIES)
def test_sound_plays_and_its_subtitles_follow(report: Message, policy: str) -> None:
    sound = report[f"sound-{policy}"]
    (recording, subtitles) = report["spoken"]["structuredContent"]["files"]
    cues = [cue.text for cue in parse_cues(Path(subtitles["path"]).read_text(encoding="utf-8"), ".srt")]
    assert sound["lines"] == cues
    assert (sound["first"], sound["last"]) == (cues[0], cues[-1])
    assert sound["state"]["paused"]
    assert sound["state"]["rate"] == 0.5
    assert 0 < sound["state"]["at"] < sound["state"]["length"]
    assert (sound["focused"], sound["stops"]) == (cues[-2], 1), "one stop of the tab key, and arrow keys from there"
    assert "0.5 credits" in sound["facts"]
    assert (sound["path"], sound["copied"]) == (recording["path"], "Copied")
    (message,) = sound["messages"]
    assert message["content"] == [
        {"type": "text", "text": "Please make another one like this, again with webvoice_narrate."}
    ]


def test_the_text_of_a_result_is_complete_without_the_page(report: Message) -> None:
    text, *links = report["spoken"]["content"]
    assert json.loads(text["text"]) == report["spoken"]["structuredContent"]
    assert [link["uri"] for link in links] == [file["uri"] for file in report["spoken"]["structuredContent"]["files"]]


@pytest.mark.parametrize("policy", POLICIES)
def test_pictures_are_turned_by_arrow_keys_and_enlarged(report: Message, policy: str) -> None:
    pictures = report[f"pictures-{policy}"]
    first, second = pictures["first"], pictures["second"]
    assert first["width"] >= 256
    assert second["width"] >= 256
    assert (first["alt"], second["alt"]) == ("A lake at dawn (1 of 2)", "A lake at dawn (2 of 2)")
    assert pictures["zoomed"]
    assert pictures["place"] == "1 of 2"


@pytest.mark.parametrize("policy", POLICIES)
def test_a_film_shows_frames_and_subtitles(report: Message, policy: str) -> None:
    film = report[f"film-{policy}"]
    assert film["presented"]
    assert film["width"] == 64
    assert film["at"] >= 1
    assert (film["first"], film["second"]) == ("A lake", "at dawn")


def test_a_larger_film_is_read_when_somebody_asks(report: Message) -> None:
    film = report["film-9-mib"]
    assert (film["label"], film["width"]) == ("Load the film (9.0 MB)", 64)
    assert film["calls"] == ["webvoice_read_file"] * 25


def test_a_job_shows_its_progress_and_becomes_its_result(report: Message) -> None:
    assert report["job"]["running"].startswith("Running: 0:0")
    assert "webvoice_jobs" in report["job"]["calls"]
    assert report["job"]["calls"][-1] == "webvoice_read_file"
    assert re.fullmatch(r"Running: [23] of 12 parts, 0:\d\d", report["job-failed"]["words"])


def test_failures_show_their_code_and_words(report: Message) -> None:
    code, _, words = report["failed"]["text"].partition(": ")
    assert report["failed"]["said"].split("\n\n") == [code, words]
    assert report["job-failed"]["said"].split("\n\n") == ["timeout", "It took too long."]
    assert report["job-of-somebody-else"]["said"].split("\n\n") == [
        "invalid_argument",
        "job_id 'job_of_somebody' is not known. Leave it out to list the jobs that are.",
    ]
    assert report["job-interrupted"]["said"].split("\n\n") == ["failed", "The job job_1 is interrupted."]


def test_a_job_s_time_counts_from_its_start(report: Message) -> None:
    assert report["job-of-an-hour"]["words"].startswith("Running: 1 of 12 parts, 1:00:0")


def test_a_file_that_cannot_be_played_is_named_whatever_its_name(report: Message) -> None:
    for step, name in (("broken-sound", _ODD_NAME), ("broken-film", "broken.mp4")):
        assert report[step]["said"] == "It cannot be played here. Open it by its path."
        assert Path(report[step]["path"]).name == name


def test_a_transcript_can_be_read_in_its_direction(report: Message) -> None:
    assert (report["transcript"]["text"], report["transcript"]["direction"]) == (_TRANSCRIPT, "rtl")


def test_what_cannot_be_shown_is_named_by_its_path(report: Message) -> None:
    said = {
        step: (report[step]["said"], Path(report[step]["path"]).name) for step in ("moved", "megapixels", "too-large")
    }
    moved, name = said.pop("moved")
    assert name == "moved.png"
    assert moved.startswith("file_not_found ")
    assert moved.endswith("moved.png is no longer there. webvoice_jobs lists the files that calls made.")
    assert said == {
        "megapixels": (
            "The picture has 100 megapixels, too many to show here. Open it by its path.",
            "megapixels.png",
        ),
        "too-large": ("This file is too large to show here. Open it by its path.", "too large.mp4"),
    }
    assert report["too-large"]["calls"] == []
    assert report["megapixels"]["calls"] == ["webvoice_read_file"]


def test_links_suffice_and_the_chat_s_colours_are_taken(report: Message) -> None:
    links = report["links-only"]
    assert (links["path"], links["text"]) == ("300.png", "rgb(250, 250, 240)")


def test_a_gallery_of_300_reads_only_some_of_them(report: Message) -> None:
    many = report["many"]
    assert (many["place"], many["buttons"], many["stops"]) == ("300 of 300", 300, 1)


def test_usage_has_a_chart_and_the_table_behind_it(report: Message) -> None:
    usage = report["usage-light"]
    assert dict(usage["rows"]) == {"narrate": "0.5", "tts": "0.5", "image": "8"}
    assert usage["total"] == "9 credits"
    assert re.fullmatch(r"Credits by day: \d{4}-\d\d-\d\d 9", usage["label"])
    year = report["usage-year"]
    assert year["total"] == "73.25 credits and 2 jobs of unknown cost, at most 4.5"
    assert year["rows"][0] == ["tts", "60.25"]


def test_light_and_dark_come_from_the_chat_else_from_the_system(report: Message) -> None:
    backs = {step: report[step]["checked"]["back"] for step in _STEPS}
    light, dark = "rgb(255, 255, 255)", "rgb(31, 31, 30)"
    assert (backs["sound-specification"], backs["sound-claude"]) == (light, dark)  # the chat's
    assert (backs["pictures-claude"], backs["pictures-specification"]) == (light, dark)  # the system's
