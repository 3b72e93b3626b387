"""Rules that hold for all tools as clients get them. What each tool looks like is recorded in tests/snapshots/."""

import importlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import project_files
import tool_list
from tests.support import MakeSettings, ScriptedTransport, connected, failed
from tests.tools.calls import TOOLS
from tool_list import Tool
from webvoice_mcp.contract.endpoint import Endpoint
from webvoice_mcp.tools.catalogue import TOOLSETS

# Every conversation pays for the list, so these are raised only on purpose.
MAX_BYTES = 44_000  # of tools/list
MAX_TOKENS = 6_500  # that a model reads of all tools
MAX_TOKENS_OF_A_TOOL = 700

READ_ONLY = {
    "webvoice_onboarding",
    "webvoice_status",
    "webvoice_account_links",
    "webvoice_estimate_credits",
    "webvoice_usage",
    "webvoice_jobs",
    "webvoice_list_chat_models",
    "webvoice_list_voices",
}
CLOSED_WORLD = {
    "webvoice_account_links",
    "webvoice_estimate_credits",
    "webvoice_usage",
    "webvoice_jobs",
    "webvoice_join",
    "webvoice_play",
}
LOCAL = {"studio"}  # families that call no endpoint
DESTRUCTIVE = {"webvoice_send_email"}

# A convenience tool, and the tool that it narrows.
GENERAL = {
    "webvoice_deepinfra_chat": "webvoice_chat",
    "webvoice_whisper_fast_stt": "webvoice_stt",
    "webvoice_qwen_image_max": "webvoice_image",
    "webvoice_veo_fast_text_to_video": "webvoice_text_to_video",
}

_NOT_FLAT = {"anyOf", "oneOf", "allOf", "not", "if", "$ref", "$defs", "const"}
_COMMANDING = re.compile(r"important|always|never|ignore|must call|do not tell|system prompt|<[a-z/!]", re.IGNORECASE)


@pytest.fixture(scope="session")
def by_name(tools: list[Tool]) -> dict[str, Tool]:
    return {tool["name"]: tool for tool in tools}


def test_names_and_titles_suit_all_clients_and_differ(tools: list[Tool]) -> None:
    for tool in tools:
        assert re.fullmatch(r"webvoice_[a-z][a-z0-9_]{2,39}", tool["name"])
    for word in ("name", "title"):
        assert len({tool[word].strip() for tool in tools} - {""}) == len(tools)


def test_a_description_has_one_line_of_purpose_and_then_the_price(tools: list[Tool]) -> None:
    for tool in tools:
        first, blank, *rest = tool["description"].split("\n")
        assert re.fullmatch(r"[A-Z].{30,118}\.", first), tool["name"]
        assert blank == ""
        assert re.match(r"Free[.;]|Costs [0-9.]+ |Costs, an? \w+: ", rest[0]), tool["name"]
        assert tool_list.price_sentence(tool).startswith(("Free", "Costs"))


def test_no_text_commands_the_model_or_hides_something(tools: list[Tool]) -> None:
    for text in (text for tool in tools for text in _texts(tool)):
        assert not _COMMANDING.search(text), text
        assert all(character.isprintable() or character == "\n" for character in text), text


def test_every_tool_that_a_text_mentions_exists(tools: list[Tool], by_name: dict[str, Tool]) -> None:
    mentioned = {name for tool in tools for text in _texts(tool) for name in re.findall(r"webvoice_\w+", text)}
    assert mentioned <= set(by_name)


def test_all_four_hints_are_given_and_true(tools: list[Tool], by_name: dict[str, Tool]) -> None:
    assert set(by_name) >= READ_ONLY | CLOSED_WORLD | DESTRUCTIVE
    for name, tool in by_name.items():
        assert tool["annotations"] == {
            "title": tool["title"],
            "readOnlyHint": name in READ_ONLY,
            "destructiveHint": name in DESTRUCTIVE,
            "idempotentHint": name in READ_ONLY,
            "openWorldHint": name not in CLOSED_WORLD,
        }
        assert name not in READ_ONLY or tool_list.price_sentence(tool).startswith("Free")


def test_parameters_are_flat_and_described_and_no_others_are_accepted(tools: list[Tool]) -> None:
    for tool in tools:
        schema = tool["inputSchema"]
        assert schema["type"] == "object"
        assert schema["additionalProperties"] is False
        for name, parameter in schema["properties"].items():
            assert isinstance(parameter.get("type"), str), (tool["name"], name)
            assert parameter["description"].endswith("."), (tool["name"], name)
        for node in _nodes(schema):
            assert not _NOT_FLAT & set(node), (tool["name"], node)
            assert isinstance(node.get("type", ""), str), (tool["name"], node)
            assert node.get("type") != "null", (tool["name"], node)


