"""Arguments as clients send them: what is refused, and how the text explains it."""

from typing import Any

import pytest

from tests.support import MakeSettings, failed
from tests.tools.calls import TOOLS, check_refused
from webvoice_mcp.server import create_server
from webvoice_mcp.tools.arguments import normalize


async def test_wrong_arguments_are_explained(make_settings: MakeSettings) -> None:
    expected: list[tuple[dict[str, Any], str]] = [
        ({"text": " \n"}, "invalid_argument: text is blank: What to say."),
        ({}, "invalid_argument: text is missing: What to say."),
        ({"text": None}, "invalid_argument: text is missing"),
        ({"text": 5}, "invalid_argument: text should be a valid string. What to say."),
        (
            {"text": "Hi", "speeed": 1},
            "invalid_argument: webvoice_tts does not know the argument 'speeed'. It takes: text, voice, language,",
        ),
        ({"text": "Hi", "x" * 70: 1}, f"invalid_argument: webvoice_tts does not know the argument '{'x' * 60}…'."),
        (
            {"text": "Hi", "speed": True},
            "invalid_argument: speed should be a number: a number from 0.5 to 2. Pace; 1 is the voice's own.",
        ),
    ]
    await check_refused(make_settings(), "webvoice_tts", expected)
    await check_refused(
        make_settings(),
        "webvoice_status",
        [({"x": 1}, "invalid_argument: webvoice_status does not know the argument 'x'. It takes: no arguments.")],
    )


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
async def test_numbers_that_json_lacks_are_refused_however_deep(make_settings: MakeSettings, number: float) -> None:
    server = create_server(make_settings())
    for arguments in ({"text": "x", "speed": number}, {"text": [{"a": [number]}]}):
        text = failed(await server.call_tool("webvoice_tts", arguments))  # type: ignore[arg-type]  # it is a failure
        assert "holds NaN or infinity, which JSON cannot carry. Give a finite number." in text


async def test_an_unknown_tool_is_answered_with_similar_names(make_settings: MakeSettings) -> None:
    server = create_server(make_settings())
    for name, text in (
        ("webvoice_ttts", "There is no tool 'webvoice_ttts'. Did you mean webvoice_tts or "),
        ("nothing", "There is no tool 'nothing'. tools/list names all tools."),
    ):
        result = await server.call_tool(name, {})
        assert failed(result).startswith(f"invalid_argument: {text}")  # type: ignore[arg-type]  # never a question


def test_only_texts_and_paths_keep_their_spaces() -> None:
    kept: set[str] = set()
    for name, tool in TOOLS.items():
        schema = tool.sdk_tool().parameters
        given = dict.fromkeys(schema["properties"], " x ")
        normalized = normalize(name, given, {name: schema})
        assert {value.strip() for value in normalized.values()} <= {"x"}
        kept |= {argument for argument, value in normalized.items() if value == " x "}
    texts = {"text", "prompt", "system", "body", "negative_prompt", "title", "subject"}
    assert kept == texts | {"audio_path", "output_path"}
