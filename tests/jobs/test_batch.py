"""Long work as one job: its parts are priced together, sent three at once, kept and reused."""
# ruff: noqa: ASYNC240 - the files are small

import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client

from tests.files.samples import wav_bytes
from tests.studio.mp3_frames import frame
from tests.support import MakeSettings, answer, base64_text, connected, count_descriptors, failed, fields
from webvoice_mcp.files.mp3_frames import parse_header
from webvoice_mcp.server import create_server
from webvoice_mcp.studio.mp3 import scan
from webvoice_mcp.studio.mp3_silence import silent

PARAGRAPH = "The quick brown fox jumps over the lazy dog. " * 70  # 3,150 characters, so each is a part
VOICES = {
    "voices": {
        "en": [{"id": "af_sarah", "name": "Sarah"}, {"id": "am_adam", "name": "Adam"}],
        "de": [{"id": "df_anna"}],
    }
}
FRAME = frame(version=2, rate=24000, kbits=64, mode=3)


def book(parts: int) -> str:
    return "\n\n".join(f"Chapter {number}. {PARAGRAPH}" for number in range(1, parts + 1))


def spoken(text: str) -> bytes:
    """Return an MP3 file whose length tells the text."""
    return FRAME * (40 + len(text) % 7)


class Speaker(httpx2.AsyncBaseTransport):
    """A speech service that records what it was asked to say, and fails where it is told to.

    Attributes:
        said: the requests for speech, in the order in which they came.
        most: the greatest number of requests at once.
        lookups: number of requests for the list of voices.
        fail: returns the response to a request that is to fail, None for the others.
        bill: credits for each request.
        sound: makes the sound of a text.
        stuck: beginning of the texts that are never answered.
    """

    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []
        self.most = 0
        self.lookups = 0
        self.fail: Callable[[dict[str, Any]], httpx2.Response | None] = lambda _: None
        self.bill: float | None = 2.0
        self.sound: Callable[[str], bytes] = spoken
        self.stuck = "nothing"
        self._now = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = await request.aread()
        if request.url.path.endswith("/voices/"):
            self.lookups += 1
            return answer(VOICES)
        asked = json.loads(body)
        self.said.append(asked)
        self._now += 1
        self.most = max(self.most, self._now)
        await anyio.sleep_forever() if asked["text"].startswith(self.stuck) else await anyio.sleep(0.01)
        self._now -= 1
        if failure := self.fail(asked):
            return failure
        bill = {} if self.bill is None else {"credits_used": self.bill, "credits_remaining": 50.0}
        return answer({"success": True, "audio": base64_text(self.sound(asked["text"])), "format": "mp3", **bill})

    @property
    def texts(self) -> list[str]:
        return [asked["text"][:10].strip() for asked in self.said]


def fail_at(chapter: int, status: int = 500) -> Callable[[dict[str, Any]], httpx2.Response | None]:
    return lambda asked: (
        answer({"error": "Out of order."}, status) if asked["text"].startswith(f"Chapter {chapter}.") else None
    )


def frames_in(path: Path) -> int:
    return scan(io.BytesIO(path.read_bytes())).frames


def kept(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "state" / "parts").iterdir() if path.suffix != ""]


async def test_a_long_text_becomes_one_file_of_all_parts(make_settings: MakeSettings, tmp_path: Path) -> None:
    service = Speaker()
    async with connected(make_settings(), service) as client:
        result = fields(await client.call_tool("webvoice_narrate", {"text": book(5), "output_path": "book.mp3"}))
    path = tmp_path / "out" / "book.mp3"
    assert [file["path"] for file in result["files"]] == [str(path)]
    assert (result["parts"], result["parts_reused"], result["credits_used"]) == (5, 0, 10.0)
    assert sorted(service.texts) == [f"Chapter {number}." for number in range(1, 6)]
    assert service.most == 3
    seconds = scan(io.BytesIO(path.read_bytes())).seconds
    header = parse_header(FRAME)
    assert header
    said = sum((40 + len(asked["text"]) % 7) * header.seconds for asked in service.said)
    assert seconds == pytest.approx(said + 4 * 0.5, abs=0.05)
    assert result["duration"] == pytest.approx(seconds, abs=0.001)
    assert kept(tmp_path) == []


