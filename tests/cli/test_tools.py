"""`webvoice-mcp tools`."""

import json

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
