"""Clients of other projects drive the real server, with a sandbox as the service."""

import asyncio
import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from mcp import Client
from pydantic import BaseModel

from tests.sandbox.world import needs_engines
from tests.wire.calls import CALLS
from tests.wire.foreign.environments import Environments
from tests.wire.foreign.inspector import Inspector
from tests.wire.foreign.script import SENTENCE, STEPS, Report, run_client
from tests.wire.results import failure, fields
from tests.wire.sandbox_service import SandboxService
from tests.wire_driver import SERVER_COMMAND, STATELESS_VERSION, Message, environment
from webvoice_mcp.server import create_server
from webvoice_mcp.settings import Settings

pytestmark = [pytest.mark.wide, *needs_engines]

# The newest versions on 22 November 2026, except FastMCP's: 4.1.3 to 4.1.6 require a certifi that does not exist.
INSPECTOR = "npm:@modelcontextprotocol/inspector@2.12.0"
PROGRAMS = {
    "npm:@modelcontextprotocol/sdk@1.32.2": ("typescript_client.mjs", "1"),
    "npm:@modelcontextprotocol/client@2.4.0": ("typescript_client.mjs", "2"),
    "mcp==1.30.0": ("tests.wire.foreign.mcp1_client",),
    "mcp": ("tests.wire.foreign.mcp2_client",),  # the version in the project's environment
    "fastmcp==4.1.2": ("tests.wire.foreign.fastmcp_client",),
}
VERSIONS = {"legacy": "2025-11-25", "auto": STATELESS_VERSION}
LEGACY_ONLY = ("npm:@modelcontextprotocol/sdk@1.32.2", "mcp==1.30.0")
CLIENTS = [
    (package, mode) for package in PROGRAMS for mode in VERSIONS if mode == "legacy" or package not in LEGACY_ONLY
]

STARTS = int(os.environ.get("STARTS", "2"))  # of each client; STARTS=100 takes half an hour
ROOT = Path(__file__).resolve().parents[2]

QUESTION = "webvoice_chat will cost about 2 credits (2 per request with deepseek-v4-flash). Go on?"
STATELESS_FIELDS = {"resultType", "ttlMs", "cacheScope", "_meta"}  # the stateless revision adds them to every result


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environments]:
    """Environments whose installation has begun."""
    folder = tmp_path_factory.mktemp("foreign")
    made = Environments(folder)
    for package in (*PROGRAMS, INSPECTOR):
        if package != "mcp":
            made.install(package)
    yield made
    shutil.rmtree(folder)  # some hundred megabytes


