"""Arguments of any kind over a real pipe: every call gets a documented result, and a refused call sends nothing."""

import json
import math
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.wire.calls import CALLS, CALLS_BY_FAMILY, KEYED_TOOLS
from tests.wire.conftest import ConnectedServer
from tests.wire.results import failure, fields
from tests.wire_driver import Message
from webvoice_mcp import errors
from webvoice_mcp.errors import InvalidResponse, NoAnswer, ServiceError

LINK = "https://example.com/a.png"
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
CONVERSATION = [
    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": LINK}}]},
    {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "weather", "arguments": "{}"}}]},
    {"role": "tool", "tool_call_id": "1", "content": "Rain"},
]
LORA = {"provider": "flux-klein-lora", "lora_url": LINK}

# Optional arguments, which are added to the tool's required ones.
OPTIONAL: list[tuple[str, Message]] = [
    ("webvoice_register_verify", {"create_api_key": True, "api_key_name": "mine"}),
    ("webvoice_jobs", {"wait_seconds": 0.5}),
    ("webvoice_chat", {"prompt": "", "messages": CONVERSATION, "tools": [WEATHER], "tool_choice": "weather"}),
    ("webvoice_chat", {"system": "Be kind", "provider": "groq", "web_search": True, "temperature": 2, "max_tokens": 1}),
    ("webvoice_chat", {"stream": True}),
    ("webvoice_deepinfra_chat", {"model": "Qwen/Qwen3-Max-Thinking", "system": "Be kind", "stream": False}),
    ("webvoice_list_chat_models", {"openai_format": True, "search": "a", "provider": ""}),
    ("webvoice_list_voices", {"language": "en", "provider": "kokoro"}),
    ("webvoice_tts", {"voice": "af_sarah", "language": "en", "speed": 2, "output_path": "said/", "background": True}),
    ("webvoice_stt", {"language": "it", "provider": "whisper_small", "output_path": "heard/", "background": True}),
    ("webvoice_image", {"provider": "flux-klein-lora", "size": "1024x1024", "loras": [{"path": LINK, "scale": 0.5}]}),
    ("webvoice_image", {**LORA, "lora_scale": 0.5, "background": True}),
    ("webvoice_image", {"provider": "nucleus", "num_images": 2, "num_inference_steps": 9, "guidance_scale": 1.5}),
    ("webvoice_image", {"provider": "gen4", "resolution": "720p", "reference_images": [LINK], "aspect_ratio": "4:3"}),
    ("webvoice_image", {"provider": "sdxl", "image_url": LINK, "seed": -1, "width": 512, "height": 2048}),
    ("webvoice_image_to_image", {"images": ["photo.png", LINK], "size": "256*256", "output_path": "drawn/"}),
    ("webvoice_image_to_video", {"image": LINK, "duration": 4, "resolution": "720p", "last_image_url": LINK}),
    ("webvoice_text_to_video", {"duration": 15, "reference_images": [LINK], "reference_videos": [LINK]}),
    ("webvoice_text_to_video", {"provider": "veo", "negative_prompt": "rain", "seed": 7, "generate_audio": True}),
    ("webvoice_estimate_credits", {"tool": "webvoice_image", "arguments": {"prompt": "x", "provider": "wan"}}),
    ("webvoice_send_email", {"subject": "Greetings"}),
    ("webvoice_voice_memo", {"title": "Greetings"}),
]
VALID_CALLS = [*CALLS.items(), *((tool, CALLS[tool] | added) for tool, added in OPTIONAL)]

ERRORS = [error for name in errors.__all__ if hasattr(error := getattr(errors, name), "code")]
CODES = {error.code for error in ERRORS}
LOCAL_CODES = {  # errors found on this computer, before anything is sent
    error.code for error in ERRORS if not issubclass(error, (ServiceError, NoAnswer, InvalidResponse))
}


def checked_call(connected: ConnectedServer, tool: str, arguments: Message) -> tuple[str, str]:
    """Call a tool, check what must hold for any arguments, and return the error code and text, "" after success."""
    requests_before = len(connected.service.requests)
    result = connected.server.call(tool, arguments)
    code, text = failure(result) if result["isError"] else ("", "")
    paths = [request.path for request in connected.service.requests[requests_before:]]
    if code:
        assert code in CODES
        # Only the service knows a language's voices. A request for them is free, so it may precede a refusal.
        looks_up_voices = tool in {"webvoice_tts", "webvoice_narrate"} and paths == ["voices/"]
        assert code not in LOCAL_CODES or not paths or looks_up_voices
    elif job_id := fields(result).get("job_id"):
        _wait_for_job(connected, job_id)
    assert connected.server.result("ping") == {}
    return code, text


