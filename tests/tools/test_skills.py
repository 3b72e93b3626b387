"""Skills: found by clients that know them, true about the tools, and unseen by all other clients."""

import ast
import hashlib
import re
from typing import Any

import jsonschema
import pytest
from mcp import MCPError
from mcp.types import INVALID_PARAMS

from tests.support import MakeSettings, ScriptedTransport, connected
from tests.tools.calls import BOTH_ERAS, TOOLS
from tests.tools.extensions import ExtendedClient, Message, extended
from webvoice_mcp.tools.skills.extension import SKILLS

NAMES = ["narrate-a-book", "podcast", "subtitles", "dub-a-film", "storyboard-to-film"]
CALL = re.compile(r"`(webvoice_\w+\(.*?\))`")
WORD = re.compile(r"`([a-z]+(?:_[a-z]+)*)`")
VALUES = {"true": True, "false": False}
EXTRAS = {"media", "done"}  # the name of an extra, and a value of `state`


def uri_of(name: str) -> str:
    return f"skill://{name}/SKILL.md"


async def listed(client: ExtendedClient) -> list[Message]:
    found: list[Message] = (await client.request("skills/list"))["skills"]
    return found


async def text(client: ExtendedClient, name: str) -> str:
    (content,) = (await client.request("resources/read", uri=uri_of(name)))["contents"]
    assert (content["uri"], content["mimeType"]) == (uri_of(name), "text/markdown")
    found: str = content["text"]
    return found


async def refusal(client: ExtendedClient, method: str, **params: Any) -> str:
    with pytest.raises(MCPError) as caught:
        await client.request(method, **params)
    assert caught.value.error.code == INVALID_PARAMS
    return caught.value.error.message


@BOTH_ERAS
async def test_skills_are_listed_with_all_that_a_client_checks(make_settings: MakeSettings, mode: str) -> None:
    async with extended(make_settings(), ScriptedTransport(), SKILLS, mode=mode) as client:
        assert client.sdk.server_capabilities.extensions is not None
        assert client.sdk.server_capabilities.extensions[SKILLS] == {}
        answer = await client.request("skills/list")
        assert answer["ttlMs"] > 0
        assert answer["cacheScope"] == "public"
        assert "nextCursor" not in answer
        assert [skill["frontmatter"]["name"] for skill in answer["skills"]] == NAMES
        for skill in answer["skills"]:
            name = skill["frontmatter"]["name"]
            content = await text(client, name)
            begin, front_matter, body = content.split("---\n", 2)
            assert (begin, front_matter) == (
                "",
                "".join(f"{key}: {value}\n" for key, value in skill["frontmatter"].items()),
            )
            assert body.startswith("\n# ")
            assert list(skill["frontmatter"]) == ["name", "description"]
            encoded = content.encode()
            digest = f"sha256:{hashlib.sha256(encoded).hexdigest()}"
            file = {"uri": uri_of(name), "digest": digest, "size": len(encoded)}
            assert (skill["uri"], skill["resources"]) == (uri_of(name), [file])
            got = await client.request("skills/get", uri=uri_of(name))
            assert (got["skill"], got["cacheScope"]) == (skill, "public")


async def test_a_front_matter_is_plain_yaml_and_short(make_settings: MakeSettings) -> None:
    async with extended(make_settings(), ScriptedTransport(), SKILLS) as client:
        for skill in await listed(client):
            assert re.fullmatch(r"[a-z]+(-[a-z]+)*", skill["frontmatter"]["name"])
            description = skill["frontmatter"]["description"]
            # Characters that begin or end something in YAML would need quotes.
            assert re.fullmatch(r"[A-Z][\w ,.'-]{50,300}\.", description)
            assert " Use it " in description


async def test_every_call_in_a_skill_suits_the_tool(make_settings: MakeSettings) -> None:
    words = {
        name
        for tool in TOOLS.values()
        for schema in (tool.sdk_tool().parameters, tool.sdk_tool().output_schema or {})
        for name in schema["properties"]
    }
    async with extended(make_settings(), ScriptedTransport(), SKILLS) as client:
        texts = {name: await text(client, name) for name in NAMES}
    for name, skill in texts.items():
        calls = CALL.findall(skill)
        assert len(calls) >= 4, name
        assert {re.split(r"\W", call)[0] for call in calls} == set(re.findall(r"webvoice_\w+", skill)) & set(TOOLS)
        for call in calls:
            check_call(call)
        rest = CALL.sub("", skill)
        unknown = set(WORD.findall(rest)) - words - set(TOOLS) - EXTRAS - {"text"}
        assert unknown == set(), name