async def test_the_estimate_names_the_parts_and_is_asked_about_once(make_settings: MakeSettings) -> None:
    service = Speaker()
    arguments = {"text": book(3)}
    async with connected(make_settings(CONFIRM_ABOVE=1), service) as client:
        said = fields(
            await client.call_tool("webvoice_estimate_credits", {"tool": "webvoice_narrate", "arguments": arguments})
        )
        message = failed(await client.call_tool("webvoice_narrate", arguments))
    assert said == {"credits": 6.0, "basis": "3 parts of speech, 0.5 per started minute of each part"}
    assert message.startswith("declined: webvoice_narrate would cost about 6 credits (3 parts of speech")
    assert service.said == []


@pytest.mark.parametrize("status", [500, 402, 429])
async def test_after_a_failure_the_same_call_pays_for_the_rest_only(
    make_settings: MakeSettings, tmp_path: Path, status: int
) -> None:
    service = Speaker()
    service.fail = fail_at(2, status)
    arguments = {"text": book(4), "output_path": "book.mp3"}
    async with connected(make_settings(MAX_CREDITS=100), service) as client:
        message = failed(await client.call_tool("webvoice_narrate", arguments))
    assert "3 of 4 parts are kept" in message or "2 of 4 parts are kept" in message
    assert "Call webvoice_narrate again with the same arguments: the rest costs about" in message
    assert not (tmp_path / "out" / "book.mp3").exists()
    paid = [text for text in service.texts if text != "Chapter 2."]
    service.fail = lambda _: None
    service.said.clear()
    async with connected(make_settings(MAX_CREDITS=100), service) as client:
        estimate = fields(
            await client.call_tool("webvoice_estimate_credits", {"tool": "webvoice_narrate", "arguments": arguments})
        )
        result = fields(await client.call_tool("webvoice_narrate", arguments | {"output_path": "other.mp3"}))
    assert f"{len(paid)} of them are kept from an earlier call and cost nothing" in estimate["basis"]
    assert estimate["credits"] == 2.0 * (4 - len(paid))
    assert sorted(paid + service.texts) == [f"Chapter {number}." for number in range(1, 5)]
    assert (result["parts"], result["parts_reused"]) == (4, len(paid))
    assert result["credits_used"] == 2.0 * (4 - len(paid))


