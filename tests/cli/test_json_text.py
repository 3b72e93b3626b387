"""Adding and removing one entry of a JSON text."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvoice_mcp.cli.clients.json_text import MISSING, NotEdited, find_entry, remove_entry, set_entry

ENTRY = {"command": "uvx", "args": ["webvoice-mcp"]}
SHORT_ENTRY = {"command": "x", "args": []}


def add(text: str, value: Any = SHORT_ENTRY) -> str:
    return set_entry(text, "mcpServers", "webvoice", value)


def remove(text: str) -> str:
    return remove_entry(text, "mcpServers", "webvoice")


def test_an_empty_text_becomes_a_document() -> None:
    assert add(" \t\n", ENTRY) == (
        '{\n  "mcpServers": {\n    "webvoice": {\n      "command": "uvx",\n      "args": [\n'
        '        "webvoice-mcp"\n      ]\n    }\n  }\n}\n'
    )


# In the expected texts, … stands for the entry's second field.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\r\n", '{\r\n  "mcpServers": {\r\n    "webvoice": {\r\n      "command": "x"…\r\n    }\r\n  }\r\n}\r\n'),
        ("{}", '{\n  "mcpServers": {\n    "webvoice": {\n      "command": "x"…\n    }\n  }\n}'),
        (
            '{\n   "a": 1\n}',
            '{\n   "a": 1,\n   "mcpServers": {\n      "webvoice": {\n         "command": "x"…\n      }\n   }\n}',
        ),
        (
            '{\n\t"mcpServers": {\n\t\t"a": 1\n\t}\n}\n',
            '{\n\t"mcpServers": {\n\t\t"a": 1,\n\t\t"webvoice": {\n\t\t\t"command": "x"…\n\t\t}\n\t}\n}\n',
        ),
        (
            '{\n  "mcpServers": {\n  },\n  "z": []\n}',
            '{\n  "mcpServers": {\n    "webvoice": {\n      "command": "x"…\n    }\n  },\n  "z": []\n}',
        ),
        ('{"mcpServers":{"a":1}}', '{"mcpServers":{"a":1,"webvoice": {"command": "x"…}}}'),
        ('{"mcpServers": {"a": 1}}', '{"mcpServers": {"a": 1, "webvoice": {"command": "x"…}}}'),
        ('{"mcpServers":{}}', '{"mcpServers":{"webvoice": {"command": "x"…}}}'),
        (
            '{\n"mcpServers": {\n"a": 1\n}\n}',
            '{\n"mcpServers": {\n"a": 1,\n"webvoice": {\n  "command": "x"…\n}\n}\n}',
        ),
    ],
)
def test_an_added_entry_follows_the_layout_of_the_text(text: str, expected: str) -> None:
    result = add(text)
    assert re.sub(r',\s*"args": \[\]', "…", result) == expected
    assert json.loads(result)["mcpServers"]["webvoice"] == SHORT_ENTRY


def test_an_entry_is_replaced_in_its_place() -> None:
    text = '{ "mcpServers": {\n "webvoice": {\n "command": "old" },\n "b": 1.50 } }'
    assert add(text, 7) == '{ "mcpServers": {\n "webvoice": 7,\n "b": 1.50 } }'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"mcpServers": { "webvoice": {"a": "}"} }}', '{"mcpServers": {}}'),
        ('{"mcpServers": {\n  "a": 1,\n  "webvoice": 2,\n  "b": 3\n}}', '{"mcpServers": {\n  "a": 1,\n  "b": 3\n}}'),
        ('{"mcpServers": {\n  "a": 1,\n  "webvoice": 2\n}}', '{"mcpServers": {\n  "a": 1\n}}'),
        (
            '{"mcpServers": {"a": {"webvoice": 1}}, "webvoice": 2}',
            '{"mcpServers": {"a": {"webvoice": 1}}, "webvoice": 2}',
        ),
    ],
)
def test_an_entry_is_removed_with_its_comma_and_whitespace(text: str, expected: str) -> None:
    assert remove(text) == expected


def test_an_entry_is_found() -> None:
    for text, expected in {
        "": MISSING,
        '{"mcpServers": {}}': MISSING,
        '{"mcpServers": {"webvoice": null}}': None,
        '{"mcpServers": {"\\u0077ebvoice": {"command": "x"}}}': {"command": "x"},
    }.items():
        assert find_entry(text, "mcpServers", "webvoice") == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            '{\n  // mine\n  "mcpServers": {}}',
            "it has comments or is not valid JSON (line 2, column 3: Expecting property name ",
        ),
        ("{} {}", "it has comments or is not valid JSON (line 1, column 4: Extra data)"),
        ('{"a": NaN}', "it is not valid JSON (NaN)"),
        ('{"mcpServers": {"webvoice": 1, "\\u0077ebvoice": 2}}', 'it has "webvoice" twice in one object'),
        ("[]", "it does not hold a JSON object"),
        ('{"mcpServers": null}', 'its "mcpServers" is not a JSON object'),
        (
            '{"a": ' + "[" * 200_000 + "]" * 200_000 + "}",
            "its JSON is nested too deeply or has a number that is too long",
        ),
        ('{"a": ' + "1" * 5000 + "}", "its JSON is nested too deeply or has a number that is too long"),
    ],
)
def test_a_text_that_is_not_strict_json_is_refused(text: str, reason: str) -> None:
    for change in (add, remove):
        with pytest.raises(NotEdited) as caught:
            change(text)
        assert str(caught.value).startswith(reason)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_servers = st.dictionaries(st.text(max_size=5) | st.just("webvoice"), _values, max_size=4)
_documents = st.dictionaries(st.text(max_size=5), _values, max_size=3).flatmap(
    lambda rest: st.just(rest) | _servers.map(lambda servers: {**rest, "mcpServers": servers})
)
_layouts = st.fixed_dictionaries(
    {
        "indent": st.sampled_from([None, 0, 1, 2, 4, "\t"]),
        "separators": st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t")]),
        "ensure_ascii": st.booleans(),
        "sort_keys": st.booleans(),
    }
)


@st.composite
def _texts(draw: st.DrawFn) -> str:
    layout: dict[str, Any] = draw(_layouts)
    text = json.dumps(draw(_documents), **layout)
    around = st.text(" \t\r\n", max_size=2)
    return draw(around) + text.replace("\n", draw(st.sampled_from(["\n", "\r\n"]))) + draw(around)


def common_prefix_length(first: str, second: str) -> int:
    pairs = zip(first, second, strict=False)
    length = min(len(first), len(second))
    return next((offset for offset, (left, right) in enumerate(pairs) if left != right), length)


@pytest.mark.slow
@given(_texts())
def test_adding_changes_this_entry_and_no_other_byte(text: str) -> None:
    before = json.loads(text)
    result = add(text, ENTRY)
    assert json.loads(result) == {**before, "mcpServers": {**before.get("mcpServers", {}), "webvoice": ENTRY}}
    assert list(json.loads(result)) == list({**before, "mcpServers": None})
    if "webvoice" not in before.get("mcpServers", {}):
        # Whitespace inside empty braces is replaced.
        assert result.endswith(text[common_prefix_length(result, text) :].lstrip(" \t\r\n"))
        assert remove(result) == text or not before.get("mcpServers")
    assert add(result, ENTRY) == result or "webvoice" in before.get("mcpServers", {})


@pytest.mark.slow
@given(_texts())
def test_removing_changes_this_entry_and_no_other_byte(text: str) -> None:
    before = json.loads(text)
    result = remove(text)
    if "webvoice" not in before.get("mcpServers", {}):
        assert result == text
    else:
        rest = {name: value for name, value in before["mcpServers"].items() if name != "webvoice"}
        assert json.loads(result) == {**before, "mcpServers": rest}
        assert text.endswith(result[common_prefix_length(result, text) :])


@given(st.text() | st.binary().map(lambda data: data.decode(errors="replace")))
def test_any_text_is_edited_or_refused(text: str) -> None:
    try:
        result = add(text)
    except NotEdited:
        return
    assert json.loads(result)["mcpServers"]["webvoice"] == SHORT_ENTRY