def _wait_for_job(connected: ConnectedServer, job_id: str) -> None:
    # Otherwise a request of this job could be counted for the next call.
    jobs = {"job_id": job_id, "wait_seconds": 15}
    while fields(connected.server.call("webvoice_jobs", jobs))["jobs"][0]["state"] == "running":
        pass


# Strategies for arguments

TEXT = st.text(max_size=20) | st.sampled_from(
    ["", " \n", "\x00", "\u202egnp.exe", "e\u0301\u200b", "auto", "talk.wav", "photo.png", "new/", "../up", "~", "-rf",
     "a@example.com", "16:9", "1024x1024", "720p", LINK, "https://[", "[1]", '{"a": 1}', "NaN", "1e999", "half \ud83d"]
)  # fmt: skip
LONG_TEXT = st.sampled_from(["x" * 70_000, "🙂" * 5000, "/" * 3000])
HUGE_NUMBERS = st.sampled_from([math.inf, -math.inf, math.nan, 1e308, 2**63, 10**4000, -(10**4000)])
SMALL = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
LISTS, OBJECTS = st.lists(SMALL, max_size=3), st.dictionaries(TEXT, SMALL, max_size=3)
LARGE = st.sampled_from(
    [[0] * 5000, ["photo.png"] * 2000, json.loads("[" * 99 + "]" * 99), json.loads('{"a":' * 99 + "1" + "}" * 99)]
)
ANY_VALUE = SMALL | LISTS | OBJECTS | st.lists(OBJECTS, max_size=3) | LARGE | LONG_TEXT | HUGE_NUMBERS


