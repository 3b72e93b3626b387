"""The demo's page, from rows alone."""

import base64
import re
from pathlib import Path

import pytest

from webvoice_mcp.cli._demo_page import Exhibit, Row, Said, page


@pytest.fixture
def rows(tmp_path: Path) -> list[Row]:
    paths = [tmp_path / name for name in ("a.mp3", "b.png", "c.png", "d.mp4", "odd")]
    for path in paths:
        path.write_bytes(path.name.encode())
    sound, before, after, film, odd = paths
    said = (Said("mine", "2 < 3 & 'more'?"), Said("theirs", "<b>yes</b>"))
    return [
        Row("speak", "webvoice_tts", "a.mp3", 0.5, 1.234, True, Exhibit("“Hello”", (sound,), facts=("5.6 s MP3",))),
        Row("edit", "webvoice_image_to_image", "c.png", 1, 0.1, True, Exhibit("Before & after", (before, after))),
        Row("film", "webvoice_text_to_video", "d.mp4", 13, 2, True, Exhibit("Sea", (film,), span="third")),
        Row("odd", "webvoice_tts", "odd", 0, 0, True, Exhibit("Odd", (odd,))),
        Row("chat", "webvoice_chat", "yes", 2, 0.01, True, Exhibit("Chat", said=said)),
        Row("memo", "webvoice_voice_memo", "StepFailed: <no>", 0, 0.5, False),
    ]


def test_the_page_holds_all_that_it_shows(rows: list[Row]) -> None:
    html = page(rows, "1.2.3")
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


def test_every_call_is_named_with_what_it_cost_and_how_long_it_took(rows: list[Row]) -> None:
    html = page(rows, "1.2.3")
    lines = re.findall(r"<tr><td.*?</tr>", html)
    cells = [re.findall(r">([^<]+)</(?:td|code)>", line) for line in lines]
    assert cells[0] == ["ok", "speak", "webvoice_tts", "0.5", "1.23 s", "a.mp3"]
    assert cells[-1] == ["FAILED", "memo", "webvoice_voice_memo", "0", "0.50 s", "StepFailed: &lt;no&gt;"]
    assert "<dt>steps passed</dt><dd>5/6</dd>" in html
    assert "<dt>play credits</dt><dd>16.5</dd>" in html


def test_what_was_said_is_text_and_never_markup(rows: list[Row]) -> None:
    html = page(rows, "1.2.3")
    assert "2 &lt; 3 &amp; &#x27;more&#x27;?" in html
    assert "&lt;b&gt;yes&lt;/b&gt;" in html
    assert "Before &amp; after" in html
