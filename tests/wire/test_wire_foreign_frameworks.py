"""Frameworks, gateways and grammars of other projects use the real server, with a sandbox as the service."""

import asyncio
import base64
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from mcp import Client

from tests.sandbox.world import needs_engines
from tests.wire.calls import CALLS
from tests.wire.foreign.calls import Answer, Message, Report
from tests.wire.foreign.environments import Environments
from tests.wire.foreign.programs import PROGRAMS, Program
from tests.wire.foreign.script import SENTENCE
from tests.wire.sandbox_service import running_sandbox
from tests.wire_driver import SERVER_COMMAND, environment
from webvoice_mcp.server import create_server
from webvoice_mcp.settings import Settings

pytestmark = [pytest.mark.wide, *needs_engines]

LLAMA = "npm:node-llama-cpp@3"
MAX_REPETITIONS = 2000  # llama.cpp refuses a grammar that has as many

SPEECH = {"tool": "webvoice_tts", "arguments": {"text": "Hello", "output_path": "hello.mp3"}}
COMMON_CALLS: dict[str, Message] = {
    "links": {"tool": "webvoice_account_links", "arguments": {}},
    "spoken": SPEECH,
    "drawn": {"tool": "webvoice_image", "arguments": {"prompt": "A house", "provider": "gen4-turbo"}},
    "streamed": {"tool": "webvoice_chat", "arguments": {"prompt": f"Say '{SENTENCE}'", "stream": True}},
    "refused": SPEECH,
}


@pytest.fixture(scope="module")
def schemas() -> dict[str, Message]:
    """The schema of each tool's arguments."""

    async def listed() -> dict[str, Message]:
        async with Client(create_server(Settings.read({})), mode="legacy") as client:
            return {tool.name: tool.input_schema for tool in (await client.list_tools()).tools}

    return asyncio.run(listed())


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environments]:
    """Environments whose installation has begun."""
    folder = tmp_path_factory.mktemp("foreign")
    made = Environments(folder)
    for program in PROGRAMS.values():
        made.install(*program.packages)
    made.install(LLAMA)
    yield made
    shutil.rmtree(folder)  # some hundred megabytes


@pytest.fixture(scope="module")
def reports(
    environments: Environments, schemas: dict[str, Message], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Report]]]:
    """The reports of all programs, which run beside each other."""
    folder = tmp_path_factory.mktemp("home")
    with running_sandbox(folder / "sandbox") as sandbox, ThreadPoolExecutor(2) as pool:
        variables = {"BASE_URL": sandbox.base_url, "API_KEY": sandbox.register("a@example.com")}
        sandbox.purchase("a@example.com", 500)

        def run(name: str, program: Program) -> Report:
            environ = environment(folder / name, variables | program.settings)
            server = {"command": SERVER_COMMAND[0], "args": SERVER_COMMAND[1:], "env": environ}
            return program.run(environments, program.packages, server, calls_of(name, schemas), folder / name)

        yield {name: pool.submit(run, name, program) for name, program in PROGRAMS.items()}


def calls_of(name: str, schemas: dict[str, Message]) -> dict[str, Message]:
    """Return the calls that a program makes."""
    return COMMON_CALLS | (seed_calls(schemas) if name == "openai-agents" else {})


def seed_calls(schemas: dict[str, Message]) -> dict[str, Message]:
    """Return an estimate for each tool and provider that can take a seed: the seed is -1, that is none."""
    picture = "https://example.com/photo.png"
    calls = {}
    for tool, schema in schemas.items():
        properties = schema["properties"]
        given = {"prompt": "A house", "seed": -1, "images": [picture]}
        arguments = {name: value for name, value in given.items() if name in properties}
        for provider in properties.get("provider", {}).get("enum", [None]) if "seed" in properties else []:
            asked = arguments | ({"provider": provider} if provider else {})
            call = {"tool": "webvoice_estimate_credits", "arguments": {"tool": tool, "arguments": asked}}
            calls[f"seed {tool} {provider}"] = call
    return calls


@pytest.fixture(params=PROGRAMS)
def program(request: pytest.FixtureRequest, environments: Environments) -> str:
    """A program's name. If a test fails, pytest shows the version."""
    name: str = request.param
    print(name, environments.version(*PROGRAMS[name].packages))
    return name