def check_call(call: str) -> None:
    """Check that a tool and its parameters exist, that their values are accepted, and that none is missing."""
    parsed = ast.parse(call, mode="eval").body
    assert isinstance(parsed, ast.Call)
    assert isinstance(parsed.func, ast.Name)
    assert parsed.args == []
    schema = TOOLS[parsed.func.id].sdk_tool().parameters
    assert (
        set(schema.get("required", []))
        <= {str(keyword.arg) for keyword in parsed.keywords}
        <= set(schema["properties"])
    )
    for keyword in parsed.keywords:
        parameter = schema["properties"][str(keyword.arg)]
        given = keyword.value
        if isinstance(given, ast.Constant):
            jsonschema.validate(given.value, parameter)
            assert keyword.arg != "tool" or given.value in TOOLS
        elif isinstance(given, ast.Name) and given.id in VALUES:
            jsonschema.validate(VALUES[given.id], parameter)
        else:  # a placeholder, or a list of them
            assert (parameter["type"] == "array") or isinstance(given, ast.Name), call
            assert ast.unparse(given).strip("[]").isupper(), call


def test_a_call_with_a_wrong_argument_is_noticed() -> None:
    for call in ('webvoice_tts(voice="x")', "webvoice_tts(text=TEXT, volume=1)", "webvoice_tts(text=1)"):
        with pytest.raises((AssertionError, jsonschema.ValidationError)):
            check_call(call)


@pytest.mark.parametrize(
    ("toolsets", "names"),
    [
        ("account", []),
        ("speech", ["narrate-a-book", "podcast"]),
        ("speech,translation,studio", ["narrate-a-book", "podcast", "subtitles", "dub-a-film"]),
    ],
)
async def test_skills_whose_tools_are_switched_off_are_not_there(
    make_settings: MakeSettings, toolsets: str, names: list[str]
) -> None:
    async with extended(make_settings(TOOLSETS=toolsets), ScriptedTransport(), SKILLS) as client:
        assert [skill["frontmatter"]["name"] for skill in await listed(client)] == names
        known = ", ".join(map(uri_of, names)) or "none"
        for method in ("skills/get", "resources/read"):
            message = await refusal(client, method, uri=uri_of("storyboard-to-film"))
            assert message == f"There is no skill 'skill://storyboard-to-film/SKILL.md'. Known skills: {known}."


@BOTH_ERAS
async def test_nothing_but_a_skills_own_address_reads_it(make_settings: MakeSettings, mode: str) -> None:
    tricks = [
        "skill://unknown/SKILL.md",
        "skill://podcast",
        "skill://podcast/",
        "skill://podcast/skill.md",
        "skill://podcast/SKILL.md/",
        "skill://podcast/SKILL.md?x=1",
        "skill://podcast/../subtitles/SKILL.md",
        "skill://podcast/%2e%2e/podcast/SKILL.md",
        "skill://podcast/../../extension.py",
        "skill://../podcast/SKILL.md",
        "skill:///etc/passwd",
        "skill://" + "x" * 5000,
        "podcast",
    ]
    async with extended(make_settings(), ScriptedTransport(), SKILLS, mode=mode) as client:
        for uri in tricks:
            assert uri[:200] in await refusal(client, "skills/get", uri=uri)
            if uri.startswith("skill:"):
                assert await refusal(client, "resources/read", uri=uri)
        assert "There is no such cursor" in await refusal(client, "skills/list", cursor="2")
        await refusal(client, "skills/get")


@BOTH_ERAS
async def test_a_client_that_does_not_know_skills_sees_nothing_of_them(make_settings: MakeSettings, mode: str) -> None:
    async with connected(make_settings(), ScriptedTransport(), mode) as plain:
        seen = [
            (await plain.list_tools()).model_dump_json(),
            (await plain.list_resources()).model_dump_json(),
            (await plain.list_resource_templates()).model_dump_json(),
            (await plain.list_prompts()).model_dump_json(),
            str(plain.instructions),
        ]
        assert SKILLS not in (plain.server_capabilities.extensions or {}) or mode == "auto"
    async with extended(make_settings(), ScriptedTransport(), SKILLS, mode=mode) as client:
        known = client.sdk
        assert seen == [
            (await known.list_tools()).model_dump_json(),
            (await known.list_resources()).model_dump_json(),
            (await known.list_resource_templates()).model_dump_json(),
            (await known.list_prompts()).model_dump_json(),
            str(known.instructions),
        ]
    assert not any("skill" in text for text in seen)


async def test_a_handshake_with_strange_extensions_is_answered_as_before(make_settings: MakeSettings) -> None:
    async with extended(make_settings(), ScriptedTransport(), "example.org/other", mode="legacy") as client:
        assert client.sdk.server_capabilities.extensions is None