def test_every_field_of_a_result_has_one_plain_type(tools: list[Tool]) -> None:
    for tool in tools:
        for node in _nodes(tool["outputSchema"]):
            assert isinstance(node.get("type", ""), str), (tool["name"], node)
            assert node.get("type") != "null", (tool["name"], node)


def test_no_schema_limits_a_text_to_2000_characters_or_more(tools: list[Tool]) -> None:
    # llama.cpp refuses a grammar with such a limit; the tools check these limits themselves.
    long = [(tool["name"], node) for tool in tools for node in _nodes(tool["inputSchema"]) if _max_length(node) >= 2000]
    assert long == []


async def test_a_limit_that_no_schema_shows_is_described_and_checked(
    tools: list[Tool], make_settings: MakeSettings
) -> None:
    examples = {"string": "x", "boolean": True, "array": ["x"], "object": {"x": 1}}
    found = 0
    async with connected(make_settings(), ScriptedTransport()) as client:
        for tool in tools:
            schema = TOOLS[tool["name"]].sdk_tool().fn_metadata.arg_model.model_json_schema()
            for name, parameter in schema["properties"].items():
                if (limit := _max_length(parameter)) < 2000:
                    continue
                found += 1
                shown = tool["inputSchema"]["properties"]
                assert f"t most {limit:,} characters." in shown[name]["description"], (tool["name"], name)
                required = {other: examples[shown[other]["type"]] for other in tool["inputSchema"]["required"]}
                refused = failed(await client.call_tool(tool["name"], required | {name: "x" * (limit + 1)}))
                assert refused.startswith(f"invalid_argument: {name} should have at most {limit} characters."), refused
    assert found


def test_schemas_are_valid_and_defaults_fit_them(tools: list[Tool]) -> None:
    for tool in tools:
        for schema in (tool["inputSchema"], tool["outputSchema"]):
            jsonschema.Draft202012Validator.check_schema(schema)
        for parameter in tool["inputSchema"]["properties"].values():
            if "default" in parameter:
                jsonschema.Draft202012Validator(parameter).validate(parameter["default"])


def test_consent_is_required_and_has_no_default(by_name: dict[str, Tool]) -> None:
    schema = by_name["webvoice_register_send_code"]["inputSchema"]
    for name in ("accept_privacy", "accept_terms"):
        assert name in schema["required"]
        assert schema["properties"][name]["type"] == "boolean"
        assert "default" not in schema["properties"][name]


def test_a_result_is_an_open_object_whose_required_fields_exist(tools: list[Tool]) -> None:
    for tool in tools:
        schema = tool["outputSchema"]
        assert schema["type"] == "object"
        assert schema.get("additionalProperties", True) is True
        assert set(schema.get("required", [])) <= set(schema["properties"])


def test_the_answer_of_a_started_job_fits_every_paid_result(tools: list[Tool]) -> None:
    paid = [tool for tool in tools if tool_list.price_sentence(tool).startswith("Costs")]
    assert {tool["name"] for tool in paid} == {tool["name"] for tool in tools if _has_job(tool)}
    for tool in paid:
        schema, parameters = tool["outputSchema"], tool["inputSchema"]["properties"]
        assert set(schema.get("required", [])) <= {"files"}, tool["name"]
        assert {"credits_used", "credits_remaining", "state"} <= set(schema["properties"])
        job = {"job_id": "job_12ab34cd", "state": "running", "files": []}
        jsonschema.Draft202012Validator(schema).validate(job)
        assert parameters.get("background", {}).get("default", False) is False, tool["name"]
        if "files" in schema.get("required", []):
            assert {"background", "output_path"} <= set(parameters), tool["name"]


def test_a_convenience_tool_narrows_arguments_and_adds_none(by_name: dict[str, Tool]) -> None:
    narrowed = {"description", "default", "enum"}
    for name, general_name in GENERAL.items():
        own = by_name[name]["inputSchema"]["properties"]
        general = by_name[general_name]["inputSchema"]["properties"]
        assert list(own) == [parameter for parameter in general if parameter in own]
        for parameter, schema in own.items():
            kept = {word: value for word, value in schema.items() if word not in narrowed}
            assert kept == {word: value for word, value in general[parameter].items() if word not in narrowed}


def test_every_endpoint_of_a_family_is_used_by_its_tools() -> None:
    for family in {toolset.family for toolset in TOOLSETS} - LOCAL:
        contract = importlib.import_module(f"webvoice_mcp.contract.{family}")
        documented = {value.path for value in vars(contract).values() if isinstance(value, Endpoint)}
        registered = [tool for toolset in TOOLSETS if toolset.family == family for tool in toolset.tools]
        assert {endpoint.path for tool in registered for endpoint in tool.endpoints} == documented, family