async def test_parts_under_way_are_finished_and_kept_when_another_fails(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    service = Speaker()
    service.fail = fail_at(1)
    async with connected(make_settings(), service) as client:
        failed(await client.call_tool("webvoice_narrate", {"text": book(9)}))
        usage = fields(await client.call_tool("webvoice_usage", {}))
    assert sorted(service.texts) == ["Chapter 1.", "Chapter 2.", "Chapter 3."]
    assert len(kept(tmp_path)) == 2 * 2
    # A server error may have been billed, so the first part counts with its estimate.
    assert usage["unknown"] == {"jobs": 1, "at_most": 6.0}


async def test_parts_that_are_alike_are_paid_for_once(make_settings: MakeSettings) -> None:
    service = Speaker()
    lines: list[dict[str, Any]] = [
        {"text": "Yes."},
        {"text": "No.", "voice": "am_adam"},
        {"text": "Yes."},
        {"text": "Yes.", "speed": 1.5},
    ]
    async with connected(make_settings(), service) as client:
        result = fields(await client.call_tool("webvoice_narrate", {"lines": lines}))
    assert sorted((asked["text"], asked["voice"], asked["speed"]) for asked in service.said) == [
        ("No.", "am_adam", 0.9),
        ("Yes.", "af_sarah", 0.9),
        ("Yes.", "af_sarah", 1.5),
    ]
    assert result["credits_used"] == 6.0
    header = parse_header(FRAME)
    assert header
    length = sum((40 + len(line["text"]) % 7) * header.seconds for line in lines)
    assert result["duration"] == pytest.approx(length + 3 * 0.5, abs=0.05)


async def test_a_voice_that_is_not_listed_is_refused_before_any_request(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    service = Speaker()
    lines = [{"text": f"Line {number}.", "voice": "am_adam"} for number in range(1, 60)]
    lines[36]["voice"] = "nobody"
    async with connected(make_settings(), service) as client:
        message = failed(await client.call_tool("webvoice_narrate", {"lines": lines, "output_path": "a/b.mp3"}))
    assert message == (
        "invalid_argument: line 37 of lines: voice 'nobody' is not listed for language 'en'. webvoice_list_voices lists"
        " the voices. Nothing was sent."
    )
    assert service.said == []
    assert not (tmp_path / "out" / "a").exists()


async def test_the_voices_of_a_language_are_looked_up_once(make_settings: MakeSettings) -> None:
    service = Speaker()
    async with connected(make_settings(), service) as client:
        fields(await client.call_tool("webvoice_narrate", {"text": book(4), "language": "de"}))
    assert [asked["voice"] for asked in service.said] == ["df_anna"] * 4
    assert service.lookups == 1


async def test_parts_dearer_than_agreed_to_stop_the_job(make_settings: MakeSettings) -> None:
    service = Speaker()
    service.bill = 5.0
    async with connected(make_settings(MAX_CREDITS=100), service) as client:
        message = failed(await client.call_tool("webvoice_narrate", {"text": book(6)}))
    assert message.startswith("declined: The parts so far cost 15 credits, and with the next one it would be more than")
    assert "3 of 6 parts are kept" in message
    assert len(service.said) == 3


async def test_a_bill_that_is_no_price_counts_as_the_estimate(make_settings: MakeSettings) -> None:
    service = Speaker()
    service.bill = 0
    async with connected(make_settings(MAX_CREDITS=7), service) as client:
        result = fields(await client.call_tool("webvoice_narrate", {"text": book(3)}))
        message = failed(await client.call_tool("webvoice_narrate", {"text": PARAGRAPH}))
    assert result["credits_used"] == 6.0
    assert "only 1 of the 7 that WEBVOICE_MAX_CREDITS allows are left" in message


async def test_a_refusal_that_costs_more_than_expected_counts_with_its_bill(make_settings: MakeSettings) -> None:
    service = Speaker()
    service.fail = lambda _: answer({"error": "No.", "credits_used": 9.0}, 400)
    async with connected(make_settings(), service) as client:
        failed(await client.call_tool("webvoice_narrate", {"text": PARAGRAPH}))
        usage = fields(await client.call_tool("webvoice_usage", {}))
    assert (usage["total_credits"], usage["unknown"]) == (9.0, {"jobs": 0, "at_most": 0.0})


async def test_the_same_work_is_not_begun_twice_at_once(make_settings: MakeSettings) -> None:
    service = Speaker()
    arguments = {"text": book(3), "background": True}
    async with connected(make_settings(), service) as client, connected(make_settings(), service) as other:
        job = fields(await client.call_tool("webvoice_narrate", arguments))
        for caller in (client, other):
            message = failed(await caller.call_tool("webvoice_narrate", arguments))
            assert message == "invalid_argument: The same work is under way. Wait for it with webvoice_jobs."
        answer_ = fields(await client.call_tool("webvoice_jobs", {"job_id": job["job_id"], "wait_seconds": 40}))
        (ended,) = answer_["jobs"]
        assert (ended["state"], ended["parts"], ended["parts_done"]) == ("done", 3, 3)
        fields(await other.call_tool("webvoice_narrate", {"text": book(3)}))
    assert len(service.said) == 6


class CutOff:
    """Ends running jobs as soon as the server ends."""

    def is_forced(self) -> bool:
        return True

    def jobs_ended(self) -> None:
        pass


async def test_parts_of_a_job_that_was_cut_off_are_kept(make_settings: MakeSettings, tmp_path: Path) -> None:
    service = Speaker()
    service.stuck = "Chapter 3."
    settings = make_settings()
    async with Client(create_server(settings, transport=service, shutdown=CutOff())) as client:
        started = fields(await client.call_tool("webvoice_narrate", {"text": book(3), "background": True}))
        with anyio.fail_after(30):
            while len(kept(tmp_path)) < 5:  # noqa: ASYNC110 - a file sets no event; two parts and their media, and the file that is open
                await anyio.sleep(0.01)
    service.stuck = "nothing"
    service.said.clear()
    async with connected(settings, service) as client:
        (job,) = fields(await client.call_tool("webvoice_jobs", {"job_id": started["job_id"]}))["jobs"]
        result = fields(await client.call_tool("webvoice_narrate", {"text": book(3)}))
        usage = fields(await client.call_tool("webvoice_usage", {}))
    assert job["state"] == "interrupted"
    assert service.texts == ["Chapter 3."]
    assert result["parts_reused"] == 2
    assert usage["unknown"] == {"jobs": 1, "at_most": 6.0}
    assert kept(tmp_path) == []


@pytest.mark.parametrize("subtitles", ["srt", "vtt"])
async def test_subtitles_have_a_cue_a_sentence_with_the_parts_true_times(
    make_settings: MakeSettings, tmp_path: Path, subtitles: str
) -> None:
    service = Speaker()
    lines: list[dict[str, Any]] = [{"text": "One. Two two."}, {"text": "Three & four.", "pause": 9}, {"text": "Five."}]
    arguments = {"lines": lines, "pause": 2, "subtitles": subtitles, "output_path": "talk.mp3"}
    async with connected(make_settings(), service) as client:
        result = fields(await client.call_tool("webvoice_narrate", arguments))
    _, other = result["files"]
    assert other["path"] == str(tmp_path / "out" / f"talk.{subtitles}")
    text = Path(other["path"]).read_text("utf-8")
    times = [line.split(" --> ") for line in text.splitlines() if " --> " in line]
    seconds = [
        tuple(
            sum(float(part.replace(",", ".")) * 60**power for power, part in enumerate(reversed(time.split(":"))))
            for time in line
        )
        for line in times
    ]
    header = parse_header(FRAME)
    assert header
    first, second, third = [(40 + len(line["text"]) % 7) * header.seconds for line in lines]
    assert [round(end, 2) for _, end in seconds] == pytest.approx(
        [first * 4 / 12, first, first + 2 + second, first + 11 + second + third], abs=0.05
    )
    assert seconds[-1][1] == pytest.approx(result["duration"], abs=0.002)
    assert ("Three &amp; four." if subtitles == "vtt" else "Three & four.") in text
    assert "in proportion to the letters" in result["note"]


async def test_existing_subtitles_are_refused_before_anything_is_paid_for(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    service = Speaker()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "talk.srt").write_text("mine")
    arguments = {"text": "Hi.", "subtitles": "srt", "output_path": "talk.mp3"}
    async with connected(make_settings(), service) as client:
        message = failed(await client.call_tool("webvoice_narrate", arguments))
    assert message.startswith(f"file_exists: {tmp_path / 'out' / 'talk.srt'} exists.")
    assert service.said == []
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["talk.srt"]


@pytest.mark.engines
async def test_parts_of_different_formats_are_encoded_anew(make_settings: MakeSettings) -> None:
    pytest.importorskip("av")
    service = Speaker()
    service.sound = lambda text: silent(frame(kbits=96) if "Chapter 2" in text else FRAME) * 50
    async with connected(make_settings(), service) as client:
        arguments = {"text": book(2), "output_path": "book.mp3", "subtitles": "srt"}
        result = fields(await client.call_tool("webvoice_narrate", arguments))
    assert [Path(file["path"]).name for file in result["files"]] == ["book.mp3", "book.srt"]
    assert result["note"].startswith("The parts differ in format, so their sound was encoded anew.")
    seconds = scan(io.BytesIO(Path(result["files"][0]["path"]).read_bytes())).seconds
    assert result["duration"] == pytest.approx(seconds, abs=0.06)  # of whole frames


@pytest.mark.engines
async def test_a_part_that_changes_its_own_format_is_encoded_anew(make_settings: MakeSettings) -> None:
    pytest.importorskip("av")
    service = Speaker()
    service.sound = lambda _: silent(FRAME) * 50 + silent(frame(kbits=96)) * 50
    async with connected(make_settings(), service) as client:
        result = fields(await client.call_tool("webvoice_narrate", {"text": "Hello."}))
    assert len(result["files"]) == 1
    assert result["note"] == "The parts differ in format, so their sound was encoded anew."


@pytest.mark.engines
async def test_parts_that_cannot_be_decoded_are_delivered_as_files(make_settings: MakeSettings) -> None:
    pytest.importorskip("av")
    service = Speaker()
    service.sound = lambda text: (frame(kbits=96) if text == "Two." else FRAME) * 50
    async with connected(make_settings(), service) as client:
        arguments = {"lines": [{"text": "One."}, {"text": "Two."}]}
        result = fields(await client.call_tool("webvoice_narrate", arguments))
    assert [file["size_bytes"] for file in result["files"]] == [50 * len(FRAME), 50 * len(frame(kbits=96))]
    assert "cannot be joined: Part 2 has 44100 Hz, stereo (MPEG-1 layer III), but" in result["note"]


@pytest.mark.engines
@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on open files")
@pytest.mark.parametrize("has_extra", [True, False])
async def test_unlike_parts_may_be_more_than_a_process_can_open(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, has_extra: bool
) -> None:
    resource = pytest.importorskip("resource")
    pytest.importorskip("av") if has_extra else monkeypatch.setitem(sys.modules, "av", None)
    service = Speaker()
    service.sound = lambda text: silent(frame(kbits=96) if int(text[5:-1]) % 2 else FRAME) * 5
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    lines = [{"text": f"Line {number}."} for number in range(60)]
    async with connected(make_settings(), service) as client:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count_descriptors() + 50, most))
        try:
            result = fields(await client.call_tool("webvoice_narrate", {"lines": lines}))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))
    assert len(result["files"]) == (1 if has_extra else 60)


