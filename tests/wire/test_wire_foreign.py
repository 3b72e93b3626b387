"""Clients that others wrote drive the real server, against a sandbox."""

import asyncio
import base64
import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mcp import Client
from pydantic import BaseModel

from tests.sandbox.world import needs_engines
from tests.wire.foreign.environments import Environments
from tests.wire.foreign.inspector import Inspector
from tests.wire.foreign.script import SENTENCE, STEPS, Told, played
from tests.wire.world import Play, failure, fields
from tests.wire_driver import STATELESS_VERSION, Message, environment
from webvoice_mcp.server import build
from webvoice_mcp.settings import Settings

pytestmark = [pytest.mark.wide, *needs_engines]

# The newest on 22 November 2026, but for FastMCP: 4.1.3 to 4.1.6 ask for a certifi that no registry has.
INSPECTOR = "@modelcontextprotocol/inspector@2.12.0"
PROGRAMS = {
    "@modelcontextprotocol/sdk@1.32.2": ("typescript_client.mjs", "1"),
    "@modelcontextprotocol/client@2.4.0": ("typescript_client.mjs", "2"),
    "mcp==1.30.0": ("tests.wire.foreign.mcp1_client",),
    "mcp": ("tests.wire.foreign.mcp2_client",),  # 2.x: the one that the server is built on
    "fastmcp==4.1.2": ("tests.wire.foreign.fastmcp_client",),
}
VERSIONS = {"legacy": "2025-11-25", "auto": STATELESS_VERSION}
OLD = ("@modelcontextprotocol/sdk@1.32.2", "mcp==1.30.0")  # know nothing of the stateless revision
CLIENTS = [(package, mode) for package in PROGRAMS for mode in VERSIONS if mode == "legacy" or package not in OLD]

QUESTION = "webvoice_chat will cost about 2 credits (2 a request with deepseek-v4-flash). Go on?"
ADDED = {"resultType", "ttlMs", "cacheScope", "_meta"}  # to every result, by the stateless revision


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environments]:
    folder = tmp_path_factory.mktemp("foreign")
    yield Environments(folder)
    shutil.rmtree(folder)  # some hundred megabytes