def valid_values(schema: Message) -> st.SearchStrategy[Any]:
    """Values that the schema allows."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema["type"] == "array":
        return st.lists(valid_values(schema["items"]), max_size=5)
    least, most = schema.get("minimum"), schema.get("maximum")
    by_type: dict[str, st.SearchStrategy[Any]] = {
        "string": TEXT | st.just("x" * schema.get("maxLength", 20_000)),
        "integer": st.integers(least, most),
        "number": st.floats(least, most, allow_nan=False, allow_infinity=False),
        "boolean": st.booleans(),
        "object": OBJECTS,
    }
    return by_type[schema["type"]]


def invalid_values(schema: Message) -> st.SearchStrategy[Any]:
    """Values that the schema does not allow and that are not converted to allowed values (as "1" is to 1)."""
    kind, numbers = schema["type"], st.integers(7) | st.floats(2.5, 9.5)
    by_type: dict[str, st.SearchStrategy[Any]] = {
        "string": numbers | LISTS | OBJECTS | st.booleans(),
        "integer": LISTS | OBJECTS | st.booleans() | st.sampled_from(["nobody", 1.5, math.inf, math.nan]),
        "number": LISTS | OBJECTS | st.booleans() | st.just("nobody"),
        "boolean": LISTS | OBJECTS | numbers | st.just("nobody"),
        "array": numbers | OBJECTS | st.booleans() | st.just("nobody"),
        "object": numbers | LISTS | st.booleans() | st.just("nobody"),
    }
    outside: list[Any] = ["nobody"] if "enum" in schema else []
    outside += ["x" * (schema["maxLength"] + 1)] if "maxLength" in schema else []
    outside += [schema[bound] + step for bound, step in (("minimum", -1), ("maximum", 1)) if bound in schema]
    items = st.lists(invalid_values(schema["items"]), min_size=1, max_size=3) if kind == "array" else st.nothing()
    return by_type[kind] | items | (st.sampled_from(outside) if outside else st.nothing())


def altered(value: Any) -> st.SearchStrategy[Any]:
    """The value with one part replaced, often by a value of the same type."""
    if isinstance(value, list | dict) and value:
        keys = st.sampled_from(range(len(value)) if isinstance(value, list) else sorted(value))
        return keys.flatmap(lambda key: altered(value[key]).map(lambda new: _replaced(value, key, new))) | ANY_VALUE
    same_type = (
        LONG_TEXT | TEXT
        if isinstance(value, str)
        else HUGE_NUMBERS
        if isinstance(value, int | float)
        else LARGE | HUGE_NUMBERS
    )
    return st.booleans().flatmap(lambda any_type: ANY_VALUE if any_type else same_type)


def _replaced(value: Any, key: Any, new: Any) -> Any:
    copy = value.copy()
    copy[key] = new
    return copy


# Properties


def check_any_arguments(connected: ConnectedServer, call: tuple[str, Message], data: st.DataObject) -> tuple[str, str]:
    """Make a valid call in which up to three arguments are replaced, removed or unknown."""
    tool, arguments = call[0], dict(call[1])
    properties: dict[str, Message] = connected.schemas[tool]["properties"]
    names = [*properties, *arguments, *arguments, "x"]  # the call's own arguments are drawn more often
    for name in data.draw(st.sets(st.sampled_from(names), min_size=1, max_size=3)):
        valid = valid_values(properties[name]) if name in properties else ANY_VALUE
        value = data.draw(st.just(...) | valid | altered(arguments.get(name)) | altered(arguments.get(name)))
        arguments.pop(name, None)
        arguments |= {} if value is ... else {name: value}
    code, text = checked_call(connected, tool, arguments)
    assert code != "invalid_argument" or _names_an_argument(connected, tool, text), text
    return code, text


def _names_an_argument(connected: ConnectedServer, tool: str, text: str) -> bool:
    # The error of an estimate can be about the arguments of the other tool.
    tools = connected.schemas if tool == "webvoice_estimate_credits" else {tool: connected.schemas[tool]}
    known = {name for schema in tools.values() for name in schema["properties"]}
    return "does not know the argument " in text or bool(known & set(re.findall(r"\w+", text)))


def check_one_invalid_argument(connected: ConnectedServer, call: tuple[str, Message], data: st.DataObject) -> None:
    """Make a valid call in which one argument is invalid, missing or unknown."""
    tool, arguments = call
    schema = connected.schemas[tool]
    name = data.draw(st.sampled_from([*schema["properties"], "unheard_of"]))
    missing = st.sampled_from([None, "", " "]) if name in schema.get("required", ()) else st.nothing()
    known = name in schema["properties"]
    value = data.draw((invalid_values(schema["properties"][name]) | missing) if known else ANY_VALUE)
    code, text = checked_call(connected, tool, {**arguments, name: value})
    sentence = name if known else f"{tool} does not know the argument 'unheard_of'"
    assert (code, text.partition(": ")[2][: len(sentence)]) == ("invalid_argument", sentence)


quick = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
thorough = settings(quick, max_examples=200, derandomize=False)
each_family = pytest.mark.parametrize("family", CALLS_BY_FAMILY)
any_call = st.sampled_from(VALID_CALLS)


def calls_of(family: str) -> st.SearchStrategy[tuple[str, Message]]:
    return st.sampled_from([call for call in VALID_CALLS if call[0] in CALLS_BY_FAMILY[family]])


@pytest.mark.slow
def test_valid_arguments_are_accepted(connected: ConnectedServer) -> None:
    assert set(connected.schemas) == set(CALLS)
    failed = {str(call): error for call in VALID_CALLS if (error := checked_call(connected, *call)) != ("", "")}
    assert failed == {}


@pytest.mark.slow
@quick
@given(call=any_call, data=st.data())
def test_any_arguments_get_a_documented_answer_and_refused_calls_send_nothing(
    connected: ConnectedServer, call: tuple[str, Message], data: st.DataObject
) -> None:
    check_any_arguments(connected, call, data)


@quick
@given(call=any_call, data=st.data())
def test_one_invalid_argument_is_refused_by_its_name(
    connected: ConnectedServer, call: tuple[str, Message], data: st.DataObject
) -> None:
    check_one_invalid_argument(connected, call, data)


@pytest.mark.wide
@each_family
@thorough
@given(data=st.data())
def test_any_arguments_get_a_documented_answer_in_many_examples(
    connected: ConnectedServer, family: str, data: st.DataObject
) -> None:
    check_any_arguments(connected, data.draw(calls_of(family)), data)


@pytest.mark.wide
@each_family
@thorough
@given(data=st.data())
def test_one_invalid_argument_is_refused_by_its_name_in_many_examples(
    connected: ConnectedServer, family: str, data: st.DataObject
) -> None:
    check_one_invalid_argument(connected, data.draw(calls_of(family)), data)


@pytest.mark.slow
@quick
@given(call=any_call.filter(lambda call: call[0] in KEYED_TOOLS), data=st.data())
def test_without_a_key_nothing_is_sent(
    keyless: ConnectedServer, call: tuple[str, Message], data: st.DataObject
) -> None:
    requests_before = len(keyless.service.requests)
    code, _ = check_any_arguments(keyless, call, data)
    assert code in LOCAL_CODES
    assert len(keyless.service.requests) == requests_before


def test_without_a_key_each_tool_says_how_to_get_one(keyless: ConnectedServer) -> None:
    for tool in KEYED_TOOLS:
        code, text = checked_call(keyless, tool, CALLS[tool])
        assert code == "not_authenticated"
        assert "webvoice_register_send_code" in text
        assert "WEBVOICE_API_KEY" in text


# Optional arguments, which clients send as null, as an empty string, or not at all


@pytest.mark.wide
@pytest.mark.parametrize("absent", [None, "", "  "], ids=["null", "empty", "blank"])
def test_an_optional_argument_that_is_null_or_blank_counts_as_absent(
    connected: ConnectedServer, absent: str | None
) -> None:
    properties = {tool: set(schema["properties"]) for tool, schema in connected.schemas.items()}
    for tool, arguments in CALLS.items():
        optional = dict.fromkeys(properties[tool] - set(arguments), absent)
        sent = []
        for given_arguments in (arguments, {**arguments, **optional}):
            connected.service.requests.clear()
            assert checked_call(connected, tool, given_arguments) == ("", "")
            sent.append([(request.path, _without_boundary(request.body)) for request in connected.service.requests])
        assert sent[0] == sent[1]


def _without_boundary(body: bytes) -> bytes:
    boundary = body.partition(b"\r\n")[0]
    return body.replace(boundary, b"--") if body.startswith(b"--") else body


# Values that cannot be sent in JSON or HTTP

UNSENDABLE: list[tuple[str, Message, str]] = [
    ("webvoice_image", {**LORA, "prompt": "x", "lora_scale": math.nan}, "lora_scale"),
    ("webvoice_image", {**LORA, "prompt": "x", "loras": [{"path": LINK, "scale": math.inf}]}, "loras"),
    ("webvoice_list_voices", {"language": "x" * 70_000}, "language"),
    ("webvoice_tts", {"text": "Hi", "language": "x" * 70_000}, "language"),
]


@pytest.mark.parametrize(("tool", "arguments", "name"), UNSENDABLE, ids=["NaN", "infinity", "long query", "long field"])
def test_a_value_that_cannot_be_sent_is_refused_by_name(
    connected: ConnectedServer, tool: str, arguments: Message, name: str
) -> None:
    code, text = checked_call(connected, tool, arguments)
    assert code == "invalid_argument"
    assert text.startswith(f"invalid_argument: {name}")


def test_half_a_surrogate_pair_is_answered_by_every_tool(connected: ConnectedServer) -> None:
    # Clients that cut a text after a number of UTF-16 units can send half of a pair, such as "\\ud83d" in JSON.
    calls = [
        (tool, {**arguments, name: f"{value}\ud83d"})
        for tool, arguments in CALLS.items()
        for name, value in arguments.items()
        if isinstance(value, str)
    ]
    request_ids = [connected.server.send_call(*call) for call in calls]
    for response in connected.server.responses_to(request_ids):
        assert not response["result"]["isError"] or failure(response["result"])[0] in CODES


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 250 + "]" * 250], ids=["long number", "deep list"])
def test_a_line_that_the_sdk_cannot_parse_does_not_end_the_server(connected: ConnectedServer, value: str) -> None:
    call = '{"jsonrpc": "2.0", "id": "hard", "method": "tools/call", "params": '
    call += '{"name": "webvoice_usage", "arguments": {"days": ' + value + "}}}\n"
    connected.server.send_bytes(call.encode())
    assert connected.server.result("ping") == {}