async def test_an_unknown_argument_is_refused_by_name(tools: list[Tool], make_settings: MakeSettings) -> None:
    async with connected(make_settings(), ScriptedTransport()) as client:
        for tool in tools:
            message = failed(await client.call_tool(tool["name"], {"volume": 11}))
            expected = f"invalid_argument: {tool['name']} does not know the argument 'volume'. It takes: "
            assert message.startswith(expected)


async def test_missing_null_and_blank_required_arguments_are_refused_by_name(
    tools: list[Tool], make_settings: MakeSettings
) -> None:
    examples = {"string": "x", "boolean": True, "array": ["x"], "object": {"x": 1}}
    async with connected(make_settings(), ScriptedTransport()) as client:
        for tool in tools:
            properties = tool["inputSchema"]["properties"]
            required = {name: examples[properties[name]["type"]] for name in tool["inputSchema"].get("required", [])}
            for name in required:
                others = {other: value for other, value in required.items() if other != name}
                for arguments, problem in (
                    (others, "missing"),
                    ({**others, name: None}, "missing"),
                    ({**others, name: " "}, "blank"),
                ):
                    message = failed(await client.call_tool(tool["name"], arguments))
                    assert message.startswith(f"invalid_argument: {name} is {problem}: "), tool["name"]


@pytest.mark.slow
@pytest.mark.untraced
def test_the_list_stays_within_its_budget(tools: list[Tool]) -> None:
    tokens = [tool_list.count_tokens(tool_list.shown_to_models(tool)) for tool in tools]
    assert max(tokens) <= MAX_TOKENS_OF_A_TOOL
    assert sum(tokens) <= MAX_TOKENS
    assert sum(tool_list.count_tokens(tool["outputSchema"]) for tool in tools) < sum(tokens) / 2
    assert tool_list.count_bytes({"tools": tools}) <= MAX_BYTES


@pytest.mark.untraced
def test_generated_files_are_up_to_date(families: dict[str, list[Tool]]) -> None:
    stale = project_files.find_stale(project_files.generate(families))
    assert stale == [], f"run: {project_files.COMMAND}"


@pytest.mark.slow
@pytest.mark.untraced
def test_renewing_writes_what_is_stale_and_removes_what_is_left_over(tools: list[Tool], tmp_path: Path) -> None:
    shutil.copytree(project_files.ROOT / "mcpb", tmp_path / "mcpb")
    shutil.copy(project_files.ROOT / "server.json", tmp_path)
    readme = "Before\n<!-- tools: written by scripts/snapshots.py -->\nold\n<!-- /tools -->\nafter\n"
    (tmp_path / "README.md").write_text(readme)
    first = f"tests/snapshots/{tools[0]['name']}.json"

    wanted = project_files.generate({"account": tools[:1]}, tmp_path)
    pages = ["README.md", "docs/ARCHITECTURE.md", "docs/SETTINGS.md", "docs/TOOLS.md", "mcpb/manifest.json"]
    renewed = project_files.renew(wanted, tmp_path)
    assert renewed == sorted(set(wanted) - {"server.json"})  # which is copied as it is
    assert {*pages, "tests/snapshots/size.json", first} <= set(renewed)
    assert json.loads((tmp_path / "mcpb/manifest.json").read_text(encoding="utf-8"))["tools"] == [
        {"name": tools[0]["name"], "description": tool_list.first_line(tools[0])}
    ]
    assert (tmp_path / "README.md").read_text().splitlines() == [
        "Before",
        "<!-- tools: written by scripts/snapshots.py -->",
        "| kind | tools |",
        "|---|---|",
        f"| account | `{tools[0]['name']}` |",
        "<!-- /tools -->",
        "after",
    ]

    left_over = tmp_path / "tests/snapshots/webvoice_gone.json"
    left_over.write_text("{}")
    (tmp_path / first).write_text("{}")
    assert project_files.renew(wanted, tmp_path) == [left_over.relative_to(tmp_path).as_posix(), first]
    assert not left_over.exists()
    assert project_files.find_stale(wanted, tmp_path) == []


def _has_job(tool: Tool) -> bool:
    # webvoice_jobs itself has jobs in a list.
    return "job_id" in tool["outputSchema"]["properties"]


def _max_length(node: dict[str, Any]) -> int:
    return int(node.get("maxLength", 0))


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield the schema and all schemas in it; names of properties and values of enums are not words of a schema."""
    if isinstance(schema, dict):
        yield schema
        for word, value in schema.items():
            for inner in value.values() if word == "properties" else [value]:
                yield from _nodes(inner)


def _texts(tool: Tool) -> list[str]:
    described = [node.get("description", "") for part in ("inputSchema", "outputSchema") for node in _nodes(tool[part])]
    return [tool["title"], tool["description"], *described]