@pytest.fixture
def report(program: str, reports: dict[str, Future[Report]]) -> Report:
    """The report of a program that made all calls."""
    return reports[program].result()


def result(answer: Answer) -> Message:
    """Return the structured result in an answer that did not fail."""
    assert not answer.failed, answer.text
    fields: Message = json.JSONDecoder().raw_decode(answer.text)[0]
    return fields


# All programs


def test_all_tools_are_listed_with_their_parameters(report: Report, schemas: dict[str, Message]) -> None:
    assert set(report.schemas) == set(CALLS)
    for tool, schema in schemas.items():
        assert set(report.schemas[tool].get("properties", {})) == set(schema["properties"])


def test_results_reach_the_model_whole(program: str, report: Report, reports: dict[str, Future[Report]]) -> None:
    assert result(report.answers["links"])["solana_topup"].endswith("/billing/solana/")
    spoken = result(report.answers["spoken"])
    assert (spoken["voice"], spoken["credits_used"]) == ("af_sarah", 0.5)
    (file,) = spoken["files"]
    path = Path(file["path"])
    content = path.read_bytes()
    assert (path.name, file["mime_type"], file["size_bytes"]) == ("hello.mp3", "audio/mpeg", len(content))
    assert content.startswith(b"ID3")
    drawn = report.answers["drawn"]
    (file,) = result(drawn)["files"]
    pictures = [Path(file["path"]).read_bytes()] if PROGRAMS[program].shows_pictures else []
    assert [base64.b64decode(picture) for picture in drawn.pictures] == pictures


def test_a_streamed_chat_arrives_with_its_progress(program: str, report: Report) -> None:
    answer = f"[sandbox] {SENTENCE}"
    assert result(report.answers["streamed"])["text"] == answer
    # With a slow service, progress also reports the seconds.
    messages = [line for line in report.progress.get("streamed", []) if not re.match(r"webvoice_chat: \d+ s", line)]
    assert "".join(messages) == (answer if PROGRAMS[program].shows_progress else "")


def test_a_failed_call_is_seen_as_failed_and_says_why(report: Report) -> None:
    refused = report.answers["refused"]
    assert refused.failed
    assert re.match(r"file_exists: \S+hello\.mp3 exists\. ", refused.text)


# One program


def test_without_links_langchain_hands_every_answer_to_a_model(reports: dict[str, Future[Report]]) -> None:
    assert reports["langchain"].result().last == "[sandbox] well done"


def test_a_seed_that_a_strict_schema_requires_can_be_none(reports: dict[str, Future[Report]]) -> None:
    report = reports["openai-agents"].result()
    seeded = {name: answer for name, answer in report.answers.items() if name.startswith("seed ")}
    assert {name: answer.text for name, answer in seeded.items() if answer.failed} == {}
    strict = [tool for tool in {name.split()[1] for name in seeded} if "seed" in report.schemas[tool]["required"]]
    assert "webvoice_text_to_video" in strict
    assert "seed webvoice_text_to_video seedance" in seeded


# Grammars


def test_llama_cpp_accepts_the_grammar_of_every_tool(
    environments: Environments, schemas: dict[str, Message], tmp_path: Path
) -> None:
    print(LLAMA, environments.version(LLAMA))
    limit = {"type": "string", "maxLength": MAX_REPETITIONS}
    given = schemas | {"too long": {"type": "object", "properties": {"text": limit}}}
    program = shutil.copy(Path(__file__).parent / "foreign" / "grammars.mjs", environments.folder(LLAMA))
    command = ["node", str(program)]
    done = subprocess.run(
        command, input=json.dumps(given), env=environment(tmp_path), capture_output=True, text=True, check=True
    )
    grammars: dict[str, str] = json.loads(done.stdout)
    assert grammars.keys() == given.keys()
    assert [name for name, grammar in grammars.items() if most_repetitions(grammar) >= MAX_REPETITIONS] == ["too long"]
    for tool, schema in schemas.items():
        assert all(f'\\"{name}\\"' in grammars[tool] for name in schema["properties"])


def most_repetitions(grammar: str) -> int:
    """Return the largest number in the grammar's repetitions, such as {0,15} and {4}."""
    return max(
        (int(number) for limits in re.findall(r"\{(\d*,?\d*)\}", grammar) for number in re.findall(r"\d+", limits)),
        default=0,
    )