@pytest.fixture(scope="module", params=CLIENTS, ids=" ".join)
def client(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A client's package, and how it is to connect."""
    chosen: tuple[str, str] = request.param
    return chosen


@pytest.fixture(scope="module")
def told(client: tuple[str, str], environments: Environments, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What a client told that took all steps."""
    package, mode = client
    program, *more = PROGRAMS[package]
    if package[0] == "@":  # a program of JavaScript looks for packages beside itself alone
        source = Path(__file__).parent / "foreign" / program
        command = ["node", str(shutil.copy(source, environments.folder(package))), *more]
    else:
        command = [sys.executable if package == "mcp" else environments.python(package), "-m", program]
    return played(command, mode, tmp_path_factory.mktemp("told"))


@pytest.fixture(scope="module")
def ours() -> dict[str, Message]:
    """What the steps that only list something give within one process."""

    async def lists() -> dict[str, BaseModel]:
        async with Client(build(Settings.read({})), mode="legacy") as client:
            return {
                "tools": await client.list_tools(),
                "resources": await client.list_resources(),
                "templates": await client.list_resource_templates(),
                "prompts": await client.list_prompts(),
                "prompt": await client.get_prompt("narrate", STEPS["prompt"]["params"]["arguments"]),
            }

    listed = asyncio.run(lists())
    return {name: bare(each.model_dump(mode="json", by_alias=True, exclude_none=True)) for name, each in listed.items()}


def bare(result: Message) -> Message:
    """A result as it was before the stateless revision."""
    return {name: value for name, value in result.items() if name not in ADDED}


# Any client


def test_it_agrees_with_the_server_and_nobody_complains(client: tuple[str, str], told: Told) -> None:
    assert (told.version, told.stderr) == (VERSIONS[client[1]], "")


def test_what_is_listed_arrives_whole(told: Told, ours: dict[str, Message]) -> None:
    assert len(ours["tools"]["tools"]) == 25
    assert {step: bare(told.result(step)) for step in ours} == ours


def test_results_fit_their_schemas(told: Told) -> None:
    assert fields(told.result("links")) == {
        "login": f"{told.site}/accounts/login/",
        "api_dashboard": f"{told.site}/api/",
        "documentation": f"{told.site}/api/documentation/",
        "buy_credits_paypal": f"{told.site}/billing/purchase/",
        "subscriptions": f"{told.site}/billing/subscriptions/",
        "solana_topup": f"{told.site}/billing/solana/",
    }
    assert fields(told.result("translated")) == {
        "translated_text": "Buongiorno",
        "source_language": "en",
        "target_language": "it",
        "text_length": 12,
        "credits_used": 0.1,
        "credits_remaining": 19.9,
        "provider": "sandbox:phrasebook",
        "sandbox": True,
    }
    begun = fields(told.result("begun"))
    assert begun == {"job_id": begun["job_id"], "state": "running", "files": []}
    estimated = fields(told.result("estimated"))
    assert estimated == {"credits": None, "basis": "new has no price in the service's list of models"}


def test_media_are_files_that_the_client_is_led_to(told: Told) -> None:
    spoken = fields(told.result("spoken"))
    assert (spoken["voice"], spoken["credits_used"], spoken["credits_remaining"]) == ("af_sarah", 0.5, 19.4)
    (file,) = spoken["files"]
    path = told.out / "hello.mp3"
    assert path.read_bytes().startswith(b"ID3")
    size = path.stat().st_size
    assert file == {"path": str(path), "uri": path.as_uri(), "mime_type": "audio/mpeg", "size_bytes": size}
    link = {"type": "resource_link", "uri": path.as_uri(), "name": path.name, "mimeType": "audio/mpeg", "size": size}
    assert told.result("spoken")["content"][1:] == [link]


def test_a_picture_is_also_shown(told: Told) -> None:
    _, picture, link = told.result("drawn")["content"]
    (file,) = fields(told.result("drawn"))["files"]
    assert (link["uri"], link["mimeType"]) == (file["uri"], file["mime_type"])
    assert (picture["type"], picture["mimeType"]) == ("image", file["mime_type"])
    assert base64.b64decode(picture["data"]) == Path(file["path"]).read_bytes()


def test_a_failure_is_a_sentence_and_no_crash_of_the_client(told: Told) -> None:
    path = told.out / "hello.mp3"
    assert failure(told.result("refused")) == (
        "file_exists",
        f"file_exists: {path} exists. Choose another output_path, or ask the user to set WEBVOICE_OVERWRITE=1.",
    )


def test_progress_of_a_stream_is_its_text(told: Told) -> None:
    streamed = told.seen["streamed"]
    assert fields(streamed["result"])["text"] == f"[sandbox] {SENTENCE}"
    counts, pieces = zip(*streamed["progress"], strict=True)
    assert list(counts) == sorted(set(counts))
    # A slow service is waited for aloud, and TypeScript's client says itself when it asks the person.
    text = [piece for piece in pieces if not re.match(r"webvoice_chat: \d+ s|Fulfilling input required", piece)]
    assert "".join(text) == f"[sandbox] {SENTENCE}"


def test_the_person_is_asked_and_a_no_is_kept(told: Told) -> None:
    for step in ("streamed", "declined"):
        (asked,) = told.seen[step]["asked"]
        assert asked["message"] == QUESTION
        assert asked["requestedSchema"]["required"] == ["go_on"]
        go_on = {"type": "boolean", "title": "Go on", "description": "Spend the credits?"}
        assert asked["requestedSchema"]["properties"] == {"go_on": go_on}
    assert failure(told.result("declined")) == (
        "declined",
        "declined: The user did not agree to the cost. Nothing was spent. Ask before you call it again.",
    )
    assert not [step for step, seen in told.seen.items() if seen["asked"] and step not in ("streamed", "declined")]


def test_a_cancelled_call_ends_on_both_sides(told: Told) -> None:
    cancelled = told.seen["cancelled"]
    assert cancelled.keys() == {"asked", "progress"}
    assert re.fullmatch(r"webvoice_translate: \d+ s so far", cancelled["progress"][0][1])
    jobs = fields(told.result("jobs"))["jobs"]
    known = [(job["tool"], job["state"], job.get("error", {}).get("code")) for job in jobs]
    assert sorted(known) == [("webvoice_translate", "done", None), ("webvoice_translate", "failed", "cancelled")]


def test_resources_prompts_and_completion(told: Told) -> None:
    (content,) = told.result("read")["contents"]
    assert (content["uri"], content["mimeType"]) == ("webvoice://voices/it", "application/json")
    voices = json.loads(content["text"])
    assert [voice["id"] for voice in voices["voices"]] == ["if_sara"]
    missed = told.seen["missed"]["error"]
    assert missed["code"] == -32602
    assert "invalid_argument: No voice speaks 'xx'. Languages with voices: en, it, " in missed["message"]
    assert bare(told.result("completed")) == {"completion": {"values": ["if_sara"], "total": 1, "hasMore": False}}


# The Inspector


@pytest.fixture(scope="module")
def inspector(environments: Environments, home: Path, play: Play) -> Inspector:
    variables = {"BASE_URL": play.base_url, "API_KEY": play.register("a@example.com"), "CONFIRM_ABOVE": 1}
    return Inspector(environments.folder(INSPECTOR), environment(home, variables))


def test_the_inspector_finds_tools_fit_for_any_client(inspector: Inspector, ours: dict[str, Message]) -> None:
    code, result, said = inspector.ask("tools/list", "--strict")
    assert (code, bare(result)) == (0, ours["tools"])
    warned = re.findall(r'^\w+: tool "(\w+)"\n +Path: (.+)', said, re.MULTILINE)
    assert warned == [("webvoice_estimate_credits", "outputSchema.properties.credits")]  # a number or null


def test_the_inspector_lists_what_else_there_is(inspector: Inspector, ours: dict[str, Message]) -> None:
    asked = {"resources": "resources/list", "templates": "resources/templates/list", "prompts": "prompts/list"}
    for name, method in asked.items():
        code, result, said = inspector.ask(method)
        assert (code, bare(result), said) == (0, ours[name], "")
    arguments = [f"{name}={value}" for name, value in STEPS["prompt"]["params"]["arguments"].items()]
    code, result, said = inspector.ask("prompts/get", "--prompt-name", "narrate", "--prompt-args", *arguments)
    assert (code, bare(result), said) == (0, ours["prompt"], "")


def test_the_inspector_calls_tools(inspector: Inspector, play: Play) -> None:
    code, result, said = inspector.call("webvoice_account_links")
    assert (code, said) == (0, "")
    assert fields(result)["login"] == f"{play.base_url.removesuffix('/api/v1')}/accounts/login/"
    code, result, said = inspector.call("webvoice_translate", text="Good morning", target_language="it")
    assert (code, said) == (0, "")
    assert fields(result)["translated_text"] == "Buongiorno"
    code, result, said = inspector.call("webvoice_tts", text="Hello", output_path="hello.mp3")
    assert (code, said) == (0, "")
    (file,) = fields(result)["files"]
    assert Path(file["path"]).read_bytes().startswith(b"ID3")
    code, result, said = inspector.ask("resources/read", "--uri", "webvoice://outputs")
    assert (code, said) == (0, "")
    assert [each["path"] for each in json.loads(result["contents"][0]["text"])["files"]] == [file["path"]]


def test_the_inspector_shows_why_a_call_failed(inspector: Inspector) -> None:
    code, result, _ = inspector.call("webvoice_chat", prompt="Hello")  # it cannot ask the person
    assert code == 5
    assert failure(result)[1].startswith("declined: webvoice_chat would cost about 2 credits")
    code, result, _ = inspector.call("webvoice_tts", text=" ")
    assert code == 5
    assert failure(result)[1].startswith("invalid_argument: text is blank")
