"""The demo's page: one HTML file that plays and shows the results."""

import base64
import math
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Literal

_WAVE_BARS = 28
_MEDIA_ORDER = ("video", "image", "audio", "")  # the order of the cards by their media


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a conversation."""

    author: Literal["user", "assistant", "tool-call"]
    text: str


@dataclass(frozen=True, slots=True)
class Card:
    """A result to show on the page.

    Attributes:
        title: the request, or a name for the result.
        media: one file to show or play, or two pictures to show together.
        messages: a conversation.
        facts: short facts such as a size or an engine.
        width: the share of the page's width.
        subtitles: a WebVTT file that is shown while the video plays, None for none.
    """

    title: str
    media: tuple[Path, ...] = ()
    messages: tuple[Message, ...] = ()
    facts: tuple[str, ...] = ()
    width: Literal["third", "half", "whole"] = "half"
    subtitles: Path | None = None


@dataclass(frozen=True, slots=True)
class StepResult:
    """The result of one step of the demo.

    Attributes:
        step: the step's name.
        tool: the tool that it called.
        summary: the result in a few words, or the error.
    """

    step: str
    tool: str
    summary: str
    credits: float
    seconds: float
    passed: bool
    card: Card | None = None

    def cells(self) -> tuple[str, ...]:
        """Return the cells of this result's row in a table."""
        mark = "ok" if self.passed else "FAILED"
        return mark, self.step, self.tool, f"{self.credits:g}", f"{self.seconds:.2f} s", self.summary


def render_page(results: Sequence[StepResult], version: str) -> str:
    """Return the page as HTML, with all media inside."""
    passed = sum(result.passed for result in results)
    spent = sum(result.credits for result in results)
    template = Template(files(__package__).joinpath("page.html").read_text("utf-8"))
    return template.substitute(
        wave="".join(f'<i style="height:{_bar_height(number)}%"></i>' for number in range(_WAVE_BARS)),
        headline="Speech, translation, chat, images and video, all made on this computer",
        introduction=(
            "Every card shows the result of a real MCP tool call, made by an MCP client to the real webvoice-mcp "
            "server. Only the service is replaced by the local sandbox. No account, no network, no real credits."
        ),
        facts=_render_facts(
            {
                "steps passed": f"{passed}/{len(results)}",
                "play credits": f"{spent:g}",
                "seconds": f"{sum(result.seconds for result in results):.0f}",
            }
        ),
        cards="\n".join(_render_card(result, result.card) for result in sorted(results, key=_rank) if result.card),
        rows="\n".join(_render_row(result) for result in results),
        footer=escape(
            f"Made by webvoice-mcp {version} demo. In the sandbox, speech comes from a neural voice and transcripts "
            "from Whisper; images and videos are drawn by rules, not by a model, and say so."
        ),
    )


def _rank(result: StepResult) -> tuple[bool, int]:
    """Return the sort key of a result's card: the widest come first, then the kind of the media decides."""
    media = result.card.media if result.card else ()
    kind = (mimetypes.guess_type(media[0].name)[0] or "") if media else ""
    return result.card is None or result.card.width != "whole", _MEDIA_ORDER.index(kind.partition("/")[0])


def _bar_height(number: int) -> int:
    """Return the height, in percent, of one bar of the page's sound wave."""
    envelope = math.sin(math.pi * (number + 0.5) / _WAVE_BARS)
    return round(18 + 82 * envelope * abs(math.sin(number * 1.9 + 0.6)))


def _render_facts(facts: dict[str, str]) -> str:
    return "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts.items())


def _render_card(result: StepResult, card: Card) -> str:
    messages = "".join(f'<p class="message {message.author}">{escape(message.text)}</p>' for message in card.messages)
    facts = [*card.facts, f"{result.credits:g} credit{'s' * (result.credits != 1)}", f"{result.seconds:.1f} s"]
    chips = "".join(f"<li>{escape(fact)}</li>" for fact in facts)
    return (
        f'<article class="card {card.width}">{_render_media(card)}<div class="body"><span class="tool">'
        f'{escape(result.tool)}</span><h2>{escape(card.title)}</h2>{messages}<ul class="chips">{chips}</ul></div>'
        "</article>"
    )


def _render_media(card: Card) -> str:
    rendered = [_render_file(path, card.title, card.subtitles) for path in card.media]
    return f'<div class="pair">{"".join(rendered)}</div>' if len(rendered) > 1 else "".join(rendered)


def _render_file(path: Path, title: str, subtitles: Path | None) -> str:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    source = _data_link(path, kind)
    if kind.startswith("audio/"):
        return f'<div class="sound"><audio controls preload="metadata" src="{source}"></audio></div>'
    if kind.startswith("video/"):
        track = f'<track default kind="subtitles" src="{_data_link(subtitles, "text/vtt")}">' if subtitles else ""
        return f'<video class="frame" controls loop playsinline preload="auto" src="{source}">{track}</video>'
    return f'<img src="{source}" alt="{escape(title)}">'


def _data_link(path: Path, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _render_row(result: StepResult) -> str:
    mark, step, tool, spent, seconds, summary = (escape(cell) for cell in result.cells())
    css = "ok" if result.passed else "failed"
    return (
        f'<tr><td class="{css}">{mark}</td><td>{step}</td><td><code>{tool}</code></td><td class="number">{spent}</td>'
        f'<td class="number">{seconds}</td><td class="out">{summary}</td></tr>'
    )
