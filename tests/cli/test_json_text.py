"""One entry of a JSON text, put in and taken out."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvoice_mcp.cli._jsontext import MISSING, LeftAlone, entry, with_entry, without_entry

ENTRY = {"command": "uvx", "args": ["webvoice-mcp"]}
BARE = {"command": "x", "args": []}


def added(text: str, value: Any = BARE) -> str:
    return with_entry(text, "mcpServers", "webvoice", value)


def removed(text: str) -> str:
    return without_entry(text, "mcpServers", "webvoice")


@pytest.mark.parametrize("text", ["", "\n", " \t\n"])
def test_an_empty_text_becomes_a_document(text: str) -> None:
    assert added(text, ENTRY) == (
        '{\n  "mcpServers": {\n    "webvoice": {\n      "command": "uvx",\n      "args": [\n'
        '        "webvoice-mcp"\n      ]\n    }\n  }\n}\n'
    )


@pytest.mark.parametrize(
    ("text", "becomes"),
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
        ('{"a":1}', '{"a":1,"mcpServers": {"webvoice": {"command": "x"…}}}'),
        (
            '{\n"mcpServers": {\n"a": 1\n}\n}',
            '{\n"mcpServers": {\n"a": 1,\n"webvoice": {\n  "command": "x"…\n}\n}\n}',
        ),
    ],
)
def test_what_is_added_is_laid_out_as_the_rest(text: str, becomes: str) -> None:
    done = added(text)
    assert re.sub(r',\s*"args": \[\]', "…", done) == becomes
    assert json.loads(done)["mcpServers"]["webvoice"] == BARE


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ('{"mcpServers": {"webvoice": null}, "b": [1,2]}', '{"mcpServers": {"webvoice": 7}, "b": [1,2]}'),
        (
            '{ "mcpServers": {\n "webvoice": {\n "command": "old" },\n "b": 1.50 } }',
            '{ "mcpServers": {\n "webvoice": 7,\n "b": 1.50 } }',
        ),
    ],
)
def test_an_entry_is_replaced_where_it_stands(text: str, becomes: str) -> None:
    assert added(text, 7) == becomes


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ('{"mcpServers": { "webvoice": {"a": "}"} }}', '{"mcpServers": {}}'),
        ('{"mcpServers": {"webvoice": 1, "b": 2}}', '{"mcpServers": {"b": 2}}'),
        ('{"mcpServers": {\n  "a": 1,\n  "webvoice": 2,\n  "b": 3\n}}', '{"mcpServers": {\n  "a": 1,\n  "b": 3\n}}'),
        ('{"mcpServers": {\n  "a": 1,\n  "webvoice": 2\n}}', '{"mcpServers": {\n  "a": 1\n}}'),
        ('{"mcpServers": {"a": {"webvoice": 1}}}', '{"mcpServers": {"a": {"webvoice": 1}}}'),
        ('{"webvoice": 1}', '{"webvoice": 1}'),
        ("", ""),
    ],
)
def test_an_entry_is_taken_out_with_its_comma_and_blanks(text: str, becomes: str) -> None:
    assert removed(text) == becomes


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", MISSING),
        ("{}", MISSING),
        ('{"mcpServers": {}}', MISSING),
        ('{"mcpServers": {"webvoice": null}}', None),
        ('{"mcpServers": {"webvoice": {"command": "x"}}}', {"command": "x"}),
        ('{"mcpServers": {"\\u0077ebvoice": 1}}', 1),
    ],
)
def test_an_entry_is_found(text: str, found: Any) -> None:
    assert entry(text, "mcpServers", "webvoice") is found or entry(text, "mcpServers", "webvoice") == found


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            '{\n  // mine\n  "mcpServers": {}}',
            "it has comments, or is not valid JSON (line 2, column 3: Expecting property name ",
        ),
        ('{"mcpServers": {} /* end */}', "it has comments, or is not valid JSON (line 1, column 19: "),
        ('{"mcpServers": {},}', "it has comments, or is not valid JSON (line 1, column "),
        ('{"mcpServers": {"a": "\t"}}', "it has comments, or is not valid JSON (line 1, column 23: "),
        ('{"mcpServers": {', "it has comments, or is not valid JSON (line 1, column 17: "),
        ("{} {}", "it has comments, or is not valid JSON (line 1, column 4: Extra data)"),
        ('{"a": NaN}', "it is not valid JSON (NaN)"),
        ('{"a": -Infinity}', "it is not valid JSON (-Infinity)"),
        ('{"a": 1, "b": 2, "a": 3}', 'it has "a" twice in one object'),
        ('{"mcpServers": {"webvoice": 1, "\\u0077ebvoice": 2}}', 'it has "webvoice" twice in one object'),
        ("[]", "it holds something other than a JSON object"),
        ("null", "it holds something other than a JSON object"),
        ('{"mcpServers": []}', '"mcpServers" in it is something other than a JSON object'),
        ('{"mcpServers": null}', '"mcpServers" in it is something other than a JSON object'),
        ('{"a": ' + "[" * 200_000 + "]" * 200_000 + "}", "it is not JSON that can be read safely"),
        ('{"a": ' + "1" * 5000 + "}", "it is not JSON that can be read safely"),
    ],
)
def test_what_cannot_be_read_without_guessing_is_left_alone(text: str, reason: str) -> None:
    for change in (added, removed):
        with pytest.raises(LeftAlone) as caught:
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


def alike(one: str, other: str) -> int:
    """How many characters both begin with."""
    pairs = zip(one, other, strict=False)
    return next((place for place, (left, right) in enumerate(pairs) if left != right), min(len(one), len(other)))


@given(_texts())
def test_adding_changes_this_entry_and_no_other_byte(text: str) -> None:
    before = json.loads(text)
    done = added(text, ENTRY)
    assert json.loads(done) == {**before, "mcpServers": {**before.get("mcpServers", {}), "webvoice": ENTRY}}
    assert list(json.loads(done)) == list({**before, "mcpServers": None})
    if "webvoice" not in before.get("mcpServers", {}):
        assert done.endswith(text[alike(done, text) :].lstrip(" \t\r\n"))  # blanks within empty braces are replaced
        assert removed(done) == text or not before.get("mcpServers")
    assert added(done, ENTRY) == done or "webvoice" in before.get("mcpServers", {})


@given(_texts())
def test_removing_changes_this_entry_and_no_other_byte(text: str) -> None:
    before = json.loads(text)
    done = removed(text)
    if "webvoice" not in before.get("mcpServers", {}):
        assert done == text
    else:
        left = {name: value for name, value in before["mcpServers"].items() if name != "webvoice"}
        assert json.loads(done) == {**before, "mcpServers": left}
        assert text.endswith(done[alike(done, text) :])


@given(st.text() | st.binary().map(lambda data: data.decode(errors="replace")))
def test_any_text_is_read_or_left_alone(text: str) -> None:
    try:
        done = added(text)
    except LeftAlone:
        return
    assert json.loads(done)["mcpServers"]["webvoice"] == BARE
