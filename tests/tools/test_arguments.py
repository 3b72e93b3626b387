"""Arguments as clients send them: what is refused, and how the text explains it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import MakeSettings, failed
from tests.tools.calls import TOOLS, check_refused
from tests.wire.calls import CALLS
from webvoice_mcp.errors import InvalidArgument
from webvoice_mcp.server import create_server
from webvoice_mcp.tools.arguments import normalize


async def test_wrong_arguments_are_explained(make_settings: MakeSettings) -> None:
    expected: list[tuple[dict[str, Any], str]] = [
        ({"text": " \n"}, "invalid_argument: text is blank: What to say."),
        ({}, "invalid_argument: text is missing: What to say."),
        ({"text": None}, "invalid_argument: text is missing"),
        ({"text": 5}, "invalid_argument: text must be a string. What to say."),
        (
            {"text": "Hi", "speeed": 1},
            "invalid_argument: webvoice_tts does not know the argument 'speeed'. It takes: text, voice, language,",
        ),
        ({"text": "Hi", "x" * 70: 1}, f"invalid_argument: webvoice_tts does not know the argument '{'x' * 60}…'."),
        (
            {"text": "Hi", "speed": True},
            "invalid_argument: speed must be a number from 0.5 to 2. Pace; 1 is the voice's own.",
        ),
    ]
    await check_refused(make_settings(), "webvoice_tts", expected)
    await check_refused(
        make_settings(),
        "webvoice_status",
        [({"x": 1}, "invalid_argument: webvoice_status does not know the argument 'x'. It takes: no arguments.")],
    )


@pytest.mark.parametrize("name", ["webvoice_status", "webvoice_tts"])
async def test_arguments_that_hosts_add_are_ignored(make_settings: MakeSettings, name: str) -> None:
    added: dict[str, Any] = {
        "sessionId": "1",
        "action": "sendMessage",
        "chatInput": "Hi",
        "toolCallId": {"a": float("nan")},
        "task_progress": "- [ ] \ud800",
    }
    assert normalize(name, {**added, **CALLS[name]}, {name: TOOLS[name].sdk_tool().parameters}) == CALLS[name]
    text = failed(await create_server(make_settings()).call_tool(name, {**added, "sessionid": "1"}))  # type: ignore[arg-type]  # it is a failure
    assert f"{name} does not know the argument 'sessionid'" in text


def test_an_argument_of_the_tool_stays_whatever_hosts_add() -> None:
    schema = {"properties": {"action": {"type": "string"}}, "required": []}
    assert normalize("play", {"action": "stop", "sessionId": "1"}, {"play": schema}) == {"action": "stop"}


HALF = "\ud83d"
LISTS = ["messages", "tools"]


@pytest.mark.parametrize("argument", LISTS)
@pytest.mark.parametrize("value", [[{HALF: "x"}], [{"x": [HALF]}]])
async def test_half_a_character_is_refused_as_json_and_as_text(
    make_settings: MakeSettings, argument: str, value: Any
) -> None:
    expected = f"invalid_argument: {argument} holds half of a character (a lone surrogate). Give whole characters."
    as_text = {argument: json.dumps(value)}
    assert failed(await create_server(make_settings()).call_tool("webvoice_chat", {argument: value})) == expected  # type: ignore[arg-type]  # it is a failure
    await check_refused(make_settings(), "webvoice_chat", [(as_text, expected)])
    estimates = [({"tool": "webvoice_chat", "arguments": given}, expected) for given in (as_text, json.dumps(as_text))]
    await check_refused(make_settings(), "webvoice_estimate_credits", estimates)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[NaN]", "holds NaN or infinity"),
        ('[{"a": [1e999]}]', "holds NaN or infinity"),
        ("[" * 300 + "]" * 300, "is nested deeper than 200 levels."),
        ("[" * 100_000, "is nested too deeply or has a number that is too long."),
        (f"[{'9' * 5000}]", "is nested too deeply or has a number that is too long."),
        ("[1", "must be a list"),
        ('"x"', "must be a list"),
        ("5", "must be a list"),
    ],
)
async def test_a_list_as_text_is_held_to_the_same_rules(make_settings: MakeSettings, text: str, reason: str) -> None:
    for argument in LISTS:
        await check_refused(
            make_settings(),
            "webvoice_chat",
            [({argument: text, "prompt": ""}, f"invalid_argument: {argument} {reason}")],
        )


@given(st.recursive(st.none() | st.booleans() | st.text(st.characters(exclude_categories=[])), st.lists, max_leaves=5))
def test_a_list_or_object_as_text_counts_as_itself(value: Any) -> None:
    def outcome(given: Any) -> Any:
        try:
            return normalize("t", {"x": given}, {"t": {"properties": {"x": {"type": "array"}}}})
        except InvalidArgument as error:
            return str(error)

    assert outcome(json.dumps([value])) == outcome([value])


async def test_a_tool_that_is_switched_off_says_which_setting_does_it(make_settings: MakeSettings) -> None:
    settings = make_settings(TOOLSETS="speech")
    expected = (
        "invalid_argument: webvoice_image is switched off: WEBVOICE_TOOLSETS is account,speech. To use it, a person has"
        " to add image to WEBVOICE_TOOLSETS in the client's configuration, and restart the server."
    )
    await check_refused(settings, "webvoice_image", [({"prompt": "x"}, expected), ({"nonsense": 1}, expected)])
    estimate = {"tool": "webvoice_image", "arguments": {"prompt": "x"}}
    await check_refused(settings, "webvoice_estimate_credits", [(estimate, expected)])


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