async def test_parts_that_are_no_mp3_are_delivered_as_files(make_settings: MakeSettings) -> None:
    service = Speaker()
    service.sound = lambda text: wav_bytes() if text == "Two." else FRAME * 50
    async with connected(make_settings(), service) as client:
        arguments = {"lines": [{"text": "One."}, {"text": "Two."}]}
        result = fields(await client.call_tool("webvoice_narrate", arguments))
    assert [Path(file["path"]).suffix for file in result["files"]] == [".mp3", ".wav"]
    assert result["note"].endswith("cannot be joined: Part 2 has no MP3 frames.")


async def test_works_with_a_part_in_common_pay_for_it_once(make_settings: MakeSettings, tmp_path: Path) -> None:
    service = Speaker()
    results: dict[str, dict[str, Any]] = {}
    async with connected(make_settings(), service) as client:

        async def narrate(name: str, *texts: str) -> None:
            lines = [{"text": text} for text in ("Welcome.", *texts)]
            results[name] = fields(
                await client.call_tool("webvoice_narrate", {"lines": lines, "output_path": f"{name}.mp3"})
            )

        async with anyio.create_task_group() as calls:
            calls.start_soon(narrate, "short", "Bye.")
            calls.start_soon(narrate, "long", *(f"Chapter {number}." for number in range(9)))
    assert len(service.said) == 11
    assert [results[name]["parts"] for name in ("short", "long")] == [2, 10]
    assert sum(result["parts_reused"] for result in results.values()) == 1
    assert kept(tmp_path) == []