@pytest.fixture(scope="module", params=CLIENTS, ids=" ".join)
def client(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A client's package and its mode of connecting."""
    chosen: tuple[str, str] = request.param
    return chosen


@pytest.fixture(scope="module")
def command(client: tuple[str, str], environments: Environments) -> list[str]:
    """The command that runs a client."""
    package, _ = client
    program, *options = PROGRAMS[package]
    if package.startswith("npm:"):  # node finds packages only beside the program
        source = Path(__file__).parent / "foreign" / program
        return ["node", str(shutil.copy(source, environments.folder(package))), *options]
    return [sys.executable if package == "mcp" else environments.python(package), "-m", program]


@pytest.fixture(scope="module")
def report(client: tuple[str, str], command: list[str], tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The report of a client that took all steps."""
    return run_client(command, client[1], tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def in_process() -> dict[str, Message]:
    """The results of the listing steps, from a client in this process."""

    async def results() -> dict[str, BaseModel]:
        async with Client(create_server(Settings.read({})), mode="legacy") as client:
            return {
                "tools": await client.list_tools(),
                "resources": await client.list_resources(),
                "templates": await client.list_resource_templates(),
                "prompts": await client.list_prompts(),
                "prompt": await client.get_prompt("narrate", STEPS["prompt"]["params"]["arguments"]),
            }

    return {
        name: legacy(result.model_dump(mode="json", by_alias=True, exclude_none=True))
        for name, result in asyncio.run(results()).items()
    }


def legacy(result: Message) -> Message:
    """Return the result without the fields that the stateless revision adds."""
    return {name: value for name, value in result.items() if name not in STATELESS_FIELDS}


# All clients


def test_at_every_start_each_request_has_one_answer(
    client: tuple[str, str], command: list[str], tmp_path: Path
) -> None:
    recorder = [str(Path(__file__).parent / "foreign" / "recorder.py"), str(tmp_path), *SERVER_COMMAND]
    server = {"command": sys.executable, "args": recorder, "env": environment(tmp_path)}
    steps = [STEPS[name] for name in ("tools", "prompts", "links", "templates", "tools")]
    given = json.dumps({"server": server, "mode": client[1], "steps": steps})
    for _ in range(STARTS):
        done = subprocess.run(
            command, input=given, env=environment(tmp_path), cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert all("result" in step for step in json.loads(done.stdout)["steps"])
        requests, responses = (
            Counter(
                message["id"]
                for line in (tmp_path / name).read_bytes().splitlines()
                if "id" in (message := json.loads(line))
            )
            for name in ("requests", "responses")
        )
        assert requests == responses
        assert len(requests) >= len(steps) - 1  # a client may keep a list
        assert set(requests.values()) == {1}


def test_the_client_agrees_on_a_revision_and_gets_complete_lists(
    client: tuple[str, str], report: Report, in_process: dict[str, Message]
) -> None:
    assert (report.version, report.stderr) == (VERSIONS[client[1]], "")
    assert {tool["name"] for tool in in_process["tools"]["tools"]} == set(CALLS)
    listed = {step: legacy(report.result(step)) for step in in_process}
    resources = listed["resources"]["resources"]  # among them the files that the calls made
    listed["resources"]["resources"] = [resource for resource in resources if not resource["uri"].startswith("file:")]
    assert listed == in_process


def test_results_and_errors_reach_the_client_unchanged(report: Report) -> None:
    assert fields(report.result("links"))["solana_topup"] == f"{report.site}/billing/solana/"
    assert fields(report.result("translated")) == {
        "translated_text": "Buongiorno",
        "source_language": "en",
        "target_language": "it",
        "text_length": 12,
        "credits_used": 0.1,
        "credits_remaining": 19.9,
        "provider": "sandbox:phrasebook",
        "sandbox": True,
    }
    job = fields(report.result("begun"))
    assert job == {"job_id": job["job_id"], "state": "running", "files": []}
    estimated = fields(report.result("estimated"))
    assert estimated == {"basis": '"new" has no price in the service\'s list of models'}
    code, text = failure(report.result("refused"))
    assert code == "file_exists"
    assert text.startswith(f"file_exists: {report.out / 'hello.mp3'} exists. ")


def test_media_are_files_with_links_and_pictures_are_shown(report: Report) -> None:
    spoken = fields(report.result("spoken"))
    assert (spoken["voice"], spoken["credits_used"], spoken["credits_remaining"]) == ("af_sarah", 0.5, 19.4)
    (file,) = spoken["files"]
    path = report.out / "hello.mp3"
    assert path.read_bytes().startswith(b"ID3")
    size = path.stat().st_size
    assert file == {"path": str(path), "uri": path.as_uri(), "mime_type": "audio/mpeg", "size_bytes": size}
    link = {"type": "resource_link", "uri": path.as_uri(), "name": path.name, "mimeType": "audio/mpeg", "size": size}
    assert report.result("spoken")["content"][1:] == [link]

    _, picture, link = report.result("drawn")["content"]
    (file,) = fields(report.result("drawn"))["files"]
    assert (link["uri"], link["mimeType"]) == (file["uri"], file["mime_type"])
    assert (picture["type"], picture["mimeType"]) == ("image", file["mime_type"])
    assert base64.b64decode(picture["data"]) == Path(file["path"]).read_bytes()


def test_progress_questions_and_cancellation_work(report: Report) -> None:
    streamed = report.steps["streamed"]
    assert fields(streamed["result"])["text"] == f"[sandbox] {SENTENCE}"
    counts, messages = zip(*streamed["progress"], strict=True)
    assert list(counts) == sorted(set(counts))
    # With a slow service, progress also reports the seconds. TypeScript's client adds a line when it asks the user.
    text = [line for line in messages if not re.match(r"webvoice_chat: \d+ s|Fulfilling input required", line)]
    assert "".join(text) == f"[sandbox] {SENTENCE}"

    asking = ("streamed", "declined")
    for step in asking:
        (question,) = report.steps[step]["questions"]
        assert question["message"] == QUESTION
        assert question["requestedSchema"]["required"] == ["go_on"]
        go_on = {"type": "boolean", "title": "Go on", "description": "Spend the credits?"}
        assert question["requestedSchema"]["properties"] == {"go_on": go_on}
    assert failure(report.result("declined")) == (
        "declined",
        "declined: The user did not agree to the cost. Nothing was spent. Ask before you call it again.",
    )
    assert not [step for step, reported in report.steps.items() if reported["questions"] and step not in asking]

    cancelled = report.steps["cancelled"]
    assert cancelled.keys() == {"questions", "progress"}
    assert re.fullmatch(r"webvoice_translate: \d+ s so far", cancelled["progress"][0][1])
    jobs = fields(report.result("jobs"))["jobs"]
    known = [(job["tool"], job["state"], job.get("error", {}).get("code")) for job in jobs]
    assert sorted(known) == [("webvoice_translate", "done", None), ("webvoice_translate", "failed", "cancelled")]


def test_resources_and_completion_work(report: Report) -> None:
    (content,) = report.result("read")["contents"]
    assert (content["uri"], content["mimeType"]) == ("webvoice://voices/it", "application/json")
    voices = json.loads(content["text"])
    assert [voice["id"] for voice in voices["voices"]] == ["if_sara"]
    error = report.steps["missed"]["error"]
    assert error["code"] == -32602
    assert "invalid_argument: No voice speaks 'xx'. Languages with voices: en, it, " in error["message"]
    assert legacy(report.result("completed")) == {"completion": {"values": ["if_sara"], "total": 1, "hasMore": False}}


# The Inspector


@pytest.fixture(scope="module")
def inspector(environments: Environments, home: Path, sandbox: SandboxService) -> Inspector:
    variables = {"BASE_URL": sandbox.base_url, "API_KEY": sandbox.register("a@example.com"), "CONFIRM_ABOVE": 1}
    return Inspector(environments.folder(INSPECTOR), environment(home, variables))


def test_the_inspector_lists_everything_without_warnings(inspector: Inspector, in_process: dict[str, Message]) -> None:
    code, result, stderr = inspector.request("tools/list", "--strict")
    assert (code, legacy(result)) == (0, in_process["tools"])
    warnings = re.findall(r'^\w+: tool "(\w+)"\n +Path: (.+)', stderr, re.MULTILINE)
    assert warnings == []
    for name, method in {
        "resources": "resources/list",
        "templates": "resources/templates/list",
        "prompts": "prompts/list",
    }.items():
        code, result, stderr = inspector.request(method)
        assert (code, legacy(result), stderr) == (0, in_process[name], "")
    arguments = [f"{name}={value}" for name, value in STEPS["prompt"]["params"]["arguments"].items()]
    code, result, stderr = inspector.request("prompts/get", "--prompt-name", "narrate", "--prompt-args", *arguments)
    assert (code, legacy(result), stderr) == (0, in_process["prompt"], "")


def test_the_inspector_calls_tools_and_shows_errors(inspector: Inspector) -> None:
    code, result, stderr = inspector.call("webvoice_translate", text="Good morning", target_language="it")
    assert (code, stderr) == (0, "")
    assert fields(result)["translated_text"] == "Buongiorno"
    code, result, stderr = inspector.call("webvoice_tts", text="Hello", output_path="hello.mp3")
    assert (code, stderr) == (0, "")
    (file,) = fields(result)["files"]
    assert Path(file["path"]).read_bytes().startswith(b"ID3")
    code, result, stderr = inspector.request("resources/read", "--uri", "webvoice://outputs")
    assert (code, stderr) == (0, "")
    assert [output["path"] for output in json.loads(result["contents"][0]["text"])["files"]] == [file["path"]]
    code, result, _ = inspector.call("webvoice_chat", prompt="Hello")  # the Inspector cannot ask the user
    assert code == 5
    assert failure(result)[1].startswith("declined: webvoice_chat would cost about 2 credits")
