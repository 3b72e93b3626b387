"""Whatever the arguments are, over a real pipe: an answer of a documented kind, and nothing sent that was refused."""

import json
import math
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.loopback import Loopback
from tests.orders.world import PAID, put_inputs
from tests.support import CANARY, SNAPSHOTS
from tests.wire.world import CONSENT, KEYED, failure, fields
from tests.wire_driver import Message, Wire, environment, serving

TOOLS = sorted(path.stem for path in SNAPSHOTS.glob("webvoice_*.json"))
LOCAL = {f"webvoice_{each}" for each in ("account_links", "estimate_credits", "usage", "jobs")}  # need no key
OPENING = {"webvoice_register_send_code", "webvoice_register_verify"}  # nor do these

LINK = "https://example.com/a.png"
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
TALK = [
    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": LINK}}]},
    {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "weather", "arguments": "{}"}}]},
    {"role": "tool", "tool_call_id": "1", "content": "Rain"},
]

# Good calls of each tool, from which the others differ in a few arguments.
PLAIN: dict[str, Message] = {
    **{tool: {} for tool in TOOLS},
    **KEYED,
    **{each.tool: {name: value for name, value in each.arguments.items() if name != "output_path"} for each in PAID},
    "webvoice_register_send_code": CONSENT,
    "webvoice_register_verify": {"email": "a@example.com", "code": "123456"},
    "webvoice_estimate_credits": {"tool": "webvoice_chat", "arguments": {"messages": TALK, "temperature": 1.5}},
    "webvoice_send_email": {"to": "a@example.com", "body": "Hi", "subject": "Greetings"},
    "webvoice_voice_memo": {"text": "Hi", "title": "Greetings"},
}
DRAW = PLAIN["webvoice_image"]
RICH: list[tuple[str, Message]] = [
    ("webvoice_register_verify", {"create_api_key": True, "api_key_name": "mine"}),
    ("webvoice_jobs", {"wait_seconds": 0.5}),
    ("webvoice_chat", {"prompt": "", "messages": TALK, "tools": [WEATHER], "tool_choice": "weather", "stream": True}),
    ("webvoice_chat", {"system": "Be kind", "provider": "groq", "web_search": True, "temperature": 2, "max_tokens": 1}),
    ("webvoice_deepinfra_chat", {"model": "Qwen/Qwen3-Max-Thinking", "system": "Be kind", "stream": False}),
    ("webvoice_list_chat_models", {"openai_format": True, "search": "a", "provider": ""}),
    ("webvoice_list_voices", {"language": "en", "provider": "kokoro"}),
    ("webvoice_tts", {"voice": "af_sarah", "language": "en", "speed": 2, "output_path": "said/", "background": True}),
    ("webvoice_stt", {"language": "it", "provider": "whisper_small", "output_path": "heard/", "background": True}),
    ("webvoice_image", {"provider": "flux-klein-lora", "size": "1024x1024", "loras": [{"path": LINK, "scale": 0.5}]}),
    ("webvoice_image", {"provider": "flux-klein-lora", "lora_url": LINK, "lora_scale": 0.5, "background": True}),
    ("webvoice_image", {"provider": "nucleus", "num_images": 2, "num_inference_steps": 9, "guidance_scale": 1.5}),
    ("webvoice_image", {"provider": "gen4", "resolution": "720p", "reference_images": [LINK], "aspect_ratio": "4:3"}),
    ("webvoice_image", {"provider": "sdxl", "image_url": LINK, "seed": -1, "width": 512, "height": 2048}),
    ("webvoice_image_to_image", {"images": ["photo.png", LINK], "size": "256*256", "output_path": "drawn/"}),
    ("webvoice_image_to_video", {"image": LINK, "duration": 4, "resolution": "720p", "last_image_url": LINK}),
    ("webvoice_text_to_video", {"duration": 15, "reference_images": [LINK], "reference_videos": [LINK]}),
    ("webvoice_text_to_video", {"provider": "veo", "negative_prompt": "rain", "seed": 7, "generate_audio": True}),
    ("webvoice_estimate_credits", {"tool": "webvoice_image", "arguments": {**DRAW, "provider": "wan", "seed": 7}}),
]
GOOD = [*PLAIN.items(), *((tool, PLAIN[tool] | more) for tool, more in RICH)]