async def test_a_part_that_was_deleted_meanwhile_is_told_and_paid_for_again(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    service = Speaker()

    def delete(_: Any) -> None:
        for path in (tmp_path / "state" / "parts").glob("*.media"):
            path.unlink()

    service.fail = lambda asked: delete(asked) if asked["text"] == "Five." else None
    arguments = {"lines": [{"text": text} for text in ("One.", "Two.", "Three.", "Four.", "Five.")]}
    async with connected(make_settings(), service) as client:
        message = failed(await client.call_tool("webvoice_narrate", arguments))
        result = fields(await client.call_tool("webvoice_narrate", arguments))
    folder = tmp_path / "state" / "parts"
    assert message.startswith(f"disk_error: Cannot read a part of the narration in {folder}: No such file or directory")
    assert len(result["files"]) == 1


async def test_parts_of_different_formats_are_delivered_as_files(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    service = Speaker()
    service.sound = lambda text: (frame(kbits=96) if "Chapter 2" in text else FRAME) * 50
    async with connected(make_settings(), service) as client:
        result = fields(await client.call_tool("webvoice_narrate", {"text": book(2), "output_path": "book.mp3"}))
    assert [Path(file["path"]).name for file in result["files"]] == ["book.mp3", "book-2.mp3"]
    assert result["note"].startswith("The parts are files of their own, in their order")


async def test_an_answer_without_sound_is_saved_as_it_came(make_settings: MakeSettings) -> None:
    service = Speaker()
    service.sound = lambda text: b"Sorry, no." if "Chapter 2" in text else FRAME * 50
    async with connected(make_settings(), service) as client:
        message = failed(await client.call_tool("webvoice_narrate", {"text": book(2), "output_path": "book.mp3"}))
    assert message.startswith("invalid_response: The service's answer has no sound in it. It was kept as it came: ")
    assert Path(message.split("as it came: ")[1].split(". The service")[0]).read_bytes() == b"Sorry, no."


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, "invalid_argument: Give exactly one of text, text_path (a file) and lines (several voices)."),
        ({"text": "a", "lines": [{"text": "b"}]}, "invalid_argument: Give exactly one of text, text_path"),
        ({"lines": [{"text": "a"}, {"text": " "}]}, "invalid_argument: line 2 of lines has no text."),
        ({"lines": [{"text": "a", "tone": "b"}]}, "invalid_argument: line 1 of lines has the field 'tone'."),
        ({"lines": [{"text": "a", "speed": 3}]}, "invalid_argument: line 1 of lines: speed must be a number from 0.5"),
        ({"lines": [{"text": "a", "pause": True}]}, "invalid_argument: line 1 of lines: pause must be a number"),
        ({"lines": [{"text": 5}]}, "invalid_argument: line 1 of lines: text must be a string."),
        ({"lines": [{"text": "a"}] * 10_001}, "invalid_argument: lines has 10001 entries. Give at most 10000."),
        ({"text_path": "gone.txt"}, "file_not_found: text_path: there is no file "),
        ({"text_path": "book.pdf"}, "unsupported_media: book.pdf is not a text file by its name."),
        ({"text_path": "binary.txt"}, "unsupported_media: binary.txt has NUL bytes"),
        ({"text_path": "latin.txt"}, "unsupported_media: latin.txt is not UTF-8: byte 3, in line 1."),
        ({"text_path": "large.txt"}, "unsupported_media: large.txt has 2097153 bytes; accepted are 2 MB."),
        ({"text_path": ".hidden/a.txt"}, "path_not_allowed: text_path: "),
        ({"text_path": "/etc/hosts"}, "path_not_allowed: text_path: /etc/hosts is neither in your home"),
        ({"text_path": "folder.txt"}, "unsupported_media: text_path: "),
    ],
)
async def test_bad_input_is_refused_before_any_request(
    make_settings: MakeSettings, tmp_path: Path, arguments: dict[str, Any], error: str
) -> None:
    out = tmp_path / "out"
    (out / ".hidden").mkdir(parents=True)
    (out / ".hidden" / "a.txt").write_text("secret")
    (out / "folder.txt").mkdir()
    (out / "book.pdf").write_bytes(b"%PDF")
    (out / "binary.txt").write_bytes(b"a\x00b")
    (out / "latin.txt").write_bytes("caf\u00e9".encode("latin-1")[1:] + b"x")
    (out / "large.txt").write_bytes(b"a" * (2 * 1024**2 + 1))
    service = Speaker()
    async with connected(make_settings(), service) as client:
        assert failed(await client.call_tool("webvoice_narrate", arguments)).startswith(error)
    assert service.said == []


