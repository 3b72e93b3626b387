"""`webvoice-mcp tools`."""

import json

from tests.cli.conftest import Command
from webvoice_mcp.settings import TOOLSETS
from webvoice_mcp.tools.catalogue import offered

TRANSLATE = """\
webvoice_translate
  Translate text between fifteen languages and return the translation.
"""


def test_the_tools_are_listed_with_their_parameters(command: Command) -> None:
    code, out, err = command("tools")
    assert (code, err) == (0, "")
    described = out.split("\n\nwebvoice_")
    assert [each.partition("\n")[0] for each in f"\n\n{out}".split("\n\nwebvoice_")[1:]] == [
        each.name.removeprefix("webvoice_") for each in offered(TOOLSETS)
    ]
    (translate,) = (each for each in described if each.startswith("translate"))
    assert f"webvoice_{translate}".startswith(TRANSLATE)
    lines = [line.strip() for line in translate.splitlines()]
    assert "text: string  What to translate." in lines
    assert any(line.startswith("source_language?: auto|en|it|es") for line in lines)
    (speak,) = (each for each in described if each.startswith("tts"))
    assert "    speed?: number = 0.9  Pace; 1 is the voice's own." in speak.splitlines()


def test_the_tools_are_json_when_asked_for(command: Command) -> None:
    code, out, err = command("tools", "--json", TOOLSETS="speech")
    assert (code, err) == (0, "")
    listed = json.loads(out)
    assert [each["name"] for each in listed] == [each.name for each in offered(frozenset({"account", "speech"}))]
    assert {"name", "title", "description", "inputSchema", "outputSchema", "annotations"} <= listed[0].keys()
