"""Tool calls in pieces, as services number and name them."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.client.helpers import patient
from webvoice_mcp.client.tool_calls import ToolCalls
from webvoice_mcp.contract.chat import ChatReply

ROME, PARIS = '{"city":"Rome"}', '{"city":"Paris"}'


def joined(*deltas: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Return id, name and arguments of the calls that these deltas are joined into."""
    calls = ToolCalls()
    for delta in deltas:
        calls.add(delta)
    return [(call["id"], call["function"]["name"], call["function"]["arguments"]) for call in calls.document()]


def piece(index: Any = None, call_id: Any = None, name: Any = None, arguments: Any = None) -> dict[str, Any]:
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    fields = {"index": index, "id": call_id}
    return {**{key: value for key, value in fields.items() if value is not None}, "function": function}


@pytest.mark.parametrize(
    ("deltas", "calls"),
    [
        ([[piece(0, "a", "f", ROME)], [piece(0, "b", "f", PARIS)]], [("a", "f", ROME), ("b", "f", PARIS)]),
        ([[piece(0, "a", "f", ROME), piece(0, "b", "g", PARIS)]], [("a", "f", ROME), ("b", "g", PARIS)]),
        ([[piece(0, "a", "f", ""), piece(0, "b", "f", "")], [piece(0, "b", None, PARIS)], [piece(0, "a", None, ROME)]],
         [("a", "f", ROME), ("b", "f", PARIS)]),
        ([[piece(0, "a", "f", ROME)], [piece(0, None, "g", PARIS)]], [("a", "f", ROME), ("", "g", PARIS)]),
        ([[piece(0, "a", "f")], [piece(1, "a", None, ROME)], [piece(1, None, None, " ")]], [("a", "f", ROME + " ")]),
        ([[piece(0, "a", "f")], [piece(0, "b", None, ROME[:5])], [piece(0, "c", None, ROME[5:])]], [("a", "f", ROME)]),
        ([[piece(0, "a", "f")], [piece(0, "b", "f", ROME[:5])], [piece(0, "c", "f", ROME[5:])]], [("a", "f", ROME)]),
        ([[piece(0, "a", "f", '{"a":"}')], [piece(0, "b", "f", '"}')]], [("a", "f", '{"a":"}"}')]),
        ([[piece(0, "a", "f", '{"a":"\\')], [piece(0, "b", "f", '"}"}')]], [("a", "f", '{"a":"\\"}"}')]),
        ([[piece(0, "a", "get_")], [piece(0, None, "weather", ROME)]], [("a", "get_weather", ROME)]),
        ([[piece(0, "a", "get")], [piece(0, None, "get_it", ROME)]], [("a", "get_it", ROME)]),
        ([[piece(None, "a", "f", ROME[:4])], [piece(None, None, None, ROME[4:])]], [("a", "f", ROME)]),
        ([[piece(None, None, "f", ROME)], [piece(None, None, "g", PARIS)]], [("", "f", ROME), ("", "g", PARIS)]),
        ([[piece(1, "b", "g", PARIS)], [piece(0, "a", "f", ROME)]], [("a", "f", ROME), ("b", "g", PARIS)]),
        ([[piece(True, "a", "f", ROME)], [piece("1", "b", "g", PARIS)]], [("a", "f", ROME), ("b", "g", PARIS)]),
        ([[piece(0, "a", "f", {"city": "Rome"})], [piece(0, "b", "f", [])]], [("a", "f", ROME), ("b", "f", "[]")]),
        ([[{"index": 0, "id": "a", "function": {"name": "f", "arguments": None}}]], [("a", "f", "")]),
        ([[piece(0, "a", "f", ROME)], [piece(0, None, None, "\n")]], [("a", "f", ROME + "\n")]),
    ],
)  # fmt: skip
def test_calls_are_told_apart_and_joined(deltas: list[list[dict[str, Any]]], calls: list[tuple[str, str, str]]) -> None:
    assert joined(*deltas) == calls


CALLS = st.lists(
    st.tuples(st.text("abc_", min_size=1, max_size=8), st.dictionaries(st.text(max_size=6), st.text(max_size=12))),
    min_size=1,
    max_size=4,
)


@settings(patient)
@given(calls=CALLS, seed=st.integers(0, 2**32), numbering=st.sampled_from(["index", "id", "same index", "no index"]))
def test_calls_cut_and_mixed_as_services_do_are_whole(calls: Any, seed: int, numbering: str) -> None:
    rng = random.Random(seed)
    expected = [(f"call_{number}", name, json.dumps(arguments)) for number, (name, arguments) in enumerate(calls)]
    streams: list[list[dict[str, Any]]] = []
    for number, (call_id, name, arguments) in enumerate(expected):
        cuts = sorted(rng.choices(range(len(arguments) + 1), k=rng.randint(0, 4)))
        parts = [arguments[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(arguments)], strict=True)]
        index = {"index": number, "id": rng.randint(0, 9), "same index": 0, "no index": None}[numbering]
        repeats_id = numbering == "id" or rng.random() < 0.3
        repeats_name = rng.random() < 0.3
        first = piece(index, call_id, name, parts[0])
        rest = [
            piece(index, call_id if repeats_id else None, name if repeats_name else None, part) for part in parts[1:]
        ]
        streams.append([first, *rest])
    if numbering in {"index", "id"}:  # only these allow pieces of several calls to be mixed
        order = [number for number, stream in enumerate(streams) for _ in stream]
        rng.shuffle(order)
        pieces = [streams[number].pop(0) for number in order]
    else:
        pieces = [part for stream in streams for part in stream]
    assert sorted(joined(*[[part] for part in pieces])) == sorted(expected)


def test_arguments_of_a_whole_answer_become_text() -> None:
    calls = [
        {"id": "a", "function": {"name": "f", "arguments": {"city": "Rome"}}},
        {"id": "b", "function": {}},
        {"c": 1},
    ]
    reply = ChatReply.model_validate({"choices": [{"message": {"tool_calls": calls}}]})
    assert reply.choices[0].message.tool_calls == [
        {"id": "a", "function": {"name": "f", "arguments": ROME}},
        {"id": "b", "function": {}},
        {"c": 1},
    ]