async def test_a_file_is_read_and_cut_by_the_server(make_settings: MakeSettings, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "book.txt").write_bytes(b"\xef\xbb\xbf" + book(3).replace("\n", "\r\n").encode())
    service = Speaker()
    async with connected(make_settings(), service) as client:
        result = fields(await client.call_tool("webvoice_narrate", {"text_path": "book.txt"}))
    assert Path(result["files"][0]["path"]).name.endswith("-book.mp3")
    assert sorted(service.texts) == ["Chapter 1.", "Chapter 2.", "Chapter 3."]


async def test_of_a_file_only_what_is_meant_to_be_read_is_spoken(make_settings: MakeSettings, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.srt").write_text("1\n00:00:01,000 --> 00:00:02,500\n<i>Good</i>\nmorning.\n")
    (tmp_path / "out" / "a.md").write_text("# A *dark* night\n")
    (tmp_path / "out" / "wrong.vtt").write_text("Hello.")
    service = Speaker()
    async with connected(make_settings(), service) as client:
        for name in ("a.srt", "a.md"):
            fields(await client.call_tool("webvoice_narrate", {"text_path": name}))
        message = failed(await client.call_tool("webvoice_narrate", {"text_path": "wrong.vtt"}))
    assert [asked["text"] for asked in service.said] == ["Good morning.", "A dark night"]
    assert message.startswith("unsupported_media: text_path: wrong.vtt: Line 1 is not the beginning of a WebVTT file")


async def test_an_answer_without_a_bill_counts_as_the_estimate(make_settings: MakeSettings) -> None:
    service = Speaker()
    service.bill = None
    async with connected(make_settings(), service) as client:
        result = fields(await client.call_tool("webvoice_narrate", {"text": book(3)}))
    assert result["credits_used"] == 6.0
    assert "credits_remaining" not in result


async def test_a_link_in_place_of_sound_is_told(make_settings: MakeSettings, tmp_path: Path) -> None:
    service = Speaker()
    link = {"success": True, "audio": "https://cdn.example/a.mp3", "credits_used": 2.0}
    service.fail = lambda asked: answer(link) if asked["text"].startswith("Chapter 2.") else None
    async with connected(make_settings(), service) as client:
        message = failed(await client.call_tool("webvoice_narrate", {"text": book(3)}))
    assert message.startswith("invalid_response: The service sent a link; fetch it yourself: https://cdn.example/a.mp3")
    assert "2 of 3 parts are kept" in message
    assert len(kept(tmp_path)) == 2 * 2
