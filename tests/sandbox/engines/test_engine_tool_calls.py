"""Tool calls that rules choose and fill in."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvoice_mcp.sandbox.engines import InvalidInput
from webvoice_mcp.sandbox.engines.chat import Completion, complete


def tool(name: str, description: str | None = None, **parameters: Any) -> dict[str, Any]:
    function: dict[str, Any] = {"name": name, "description": description}
    if parameters:
        function["parameters"] = parameters
    return {"type": "function", "function": function}


def takes(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


WEATHER = tool(
    "get_weather",
    "Get current weather for a city",
    type="object",
    properties={
        "city": {"type": "string", "description": "City name"},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
    },
    required=["city"],
)
EMAIL = tool("sendEmail", "Send an email", **takes(to={"type": "string", "format": "email"}))
PING = tool("ping")
ASKED = [{"role": "user", "content": "What is the weather in Rome?"}]


def called(asked: str, *tools: dict[str, Any], choice: Any = "required") -> tuple[str, Any]:
    completion = complete([{"role": "user", "content": asked}], tools, choice)
    assert (completion.text, completion.finish_reason) == ("", "tool_calls")
    (call,) = completion.tool_calls
    return call["function"]["name"], json.loads(call["function"]["arguments"])


def filled(asked: str, **properties: Any) -> Any:
    return called(asked, tool("anything", **takes(**properties)))[1]


def test_a_call_has_openais_shape() -> None:
    completion = complete(ASKED, [WEATHER])
    (call,) = completion.tool_calls
    assert call["id"].startswith("call_")
    assert completion == Completion(
        "",
        [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": "get_weather", "arguments": '{"city":"Rome"}'},
            }
        ],
        "tool_calls",
    )
    assert complete(ASKED, [WEATHER]) == completion


@pytest.mark.parametrize(
    ("asked", "call"),
    [
        ("What's the weather in New York in celsius?", ("get_weather", {"city": "New York", "unit": "celsius"})),
        ("Email ann@example.com", ("sendEmail", {"to": "ann@example.com"})),
        ("Ping!", ("ping", {})),
    ],
)
def test_the_tool_with_most_words_in_common_is_called(asked: str, call: Any) -> None:
    assert called(asked, PING, EMAIL, WEATHER, choice="auto") == call


def test_a_question_unrelated_to_the_tools_is_answered_with_text() -> None:
    assert complete([{"role": "user", "content": "Say hi"}], [WEATHER]) == Completion("[sandbox] hi", [], "stop")


def test_no_tool_is_called_when_the_choice_is_none() -> None:
    assert complete(ASKED, [WEATHER], "none").finish_reason == "stop"


def test_a_tool_is_called_when_the_choice_requires_one() -> None:
    assert called("Say hi", WEATHER) == ("get_weather", {"city": "Say hi"})


def test_the_named_tool_is_called() -> None:
    choice = {"type": "function", "function": {"name": "ping"}}
    assert called("What is the weather in Rome?", WEATHER, PING, choice=choice) == ("ping", {})


def test_a_tools_result_is_repeated_in_the_answer() -> None:
    calls = complete(ASKED, [WEATHER]).tool_calls
    messages: list[dict[str, Any]] = [
        *ASKED,
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": calls[0]["id"], "content": '{"temp_c": 22, "condition": "sunny"}'},
    ]
    text = '[sandbox] get_weather returned: {"temp_c": 22, "condition": "sunny"}'
    assert complete(messages, [WEATHER], "required") == Completion(text, [], "stop")


def test_only_results_of_the_last_turn_are_repeated() -> None:
    messages: list[dict[str, Any]] = [
        {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "first"}}]},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "assistant", "tool_calls": [{"id": "b", "function": {"name": "second"}}, {"id": "c"}]},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "2"}]},
        {"role": "tool", "tool_call_id": "c", "content": "3"},
        {"role": "tool", "content": "4"},
    ]
    assert complete(messages).text == "[sandbox] second returned: 2\nThe tool returned: 3\nThe tool returned: 4"


STRING = {"type": "string"}
NUMBER = {"type": "number"}


@pytest.mark.parametrize(
    ("asked", "schema", "value"),
    [
        ("from Rome to New York", {"a": STRING, "b": STRING}, {"a": "Rome", "b": "New York"}),
        ("Find Paris for me", {"a": STRING, "b": STRING}, {"a": "Paris", "b": "Paris"}),
        ('Look up "red shoes" in Rome', {"what": STRING}, {"what": "red shoes"}),
        ("look up 'red shoes'", {"query": STRING}, {"query": "red shoes"}),
        ("Look up Rome", {"query": STRING}, {"query": "Look up Rome"}),
        ("I'm in Rome", {"city": {"type": "string", "maxLength": 2}}, {"city": "Ro"}),
        ("go", {"a": {"type": "string", "default": "home"}}, {"a": "home"}),
        ("Add 3 and 4.5", {"a": NUMBER, "b": NUMBER}, {"a": 3, "b": 4.5}),
        ("Add", {"a": NUMBER, "b": {"type": "number", "default": 7}}, {"a": 1, "b": 7}),
        ("Take 3.7", {"n": {"type": "integer"}}, {"n": 3}),
        (
            "Take 50 or 1",
            {"n": {"type": "integer", "maximum": 9}, "m": {"type": "integer", "minimum": 5}},
            {"n": 9, "m": 5},
        ),
        ("go", {"on": {"type": "boolean"}}, {"on": True}),
        ("do not go", {"on": {"type": "boolean"}}, {"on": False}),
        ("go", {"x": {"const": 5}}, {"x": 5}),
        ("in RED please", {"x": {"enum": ["blue", "red"]}}, {"x": "red"}),
        ("go", {"x": {"enum": ["blue", "red"]}}, {"x": "blue"}),
        ("go", {"x": {"type": ["null", "integer"]}, "y": {"type": ["null"]}}, {"x": 1, "y": None}),
        ("go", {"x": {"anyOf": [{"type": "null"}, {"type": "integer"}]}}, {"x": 1}),
        ("to bob@x.org", {"mail": STRING, "url": STRING}, {"mail": "bob@x.org", "url": "https://example.com/"}),
        ("open https://x.org/a.", {"url": STRING}, {"url": "https://x.org/a"}),
        ("on 2026-03-01", {"date": STRING}, {"date": "2026-03-01"}),
        ("on 2026-03-01", {"at": {"type": "string", "format": "date-time"}}, {"at": "2026-03-01T00:00:00Z"}),
        ("for Rome and Oslo", {"l": {"type": "array", "items": STRING}}, {"l": ["Rome", "Oslo"]}),
        ("for 1, 2 and 3", {"l": {"type": "array", "items": NUMBER, "maxItems": 2}}, {"l": [1, 2]}),
        ("for 1", {"l": {"type": "array", "items": NUMBER, "minItems": 10**9}}, {"l": [1] * 20}),
        ("in Rome", {"o": {"properties": {"city": STRING}}}, {"o": {"city": "Rome"}}),
    ],
)
def test_arguments_come_from_the_schema_and_the_question(asked: str, schema: Any, value: Any) -> None:
    assert filled(asked, **schema) == value


def test_references_inside_a_schema_are_followed() -> None:
    place = {"type": "object", "properties": {"city": {"$ref": "#/$defs/City"}, "next": {}}}
    schema = {**takes(place={"$ref": "#/$defs/Place"}), "$defs": {"Place": place, "City": STRING}}
    assert called("in Rome", tool("go", **schema))[1] == {"place": {"city": "Rome", "next": {}}}


def test_a_recursive_schema_is_filled_to_a_limited_depth() -> None:
    name, arguments = called("go", tool("go", type="object", properties={"again": {"$ref": "#"}}))
    assert name == "go"
    assert json.dumps(arguments).count("again") == 9
    assert called("go", tool("go", **{"$ref": "#"}))[1] == {}


@pytest.mark.parametrize(
    "properties",
    [
        5,
        {"a": {"type": "string", "maxLength": "x"}},
        {"a": {"$ref": "#/nowhere"}},
        {"a": {"type": "number", "default": "1" * 999}},
    ],
)
def test_parameters_that_are_not_a_schema_are_refused(properties: Any) -> None:
    with pytest.raises(InvalidInput, match="The parameters of the tool go are not a JSON Schema"):
        called("go", tool("go", properties=properties))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "properties", "items", "enum", "required", "anyOf", "$ref", "a"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.slow
@given(st.text(), st.dictionaries(st.sampled_from(["type", "properties", "required", "enum", "anyOf"]), _JSON))
def test_any_schema_is_filled_or_refused(asked: str, parameters: dict[str, Any]) -> None:
    given_tool = {"type": "function", "function": {"name": "go", "parameters": parameters}}
    try:
        (call,) = complete([{"role": "user", "content": asked}], [given_tool], "required").tool_calls
    except InvalidInput:
        return
    json.loads(call["function"]["arguments"])