REPLIES: dict[str, Any] = {each.path: each.answer for each in PAID} | {
    "auth/send-code/": {"success": True, "is_new_user": True},
    "auth/verify-code/": {"success": True, "api_key": "wv_first_1234567890", "onboarding": {"credits": 20.0}},
    "keys/": {"success": True, "api_key": "wv_second_1234567890", "name": "second"},
    "onboarding/": {"credits": 20.0, "can_use_api": True},
    "status/": {"success": True, "user": "ann", "credits": 20.0},
    "chat/models/": {"models": [{"id": "a", "provider": "groq", "credits_per_request": 2.0}]},
    "models/": {"object": "list", "data": [{"id": "a", "object": "model"}]},
    "voices/": {"success": True, "voices": {"en": [{"id": "af_sarah", "name": "Sarah"}]}},
    "send-email/": {"success": True, "message": "sent"},
    "voice-memo/text/": {"success": True, "voice_note_id": 7},
}

HERE = {  # the codes of what is refused on this computer
    "invalid_argument", "not_authenticated", "file_not_found", "file_exists", "path_not_allowed", "unsupported_media",
    "disk_error", "budget_exceeded", "declined",
}  # fmt: skip
CODES = HERE | {
    "unauthorized", "insufficient_credits", "bad_request", "rate_limited", "provider_unavailable", "server_error",
    "timeout", "network_error", "invalid_response",
}  # fmt: skip


class Stage:
    """A server, and the service that it asks."""

    def __init__(self, wire: Wire, service: Loopback) -> None:
        self.wire = wire
        self.service = service
        self.schemas: dict[str, Message] = {
            each["name"]: each["inputSchema"] for each in wire.result("tools/list")["tools"]
        }

    def call(self, tool: str, arguments: Message) -> tuple[str, str]:
        """Why it failed: code and text, both empty where all went well. Sees to what holds for any arguments."""
        before = len(self.service.asked)
        result = self.wire.call(tool, arguments)
        code, text = failure(result) if result["isError"] else ("", "")
        asked = [each.path for each in self.service.asked[before:]]
        if code:
            assert code in CODES
            # Which voices a language has is known to the service alone; asking it is free.
            assert code not in HERE or not asked or (tool, asked) == ("webvoice_tts", ["voices/"])
            assert code != "invalid_argument" or self._names_an_argument(tool, text), text
        elif job := fields(result).get("job_id"):  # what it sends must not be taken for the next call's
            self.wire.call("webvoice_jobs", {"job_id": job, "wait_seconds": 15})
        assert self.wire.result("ping") == {}
        return code, text

    def _names_an_argument(self, tool: str, text: str) -> bool:
        # An estimate speaks of the arguments of the other tool.
        tools = self.schemas if tool == "webvoice_estimate_credits" else {tool}
        known = {name for each in tools for name in self.schemas[each]["properties"]}
        return "does not know the argument " in text or bool(known & set(re.findall(r"\w+", text)))


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Stage]]:
    """Starts servers, and sees at the end that none had a crash to tell of."""
    wires: list[Wire] = []
    with ExitStack() as running:
        service = running.enter_context(Loopback(REPLIES).running())

        def start(**variables: str) -> Stage:
            home = tmp_path_factory.mktemp("home")
            put_inputs(home / "out")
            own = {"BASE_URL": service.base_url, "ALLOWED_DIRS": home / "out", **variables}
            wires.append(running.enter_context(serving(environment(home, own))))
            return Stage(wires[-1], service)

        yield start
    assert [each.stderr for each in wires if "Traceback" in each.stderr] == []


@pytest.fixture(scope="module")
def stage(staged: Callable[..., Stage]) -> Stage:
    return staged(API_KEY=CANARY)


@pytest.fixture(scope="module")
def keyless(staged: Callable[..., Stage]) -> Stage:
    return staged()


# What arguments are made of

TEXT = st.text(max_size=20) | st.sampled_from(
    ["", " \n", "\x00", "\u202egnp.exe", "e\u0301\u200b", "auto", "talk.wav", "photo.png", "new/", "../up", "~", "-rf",
     "a@example.com", "16:9", "1024x1024", "720p", LINK, "https://[", "[1]", '{"a": 1}', "NaN", "1e999", "half \ud83d"]
)  # fmt: skip
LONG = st.sampled_from(["x" * 70_000, "🙂" * 5000, "/" * 3000])
NUMBERS = st.sampled_from([math.inf, -math.inf, math.nan, 1e308, 2**63, 10**4000, -(10**4000)])
SMALL = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
LISTS, OBJECTS = st.lists(SMALL, max_size=3), st.dictionaries(TEXT, SMALL, max_size=3)
LARGE = st.sampled_from(
    [[0] * 5000, ["photo.png"] * 2000, json.loads("[" * 99 + "]" * 99), json.loads('{"a":' * 99 + "1" + "}" * 99)]
)
ODD = SMALL | LISTS | OBJECTS | st.lists(OBJECTS, max_size=3) | LARGE | LONG | NUMBERS


