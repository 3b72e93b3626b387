"""The demo's page."""

import base64
import re
from pathlib import Path

import pytest

from webvoice_mcp.cli.demo.page import Card, Message, StepResult, render_page


@pytest.fixture
def results(tmp_path: Path) -> list[StepResult]:
    paths = [tmp_path / name for name in ("a.mp3", "b.png", "c.png", "d.mp4", "odd")]
    for path in paths:
        path.write_bytes(path.name.encode())
    sound, before, after, film, odd = paths
    messages = (Message("user", "2 < 3 & 'more'?"), Message("assistant", "<b>yes</b>"))
    return [
        StepResult("speak", "webvoice_tts", "a.mp3", 0.5, 1.234, True, Card("“Hello”", (sound,), facts=("5.6 s MP3",))),
        StepResult("edit", "webvoice_image_to_image", "c.png", 1, 0.1, True, Card("Before & after", (before, after))),
        StepResult("film", "webvoice_text_to_video", "d.mp4", 13, 2, True, Card("Sea", (film,), width="third")),
        StepResult("odd", "webvoice_tts", "odd", 0, 0, True, Card("Odd", (odd,))),
        StepResult("chat", "webvoice_chat", "yes", 2, 0.01, True, Card("Chat", messages=messages)),
        StepResult("memo", "webvoice_voice_memo", "StepFailed: <no>", 0, 0.5, False),
    ]


def test_the_page_contains_all_media(results: list[StepResult]) -> None:
    html = render_page(results, "1.2.3")
    sources = re.findall(r'src="([^"]*)"', html)
    assert [source.partition(";")[0] for source in sources] == [
        "data:video/mp4",
        "data:image/png",
        "data:image/png",
        "data:audio/mpeg",
        "data:application/octet-stream",
    ]
    assert base64.b64encode(b"d.mp4").decode() in sources[0]
    assert "href=" not in html
    assert "url(" not in html
    assert "1.2.3" in html


def test_a_film_is_shown_with_its_subtitles(results: list[StepResult], tmp_path: Path) -> None:
    film, subtitles = tmp_path / "d.mp4", tmp_path / "d.vtt"
    subtitles.write_text("WEBVTT\n")
    card = Card("Film", (film,), subtitles=subtitles)
    html = render_page([StepResult("film", "webvoice_join", "d.mp4", 0, 1, True, card)], "1.2.3")
    content = base64.b64encode(subtitles.read_bytes()).decode()
    assert f'<track default kind="subtitles" src="data:text/vtt;base64,{content}"></video>' in html
    assert "<track" not in render_page(results, "1.2.3")


def test_every_call_is_listed_with_credits_and_time(results: list[StepResult]) -> None:
    html = render_page(results, "1.2.3")
    lines = re.findall(r"<tr><td.*?</tr>", html)
    cells = [re.findall(r">([^<]+)</(?:td|code)>", line) for line in lines]
    assert cells[0] == ["ok", "speak", "webvoice_tts", "0.5", "1.23 s", "a.mp3"]
    assert cells[-1] == ["FAILED", "memo", "webvoice_voice_memo", "0", "0.50 s", "StepFailed: &lt;no&gt;"]
    assert "<dt>steps passed</dt><dd>5/6</dd>" in html
    assert "<dt>play credits</dt><dd>16.5</dd>" in html


def test_messages_are_text_and_never_markup(results: list[StepResult]) -> None:
    html = render_page(results, "1.2.3")
    assert "2 &lt; 3 &amp; &#x27;more&#x27;?" in html
    assert "&lt;b&gt;yes&lt;/b&gt;" in html
    assert "Before &amp; after" in html
