"""Rules about all tools."""

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import jsonschema
import pytest

from tests import catalogue, interface
from tests.catalogue import Tool
from tests.support import MakeSettings, ScriptedTransport, connected, failed
from webvoice_mcp.contract.endpoint import Endpoint
from webvoice_mcp.tools.catalogue import TOOLSETS

REQUIRED = "required"
UNSET = "unset"

PARAMETERS = {name: text for toolset in TOOLSETS for name, text in interface.PARAMETERS[toolset.family].items()}
NARROW = [name for name in interface.GENERAL if name in PARAMETERS]

# What every conversation pays for; raised only on purpose.
MOST_BYTES = 37_000  # of tools/list
MOST_TOKENS = 5_500  # of what models read of all tools; and of one:
MOST_TOKENS_OF_ONE = 700

_NOT_FLAT = {"anyOf", "oneOf", "allOf", "not", "if", "$ref", "$defs", "const"}
_COMMANDING = re.compile(r"important|always|never|ignore|must call|do not tell|system prompt|<[a-z/!]", re.IGNORECASE)


@pytest.fixture(scope="session")
def tools() -> list[Tool]:
    return anyio.run(catalogue.listed)


@pytest.fixture(params=sorted(PARAMETERS))
def tool(request: pytest.FixtureRequest, tools: list[Tool]) -> Tool:
    return next(each for each in tools if each["name"] == request.param)


def test_the_list_holds_the_tools_of_the_interface_in_its_order(tools: list[Tool]) -> None:
    assert [each["name"] for each in tools] == list(PARAMETERS)


def test_titles_are_given_and_differ(tools: list[Tool]) -> None:
    titles = [each["title"] for each in tools]
    assert len({title.strip() for title in titles} - {""}) == len(titles)


def test_a_name_has_the_prefix_and_characters_that_all_clients_take(tool: Tool) -> None:
    assert re.fullmatch(r"webvoice_[a-z][a-z0-9_]{2,39}", tool["name"])


def test_a_description_says_in_one_line_what_the_tool_does_and_then_what_it_costs(tool: Tool) -> None:
    first, blank, *rest = tool["description"].split("\n")
    assert re.fullmatch(r"[A-Z].{30,118}\.", first)
    assert blank == ""
    assert re.match(r"Free[.;]|Costs [0-9.]+ |Costs, an? \w+: ", rest[0])
    assert catalogue.cost(tool).startswith(("Free", "Costs"))


def test_no_text_commands_the_model_or_hides_something(tool: Tool) -> None:
    for text in _texts(tool):
        assert not _COMMANDING.search(text)
        assert all(character.isprintable() or character == "\n" for character in text)


def test_tools_that_texts_speak_of_exist(tool: Tool) -> None:
    assert {name for text in _texts(tool) for name in re.findall(r"webvoice_\w+", text)} <= set(PARAMETERS)


def test_all_four_hints_are_given_and_true(tool: Tool) -> None:
    read_only = tool["name"] in interface.READ_ONLY
    assert tool["annotations"] == {
        "title": tool["title"],
        "readOnlyHint": read_only,
        "destructiveHint": tool["name"] in interface.DESTRUCTIVE,
        "idempotentHint": read_only,
        "openWorldHint": tool["name"] not in interface.CLOSED_WORLD,
    }


def test_parameters_and_defaults_are_those_of_the_interface(tool: Tool) -> None:
    schema = tool["inputSchema"]
    required = schema.get("required", [])
    found = {name: REQUIRED if name in required else _default(about) for name, about in schema["properties"].items()}
    assert found == dict(map(_parameter, PARAMETERS[tool["name"]].split()))


@pytest.mark.parametrize(("name", "parameter"), interface.LIMITS)
def test_ranges_and_choices_are_those_of_the_interface(tools: list[Tool], name: str, parameter: str) -> None:
    (schema,) = (each["inputSchema"]["properties"][parameter] for each in tools if each["name"] == name)
    words = ("minimum", "maximum", "enum")
    assert {word: schema[word] for word in words if word in schema} == interface.LIMITS[name, parameter]


def test_every_parameter_is_described(tool: Tool) -> None:
    assert [name for name, about in tool["inputSchema"]["properties"].items() if about["description"][-1] != "."] == []


def test_parameters_are_flat_and_others_are_refused(tool: Tool) -> None:
    schema = tool["inputSchema"]
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert all(isinstance(about.get("type"), str) for about in schema["properties"].values())
    assert [word for node in _nodes(schema) for word in node if word in _NOT_FLAT] == []
    assert [node for node in _nodes(schema) if node.get("type") == "null" or isinstance(node.get("type"), list)] == []


def test_schemas_are_valid_and_defaults_fit_them(tool: Tool) -> None:
    for schema in (tool["inputSchema"], tool["outputSchema"]):
        jsonschema.Draft202012Validator.check_schema(schema)
    for about in tool["inputSchema"]["properties"].values():
        if "default" in about:
            jsonschema.Draft202012Validator(about).validate(about["default"])


def test_a_result_is_an_object_that_requires_only_what_every_answer_has(tool: Tool) -> None:
    schema = tool["outputSchema"]
    fields = interface.FIELDS[tool["name"]].split()
    assert schema["type"] == "object"
    assert schema.get("additionalProperties", True) is True
    assert {field.rstrip("!") for field in fields} <= set(schema["properties"])
    assert set(schema.get("required", [])) == {field.rstrip("!") for field in fields if field.endswith("!")}