def fitting(schema: Message) -> st.SearchStrategy[Any]:
    """Values that the schema allows."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema["type"] == "array":
        return st.lists(fitting(schema["items"]), max_size=5)
    least, most = schema.get("minimum"), schema.get("maximum")
    by_type: dict[str, st.SearchStrategy[Any]] = {
        "string": TEXT | st.just("x" * schema.get("maxLength", 20_000)),
        "integer": st.integers(least, most),
        "number": st.floats(least, most, allow_nan=False, allow_infinity=False),
        "boolean": st.booleans(),
        "object": OBJECTS,
    }
    return by_type[schema["type"]]


def wrong(schema: Message) -> st.SearchStrategy[Any]:
    """Values that the schema does not allow, and that no leniency takes for others."""
    kind, numbers = schema["type"], st.integers(7) | st.floats(2.5, 9.5)
    by_type: dict[str, st.SearchStrategy[Any]] = {
        "string": numbers | LISTS | OBJECTS | st.booleans(),
        "integer": LISTS | OBJECTS | st.booleans() | st.sampled_from(["nobody", 1.5, math.inf, math.nan]),
        "number": LISTS | OBJECTS | st.booleans() | st.just("nobody"),
        "boolean": LISTS | OBJECTS | numbers | st.just("nobody"),
        "array": numbers | OBJECTS | st.booleans() | st.just("nobody"),
        "object": numbers | LISTS | st.booleans() | st.just("nobody"),
    }
    beyond: list[Any] = ["nobody"] if "enum" in schema else []
    beyond += ["x" * (schema["maxLength"] + 1)] if "maxLength" in schema else []
    beyond += [schema[bound] + step for bound, step in (("minimum", -1), ("maximum", 1)) if bound in schema]
    items = st.lists(wrong(schema["items"]), min_size=1, max_size=3) if kind == "array" else st.nothing()
    return by_type[kind] | items | (st.sampled_from(beyond) if beyond else st.nothing())


def spoilt(value: Any) -> st.SearchStrategy[Any]:
    """The same with something else somewhere in it, often of the same type."""
    if isinstance(value, list | dict) and value:
        places = st.sampled_from(range(len(value)) if isinstance(value, list) else sorted(value))
        return places.flatmap(lambda place: spoilt(value[place]).map(lambda new: _put(value, place, new))) | ODD
    alike = LONG | TEXT if isinstance(value, str) else NUMBERS if isinstance(value, int | float) else LARGE | NUMBERS
    return st.booleans().flatmap(lambda other: ODD if other else alike)


def _put(value: Any, place: Any, new: Any) -> Any:
    copy = value.copy()
    copy[place] = new
    return copy


# What holds for them


def take_any(stage: Stage, good: tuple[str, Message], data: st.DataObject) -> tuple[str, str]:
    """A good call in which up to three arguments are other ones, fitting or not, or left out, or not known at all."""
    tool, arguments = good[0], dict(good[1])
    properties: dict[str, Message] = stage.schemas[tool]["properties"]
    names = [*properties, *arguments, *arguments, "x"]  # the given ones twice more: they lead further
    for name in data.draw(st.sets(st.sampled_from(names), min_size=1, max_size=3)):
        fits = fitting(properties[name]) if name in properties else ODD
        value = data.draw(st.just(...) | fits | spoilt(arguments.get(name)) | spoilt(arguments.get(name)))
        arguments.pop(name, None)
        arguments |= {} if value is ... else {name: value}
    return stage.call(tool, arguments)


def refuse_wrong(stage: Stage, good: tuple[str, Message], data: st.DataObject) -> None:
    """A good call in which one argument is wrong, or missing, or not known."""
    tool, arguments = good
    schema = stage.schemas[tool]
    name = data.draw(st.sampled_from([*schema["properties"], "unheard_of"]))
    left_out = st.sampled_from([None, "", " "]) if name in schema.get("required", ()) else st.nothing()
    value = data.draw((wrong(schema["properties"][name]) | left_out) if name in schema["properties"] else ODD)
    code, text = stage.call(tool, {**arguments, name: value})
    sentence = name if name in schema["properties"] else f"{tool} does not know the argument 'unheard_of'"
    assert (code, text.partition(": ")[2][: len(sentence)]) == ("invalid_argument", sentence)


few = settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
many = settings(few, max_examples=80, derandomize=False)
every_good_call = pytest.mark.parametrize("good", GOOD, ids=[tool.removeprefix("webvoice_") for tool, _ in GOOD])


@every_good_call
def test_good_arguments_are_taken(stage: Stage, good: tuple[str, Message]) -> None:
    assert stage.call(*good) == ("", "")


@every_good_call
@few
@given(data=st.data())
def test_any_arguments_get_an_answer_and_none_that_are_refused_are_sent(
    stage: Stage, good: tuple[str, Message], data: st.DataObject
) -> None:
    take_any(stage, good, data)


@every_good_call
@few
@given(data=st.data())
def test_one_wrong_argument_is_refused_by_its_name(
    stage: Stage, good: tuple[str, Message], data: st.DataObject
) -> None:
    refuse_wrong(stage, good, data)


@pytest.mark.wide
@every_good_call
@many
@given(data=st.data())
def test_any_arguments_at_length(stage: Stage, good: tuple[str, Message], data: st.DataObject) -> None:
    take_any(stage, good, data)


@pytest.mark.wide
@every_good_call
@many
@given(data=st.data())
def test_one_wrong_argument_at_length(stage: Stage, good: tuple[str, Message], data: st.DataObject) -> None:
    refuse_wrong(stage, good, data)


@settings(few, max_examples=100)
@given(data=st.data())
def test_without_a_key_nothing_is_sent_whatever_the_arguments_are(keyless: Stage, data: st.DataObject) -> None:
    good = data.draw(st.sampled_from([each for each in GOOD if each[0] not in LOCAL | OPENING]))
    before = len(keyless.service.asked)
    code, _ = take_any(keyless, good, data)
    assert code in HERE
    assert len(keyless.service.asked) == before


# What no number, address or text can be, and what JSON writes but few expect

LORA = {**DRAW, "provider": "flux-klein-lora"}
HARD: list[tuple[str, Message, str]] = [
    ("webvoice_image", {**LORA, "lora_url": LINK, "lora_scale": math.inf}, "lora_scale"),
    ("webvoice_image", {**LORA, "lora_url": LINK, "lora_scale": math.nan}, "lora_scale"),
    ("webvoice_image", {**LORA, "loras": [{"path": LINK, "scale": math.inf}]}, "loras"),
    ("webvoice_list_voices", {"language": "x" * 70_000}, "language"),
    ("webvoice_list_voices", {"provider": "x" * 70_000}, "provider"),
    ("webvoice_tts", {"text": "Hi", "language": "x" * 70_000}, "language"),
]


@pytest.mark.parametrize(("tool", "arguments", "name"), HARD, ids=[f"{tool}-{name}" for tool, _, name in HARD])
def test_what_no_request_can_carry_is_refused_by_name(stage: Stage, tool: str, arguments: Message, name: str) -> None:
    code, text = stage.call(tool, arguments)
    assert code == "invalid_argument"
    assert text.startswith(f"invalid_argument: {name}")


def test_half_an_emoji_is_answered_by_every_tool(stage: Stage) -> None:
    # Clients that cut a text at a number of UTF-16 units send this; in JSON it is "\\ud83d".
    calls = [
        {"name": tool, "arguments": {**arguments, name: f"{value}\ud83d"}}
        for tool, arguments in PLAIN.items()
        for name, value in arguments.items()
        if isinstance(value, str)
    ]
    asked = [stage.wire.post("tools/call", call) for call in calls]
    for answer in stage.wire.answers_to(asked):
        assert not answer["result"]["isError"] or failure(answer["result"])[0] in CODES


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 250 + "]" * 250], ids=["long number", "deep list"])
def test_a_line_that_the_sdk_cannot_read_does_not_end_the_server(stage: Stage, value: str) -> None:
    call = '{"jsonrpc": "2.0", "id": "hard", "method": "tools/call", "params": '
    call += '{"name": "webvoice_usage", "arguments": {"days": ' + value + "}}}\n"
    stage.wire.raw(call.encode())
    assert stage.wire.result("ping") == {}
