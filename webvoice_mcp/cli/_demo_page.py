"""The demo's page: one file that shows, plays and names what was made."""

import base64
import math
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

_BARS = 28


@dataclass(frozen=True, slots=True)
class Said:
    """A line of a conversation.

    Attributes:
        by: mine, theirs, or call for a tool call.
    """

    by: str
    text: str


@dataclass(frozen=True, slots=True)
class Exhibit:
    """Something that a step made, for people to look at.

    Attributes:
        title: what was asked for, or what it is.
        media: files to show side by side, or one to play.
        said: a conversation.
        facts: short facts such as a size, an engine or a file's name.
        span: third, half or wide.
    """

    title: str
    media: tuple[Path, ...] = ()
    said: tuple[Said, ...] = ()
    facts: tuple[str, ...] = ()
    span: str = "half"


@dataclass(frozen=True, slots=True)
class Row:
    """A step of the demo: what was called, what came out, what it cost and how long it took."""

    step: str
    tool: str
    outcome: str
    credits: float
    seconds: float
    passed: bool
    exhibit: Exhibit | None = None

    def cells(self) -> tuple[str, ...]:
        """What a line of a table shows."""
        mark = "ok" if self.passed else "FAILED"
        return mark, self.step, self.tool, f"{self.credits:g}", f"{self.seconds:.2f} s", self.outcome


def page(rows: Sequence[Row], version: str) -> str:
    """The page as HTML, with the media in it."""
    passed = sum(row.passed for row in rows)
    spent = sum(row.credits for row in rows)
    template = Template(files("webvoice_mcp.cli").joinpath("demo_page.html").read_text("utf-8"))
    return template.substitute(
        wave="".join(f'<i style="height:{_bar(number)}%"></i>' for number in range(_BARS)),
        headline="Spoken, heard, translated, drawn and filmed on this computer",
        introduction=(
            "Every card is the result of a real MCP tool call: a client, the real webvoice-mcp server, and the local "
            "sandbox in place of the service. No account, no network, no real credits."
        ),
        facts=_facts(
            {
                "steps passed": f"{passed}/{len(rows)}",
                "play credits": f"{spent:g}",
                "seconds": f"{sum(row.seconds for row in rows):.0f}",
            }
        ),
        cards="\n".join(_card(row, row.exhibit) for row in sorted(rows, key=_place) if row.exhibit),
        rows="\n".join(_line(row) for row in rows),
        footer=escape(
            f"Made by webvoice-mcp {version} demo. The sandbox's speech is neural and its ears are Whisper; its "
            "pictures and films are drawn by rules, not by a model, and say so."
        ),
    )


def _place(row: Row) -> int:
    # Films first, then pictures, sound and words; within each kind as they were made.
    media = row.exhibit.media if row.exhibit else ()
    kind = (mimetypes.guess_type(media[0].name)[0] or "") if media else ""
    return ("video", "image", "audio", "").index(kind.partition("/")[0])


def _bar(number: int) -> int:
    # A wave that swells and dies away.
    swell = math.sin(math.pi * (number + 0.5) / _BARS)
    return round(18 + 82 * swell * abs(math.sin(number * 1.9 + 0.6)))


def _facts(facts: dict[str, str]) -> str:
    return "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts.items())


def _card(row: Row, exhibit: Exhibit) -> str:
    said = "".join(f'<p class="said {each.by}">{escape(each.text)}</p>' for each in exhibit.said)
    facts = [*exhibit.facts, f"{row.credits:g} credits", f"{row.seconds:.1f} s"]
    chips = "".join(f"<li>{escape(each)}</li>" for each in facts)
    return (
        f'<article class="card {exhibit.span}">{_media(exhibit)}<div class="body"><span class="tool">'
        f'{escape(row.tool)}</span><h2>{escape(exhibit.title)}</h2>{said}<ul class="chips">{chips}</ul></div></article>'
    )


def _media(exhibit: Exhibit) -> str:
    shown = [_medium(path, exhibit.title) for path in exhibit.media]
    return f'<div class="pair">{"".join(shown)}</div>' if len(shown) > 1 else "".join(shown)


def _medium(path: Path, title: str) -> str:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    source = f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
    if kind.startswith("audio/"):
        return f'<div class="sound"><audio controls preload="metadata" src="{source}"></audio></div>'
    if kind.startswith("video/"):
        return f'<video class="frame" controls loop muted playsinline preload="auto" src="{source}"></video>'
    return f'<img src="{source}" alt="{escape(title)}">'


def _line(row: Row) -> str:
    mark, step, tool, spent, seconds, outcome = (escape(cell) for cell in row.cells())
    css = "ok" if row.passed else "failed"
    return (
        f'<tr><td class="{css}">{mark}</td><td>{step}</td><td><code>{tool}</code></td><td class="number">{spent}</td>'
        f'<td class="number">{seconds}</td><td class="out">{outcome}</td></tr>'
    )
