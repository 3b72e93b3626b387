"""Odd texts and full disks: what can be done is done, and what was paid for is kept."""
# ruff: noqa: ASYNC240 - the files are small

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.files.samples import everything_in
from tests.jobs.test_batch import Speaker
from tests.jobs.test_transcription import Listener
from tests.jobs.test_translation import Translator
from tests.jobs.works import WORKS, Work
from tests.support import MakeSettings, connected, failed, fields
from webvoice_mcp.studio.subtitle_files import parse_subtitles

SERVICES = {"webvoice_narrate": Speaker, "webvoice_translate": Translator, "webvoice_stt": Listener}


# Odd texts


async def test_empty_paragraphs_are_not_spoken(make_settings: MakeSettings) -> None:
    service = Speaker()
    async with connected(make_settings(), service) as client:
        text = "\n\n \n\u00a0\n\nHello.\n\n\t\n\n\n\u200b\n\nBye.\n\n\n"
        fields(await client.call_tool("webvoice_narrate", {"text": text}))
        message = failed(await client.call_tool("webvoice_narrate", {"text": "\n\n...\n\u200b\n\n"}))
    (asked,) = service.said  # the second text is marks and white space alone
    assert asked["text"].split()[0] == "Hello."
    assert asked["text"].split()[-1] == "Bye."
    assert message == "invalid_argument: text has nothing in it to speak."


async def test_a_word_of_ten_thousand_letters_is_spoken_whole(make_settings: MakeSettings) -> None:
    service = Speaker()
    word = "".join(f"{chr(97 + number % 26)}{chr(97 + number // 26 % 26)}" for number in range(5000))
    async with connected(make_settings(), service) as client:
        result = fields(await client.call_tool("webvoice_narrate", {"text": word, "subtitles": "srt"}))
    assert result["parts"] == 3
    assert sorted(len(asked["text"]) for asked in service.said) == [2000, 4000, 4000]
    text = Path(result["files"][1]["path"]).read_text("utf-8")
    assert "".join(re.findall("^[a-z]+$", text, re.MULTILINE)) == word


async def test_a_word_of_ten_thousand_letters_is_translated_whole(make_settings: MakeSettings) -> None:
    service = Translator()
    async with connected(make_settings(), service) as client:
        arguments = {"texts": ["a" * 10_000, "b"], "target_language": "it"}
        result = fields(await client.call_tool("webvoice_translate", arguments))
    assert result["translations"] == ["A" * 10_000, "B"]


OVERLAPPING = """WEBVTT

00:01.000 --> 00:05.000
Good evening.

00:03.000 --> 00:04.000
Who is there?

00:02.000 --> 00:06.000
Only me.
"""


async def test_cues_that_overlap_keep_their_order_and_times(make_settings: MakeSettings, out: Path) -> None:
    out.mkdir()
    (out / "a.vtt").write_text(OVERLAPPING)
    translator, speaker = Translator(), Speaker()
    async with connected(make_settings(), translator) as client:
        arguments = {"text_path": "a.vtt", "target_language": "it"}
        translated = fields(await client.call_tool("webvoice_translate", arguments))["translated_text"]
    async with connected(make_settings(), speaker) as client:
        fields(await client.call_tool("webvoice_narrate", {"text_path": "a.vtt"}))
    assert re.findall(".*-->.*", translated) == re.findall(".*-->.*", OVERLAPPING)
    assert parse_subtitles(translated, ".vtt").texts == ["GOOD EVENING.", "WHO IS THERE?", "ONLY ME."]
    assert " ".join(speaker.said[0]["text"].split()) == "Good evening. Who is there? Only me."


async def test_five_thousand_cues_come_back_with_their_times(make_settings: MakeSettings, out: Path) -> None:
    out.mkdir()
    cues = [
        f"{number}\n00:{number // 60 % 60:02}:{number % 60:02},000 --> 01:00:00,000\nLine {number} of them.\n"
        for number in range(1, 5001)
    ]
    (out / "film.srt").write_text("\n".join(cues))
    service = Translator()
    async with connected(make_settings(), service) as client:
        arguments = {"text_path": "film.srt", "target_language": "it"}
        result = fields(await client.call_tool("webvoice_translate", arguments))
    translated = Path(result["files"][0]["path"]).read_text("utf-8")
    assert translated == "\n".join(cues).replace("Line", "LINE").replace(" of them", " OF THEM")
    assert result["parts"] == len(service.asked) < 40
    assert max(map(len, service.asked)) <= 4000


async def test_a_translation_that_may_cost_more_says_so(make_settings: MakeSettings) -> None:
    async with connected(make_settings(), Translator()) as client:
        bases = [
            fields(
                await client.call_tool(
                    "webvoice_estimate_credits",
                    {"tool": "webvoice_translate", "arguments": {"texts": texts, "target_language": "it"}},
                )
            )["basis"]
            for texts in (["One.", "Two.", "x" * 4000], ["One.", "Two."], ["x" * 4000, "y" * 4000])
        ]
    more = (
        "; if a part comes back with another number of lines, each of its texts is sent again by itself, at least 0.1"
    )
    assert f"{more} each (3 texts in all)" in bases[0]
    assert bases[1] == f"9 characters, 0.1 per started 1000{more} each (2 texts in all)"
    assert more not in bases[2]


# A full disk


@contextmanager
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave no room for files in the output folder; the byte by which a folder is tried still fits."""
    write = os.write

    def refuse(descriptor: int, data: Any) -> int:
        if len(data) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", refuse)
        yield


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.tool.removeprefix("webvoice_"))
async def test_a_full_disk_loses_nothing_that_was_paid_for(
    make_settings: MakeSettings, out: Path, monkeypatch: pytest.MonkeyPatch, work: Work
) -> None:
    work.prepare(out)
    inputs = everything_in(out)
    service = SERVICES[work.tool]()
    async with connected(make_settings(), service) as client:
        with full_disk(monkeypatch):
            message = failed(await client.call_tool(work.tool, work.call("new/a")))
        left = everything_in(out)
        result = fields(await client.call_tool(work.tool, work.call("b")))
    path = out / f"new/a{work.suffixes[0]}"
    assert message == (
        f"disk_error: Cannot write {path}: No space left on device. Make room, or choose a folder on another disk."
        f" {work.parts} of {work.parts} parts are kept. Call {work.tool} again with the same arguments: the rest costs"
        " about 0 credits."
    )
    assert left == inputs
    assert (result["parts_reused"], result["credits_used"]) == (work.parts, 0)
    assert len(work.made(out, "b")) == len(work.suffixes)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on the size of files")
async def test_a_part_that_cannot_be_kept_ends_the_work(make_settings: MakeSettings, out: Path) -> None:
    resource = pytest.importorskip("resource")
    service = Speaker()
    sound = service.sound
    service.sound = lambda text: sound(text) * (1000 if text == "Long." else 1)
    lines = [{"text": text} for text in ("Long.", "One.", "Two.", "Three.", "Four.")]
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with connected(make_settings(), service) as client:
        resource.setrlimit(resource.RLIMIT_FSIZE, (5_000_000, most))
        try:
            message = failed(await client.call_tool("webvoice_narrate", {"lines": lines}))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))
        paid = len(service.said)
        result = fields(await client.call_tool("webvoice_narrate", {"lines": lines}))
    assert message.startswith("disk_error: Cannot write ")
    assert f"{paid - 1} of 5 parts are kept." in message
    assert paid < 5
    assert result["parts_reused"] == paid - 1
    assert everything_in(out) == [Path(result["files"][0]["path"]).name]