@pytest.mark.parametrize("narrow", NARROW)
def test_a_convenience_tool_drops_or_fixes_arguments_and_adds_none(tools: list[Tool], narrow: str) -> None:
    schemas = {each["name"]: each["inputSchema"]["properties"] for each in tools}
    own, general = schemas[narrow], schemas[interface.GENERAL[narrow]]
    assert list(own) == [name for name in general if name in own]
    narrowed = {"description", "default", "enum"}
    for name, about in own.items():
        kept = {word: value for word, value in about.items() if word not in narrowed}
        assert kept == {word: value for word, value in general[name].items() if word not in narrowed}


@pytest.mark.parametrize("family", sorted({toolset.family for toolset in TOOLSETS}))
def test_every_endpoint_of_a_family_is_used_by_a_tool_of_it(family: str) -> None:
    messages = importlib.import_module(f"webvoice_mcp.contract.{family}")
    known = {each.path for each in vars(messages).values() if isinstance(each, Endpoint)}
    entries = [entry for toolset in TOOLSETS if toolset.family == family for entry in toolset.entries]
    assert {each.path for entry in entries for each in entry.endpoints} == known


async def test_an_unknown_argument_is_refused_by_name(tool: Tool, make_settings: MakeSettings) -> None:
    async with connected(make_settings(), ScriptedTransport()) as client:
        said = failed(await client.call_tool(tool["name"], {"volume": 11}))
    assert said.startswith(f"invalid_argument: {tool['name']} does not know the argument 'volume'. It takes: ")


async def test_required_arguments_that_are_missing_null_or_blank_are_refused_by_name(
    tool: Tool, make_settings: MakeSettings
) -> None:
    properties = tool["inputSchema"]["properties"]
    examples = {"string": "x", "boolean": True, "array": ["x"], "object": {"x": 1}}
    required = {name: examples[properties[name]["type"]] for name in tool["inputSchema"].get("required", [])}
    async with connected(make_settings(), ScriptedTransport()) as client:
        for name in required:
            others = {each: value for each, value in required.items() if each != name}
            for arguments in (others, {**others, name: None}):
                said = failed(await client.call_tool(tool["name"], arguments))
                assert said.startswith(f"invalid_argument: {name} is missing: ")
            said = failed(await client.call_tool(tool["name"], {**others, name: " "}))
            assert said.startswith(f"invalid_argument: {name} is blank: ")


def test_the_list_stays_within_its_budget(tools: list[Tool]) -> None:
    read = [catalogue.tokens(catalogue.read_by_models(tool)) for tool in tools]
    assert max(read) <= MOST_TOKENS_OF_ONE
    assert sum(read) <= MOST_TOKENS
    assert sum(catalogue.tokens(tool["outputSchema"]) for tool in tools) < sum(read) / 2
    assert catalogue.size({"tools": tools}) <= MOST_BYTES


def test_generated_files_are_up_to_date(tools: list[Tool]) -> None:
    stale = catalogue.stale(catalogue.generated(tools, *catalogue.kept()))
    assert stale == [], f"run: {catalogue.COMMAND}"


def test_renewing_writes_what_is_missing_or_stale_and_removes_what_is_left_over(
    tools: list[Tool], tmp_path: Path
) -> None:
    readme = "Before\n<!-- tools: written by scripts/snapshots.py -->\nold\n<!-- /tools -->\nafter\n"
    (tmp_path / "README.md").write_text(readme)
    server = (catalogue.ROOT / "server.json").read_text(encoding="utf-8")
    wanted = catalogue.generated(tools[:1], readme, '{"version": "1", "tools": []}', server)
    first = "tests/snapshots/webvoice_register_send_code.json"
    assert catalogue.renew(wanted, tmp_path) == [
        "README.md",
        "docs/SETTINGS.md",
        "docs/TOOLS.md",
        "mcpb/manifest.json",
        "tests/snapshots/size.json",
        first,
    ]
    assert json.loads((tmp_path / "mcpb/manifest.json").read_text()) == {
        "version": "1",
        "tools": [{"name": tools[0]["name"], "description": catalogue.first_line(tools[0])}],
    }
    assert (tmp_path / "README.md").read_text().splitlines()[:6] == [
        "Before",
        "<!-- tools: written by scripts/snapshots.py -->",
        "| kind | tools |",
        "|---|---|",
        "| account | `webvoice_register_send_code` |",
        "<!-- /tools -->",
    ]
    left_over = tmp_path / "tests/snapshots/webvoice_gone.json"
    left_over.write_text("{}")
    (tmp_path / first).write_text("{}")
    assert catalogue.renew(wanted, tmp_path) == ["tests/snapshots/webvoice_gone.json", first]
    assert not left_over.exists()
    assert catalogue.stale(wanted, tmp_path) == []


def _parameter(text: str) -> tuple[str, Any]:
    name, _, default = text.rstrip("!").partition("=")
    return name, REQUIRED if text.endswith("!") else json.loads(default) if default else UNSET


def _default(about: dict[str, Any]) -> Any:
    default = about.get("default", "")
    return UNSET if default == "" else default


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """The schema and all schemas in it; names of properties and values in enums are not words of a schema."""
    if isinstance(schema, dict):
        yield schema
        for word, value in schema.items():
            inner = value.values() if word == "properties" else [value]
            for each in inner:
                yield from _nodes(each)


def _texts(tool: Tool) -> list[str]:
    described = [node.get("description", "") for part in ("inputSchema", "outputSchema") for node in _nodes(tool[part])]
    return [tool["title"], tool["description"], *described]
