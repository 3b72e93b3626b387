"""`webvoice-mcp tools`."""

import itertools
import json

import pytest

from tests.cli.conftest import Command
from webvoice_mcp.settings import TOOLSETS
from webvoice_mcp.tools.catalogue import offered

TRANSLATE = """\
webvoice_translate
  Translate a text, a list of texts or a file between fifteen languages.
"""


def test_the_tools_are_listed_with_their_parameters(command: Command) -> None:
    code, out, err = command("tools")
    assert (code, err) == (0, "")
    described = out.split("\n\nwebvoice_")
    assert [tool.partition("\n")[0] for tool in f"\n\n{out}".split("\n\nwebvoice_")[1:]] == [
        entry.name.removeprefix("webvoice_") for entry in offered(TOOLSETS)
    ]
    (translate,) = (tool for tool in described if tool.startswith("translate"))
    assert f"webvoice_{translate}".startswith(TRANSLATE)
    lines = [line.strip() for line in translate.splitlines()]
    assert "text?: string  What to translate. Give this, texts or text_path." in lines
    assert any(line.startswith("source_language?: auto|en|it|es") for line in lines)
    (speech,) = (tool for tool in described if tool.startswith("tts"))
    assert "    speed?: number = 0.9  Pace; 1 is the voice's own." in speech.splitlines()


def test_the_tools_are_json_on_request(command: Command) -> None:
    code, out, err = command("tools", "--json", TOOLSETS="speech")
    assert (code, err) == (0, "")
    listed = json.loads(out)
    assert [tool["name"] for tool in listed] == [entry.name for entry in offered(frozenset({"account", "speech"}))]
    assert {"name", "title", "description", "inputSchema", "outputSchema", "annotations"} <= listed[0].keys()


def test_one_tool_is_shown_whole(command: Command) -> None:
    code, out, err = command("tools", "webvoice_tts")
    assert (code, err) == (0, "")
    usage, _, title, _, first, *_ = out.splitlines()
    (entry,) = (tool for tool in offered(TOOLSETS) if tool.name == "webvoice_tts")
    parameters = entry.sdk_tool().parameters
    words = [name if name in parameters["required"] else f"[{name}" for name in parameters["properties"]]
    assert usage.split("…") == [
        f"usage: webvoice-mcp call webvoice_tts {words[0]}=",
        *(f"{']' if '[' in before else ''} {word}=" for before, word in itertools.pairwise(words)),
        "]",
    ]
    assert title == entry.title
    assert entry.sdk_tool().description.startswith(first)
    assert "\n  speed?: number = 0.9, 0.5 to 2\n      Pace; 1 is the voice's own.\n" in out
    assert "\nresult: credits_used?, " in out
    assert ", files, " in out
    assert out.endswith("\nhints: asks the service\n")


def test_each_tool_can_be_shown_whole(command: Command) -> None:
    for entry in offered(TOOLSETS):
        code, out, err = command("tools", entry.name)
        assert (code, err) == (0, "")
        parameters = entry.sdk_tool().parameters["properties"]
        assert [name for name in parameters if f"\n  {name}" not in out] == []
        assert ("no parameters" in out) is (not parameters)


def test_the_help_of_a_call_shows_its_tool(command: Command) -> None:
    shown = command("tools", "webvoice_jobs")
    assert shown.code == 0
    for words in (["webvoice_jobs", "--help"], ["webvoice_jobs", "limit=", "fast", "-h", "--json"]):
        assert command("call", *words) == shown
    assert command("call", "--help", "webvoice_jobs").out.startswith("usage: webvoice-mcp call [-h]")


def test_one_tool_is_json_on_request(command: Command) -> None:
    (whole,) = (tool for tool in json.loads(command("tools", "--json").out) if tool["name"] == "webvoice_stt")
    assert json.loads(command("tools", "webvoice_stt", "--json").out) == whole


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["tools", "tts"], "There is no tool 'tts'. Did you mean webvoice_tts"),
        (["tools", "Webvoice-Narate"], "There is no tool 'Webvoice-Narate'. Did you mean webvoice_narrate"),
        (["call", "trnslate", "--help"], "There is no tool 'trnslate'. Did you mean webvoice_translate"),
        (["tools", "webvoice_xyz"], "There is no tool 'webvoice_xyz'. Did you mean webvoice_"),
        (["tools", "qqq"], "There is no tool 'qqq'. webvoice-mcp tools names all tools."),
        (["tools", "webvoice_chat"], "webvoice_chat is switched off: WEBVOICE_TOOLSETS is account,"),
    ],
)
def test_a_name_that_is_no_tool_s_gets_the_nearest_ones(command: Command, words: list[str], sentence: str) -> None:
    code, out, err = command(*words, TOOLSETS="speech,translation")
    assert (code, out) == (1, "")
    assert err.startswith(f"webvoice-mcp tools: invalid_argument: {sentence}") or words[0] == "call"
    assert sentence in err
