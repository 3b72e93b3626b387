"""The conformance suite of the Model Context Protocol, against our server on the SDK's HTTP transport.

The suite knows no stdio. For tasks it needs tools of its own fixture server, which are among ours here. What else it
needs of that server, or what cannot pass for another reason, is listed below, check by check.
"""

import json
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn

from tests.support import BASE_URL, CANARY
from tests.wire.conformance.fixtures import TOOLS, Service
from tests.wire_driver import environment
from webvoice_mcp.server import create_server
from webvoice_mcp.settings import Settings

pytestmark = pytest.mark.wide

LOCK = Path(__file__).parent / "conformance"
NODE = 22  # the oldest that the suite runs on
INSTALL_SECONDS = 180
RUN_SECONDS = 280
REVISIONS = ("2025-11-25", "2026-07-28")
SKILLS = ("sep-2640-skills-directory", "sep-2640-skills-enumeration", "sep-2640-skills-manifest")
PASSED = {"SUCCESS", "INFO"}

Checks = dict[str, set[str]]  # the ids of checks that did not pass, by scenario

# What is not applicable, by the reason: the scenarios with the checks that do not pass. All other checks have to pass.
FIXTURES: Checks = {  # the suite's fixture server has the tool, resource or prompt; a tool of ours could not be meant
    "completion-complete": {"completion-complete"},
    "json-schema-2020-12": {"json-schema-2020-12-tool-found"},
    "prompts-get-embedded-resource": {"prompts-get-embedded-resource"},
    "prompts-get-simple": {"prompts-get-simple"},
    "prompts-get-with-args": {"prompts-get-with-args"},
    "prompts-get-with-image": {"prompts-get-with-image"},
    "resources-read-binary": {"resources-read-binary"},
    "resources-read-text": {"resources-read-text"},
    "resources-templates-read": {"resources-templates-read"},
    "tools-call-audio": {"tools-call-audio"},
    "tools-call-embedded-resource": {"tools-call-embedded-resource"},
    "tools-call-image": {"tools-call-image"},
    "tools-call-mixed-content": {"tools-call-mixed-content"},
    "tools-call-with-progress": {"tools-call-with-progress"},
}
FIXTURES_BY_HANDSHAKE: Checks = {  # the same, of revisions with a handshake
    "elicitation-sep1034-defaults": {"elicitation-sep1034-general"},
    "elicitation-sep1330-enums": {"elicitation-sep1330-general"},
    "server-sse-polling": {"incoming-sse-event", "server-sse-priming-event", "server-sse-retry-field"},
    "tools-call-elicitation": {"tools-call-elicitation"},
    "tools-call-sampling": {"tools-call-sampling"},
}
NOT_OFFERED: Checks = {  # logging is deprecated, and nothing that can be subscribed to changes
    "logging-set-level": {"logging-set-level"},
    "resources-subscribe": {"resources-subscribe"},
    "resources-unsubscribe": {"resources-unsubscribe"},
    "tools-call-with-logging": {"tools-call-with-logging"},
}
FIXTURES_THAT_ASK: Checks = {  # tools and prompts of the fixture server
    "input-required-result-basic-elicitation": {"sep-2322-elicitation-incomplete"},
    "input-required-result-basic-list-roots": {"sep-2322-list-roots-incomplete"},
    "input-required-result-basic-sampling": {"sep-2322-sampling-incomplete"},
    "input-required-result-capability-check": {"sep-2322-respect-client-capabilities"},
    "input-required-result-missing-input-response": {"sep-2322-missing-response-rerequests"},
    "input-required-result-multi-round": {"sep-2322-multi-round-r1"},
    "input-required-result-multiple-input-requests": {"sep-2322-multiple-inputs-incomplete"},
    "input-required-result-non-tool-request": {"sep-2322-non-tool-incomplete"},
    "input-required-result-request-state": {"sep-2322-request-state-incomplete"},
    "input-required-result-result-type": {"sep-2322-result-type-included"},
    "input-required-result-tampered-state": {"sep-2322-reject-tampered-state"},
    "input-required-result-validate-input": {"sep-2322-error-on-protocol-error"},
}
STATELESS: Checks = {
    "server-stateless": {
        "sep-2575-missing-capability-http-400",  # a tool of the fixture server
        "sep-2575-server-rejects-undeclared-capability",
        "sep-2575-server-honors-notification-filter",  # nothing can be subscribed to; the suite skips these itself
        "sep-2575-server-sends-prompts-list-changed-on-subscription",
        "sep-2575-server-sends-subscription-ack",
        "sep-2575-server-sends-tools-list-changed-on-subscription",
        "sep-2575-server-tags-subscription-id",
    },
}
OTHER_TASKS: Checks = {
    # No task of ours asks: the user is asked before it begins, which tasks-mrtr-composition checks.
    "tasks-mrtr-input": {
        "sep-2663-tasks-get-status-input-required",
        "tasks-mrtr-partial-fulfillment",
        "tasks-mrtr-tasks-update-resumes",
    },
    # Every call of ours can be answered without a task.
    "tasks-required-task-error": {"sep-2663-server-returns-missing-capability-when-required"},
    "tasks-status-notifications": {"tasks-status-notifications"},  # the suite skips it itself
}
HTTP: Checks = {  # the SDK's transport, on which the server runs here alone
    "http-custom-header-server-validation": {
        "sep-2243-server-decode-base64",
        "sep-2243-server-no-xmcp-tool",
        "sep-2243-server-reject-invalid-param-chars",
        "sep-2243-server-reject-param-mismatch",
        "sep-2243-server-validate-param-match",
    },
    "tasks-request-headers": {"sep-2663-server-rejects-mismatched-mcp-name-on-tasks-get"},
}
SKILL_DETAILS: Checks = {
    "sep-2640-skills-directory": {  # optional, and a skill of ours is one file
        "sep-2640-capability-directory-read-flag",
        "sep-2640-directory-read-invalid-params",
        "sep-2640-directory-read-method-registered",
        "sep-2640-directory-read-pagination",
        "sep-2640-directory-read-result-resources-shape",
        "sep-2640-directory-read-subdir-mimetype",
    },
    # Skills are not among the listed resources, so that clients that do not know them see nothing of them.
    "sep-2640-skills-manifest": {"sep-2640-skillmd-metadata-description", "sep-2640-skillmd-metadata-name"},
}
NOT_APPLICABLE = {
    "2025-11-25": FIXTURES | FIXTURES_BY_HANDSHAKE | NOT_OFFERED,
    "2026-07-28": FIXTURES | FIXTURES_THAT_ASK | STATELESS | OTHER_TASKS | HTTP,
    "skills": SKILL_DETAILS,
}


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The suite's command. npm installs exactly what the lock names, and runs no package's own code meanwhile."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("needs npm")
    folder = tmp_path_factory.mktemp("suite")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(LOCK / name, folder)
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    has_node = int(re.split(r"\D+", version)[1]) >= NODE
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline"]
    options += ["--fetch-retries=1", "--fetch-retry-mintimeout=1000"]  # to fail soon without a network
    try:
        subprocess.run(
            [npm, "ci", *options, *(["--omit=optional"] if has_node else [])],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=True,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"npm cannot install the suite: {str(error.stderr)[:200]}")
    modules = folder / "node_modules"
    if not has_node:
        installed = [str(path) for path in modules.glob("node-*/bin/node")]
        if not installed:
            pytest.skip(f"needs Node {NODE} or newer, and npm has none for this system")
        node = installed[0]
    yield [node, str(modules / "@modelcontextprotocol" / "conformance" / "dist" / "index.js")]
    shutil.rmtree(folder)  # some two hundred megabytes


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve our server with the suite's tools on the SDK's HTTP transport; yield its URL."""
    variables = environment(folder, {"API_KEY": CANARY, "BASE_URL": BASE_URL})
    server = create_server(Settings.read(variables), transport=Service(), more_tools=TOOLS)
    config = uvicorn.Config(server.streamable_http_app(), log_config=None, access_log=False, ws="none")
    web = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as sock:
        thread = threading.Thread(target=web.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        while not web.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}/mcp"
        finally:
            web.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def reports(suite: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Checks]:
    """The checks that did not pass, for each revision and for the skills."""
    folder = tmp_path_factory.mktemp("reports")
    runs = {revision: ["--requirements", revision] for revision in REVISIONS}
    runs |= {skill: ["--scenario", skill] for skill in SKILLS}

    def run(name: str) -> None:
        output = folder / (name if name in REVISIONS else "skills")
        command = [*suite, "server", "--url", url, *runs[name], "--output-dir", str(output)]
        subprocess.run(command, env=environment(folder), capture_output=True, timeout=RUN_SECONDS, check=False)

    with served(folder) as url, ThreadPoolExecutor(2) as pool:
        list(pool.map(run, runs))
    return {name: dict(read(folder / name)) for name in NOT_APPLICABLE}


def read(folder: Path) -> Iterator[tuple[str, set[str]]]:
    """Yield each scenario of a run with the ids of its checks that did not pass."""
    for path in folder.glob("*/checks.json"):
        scenario = re.fullmatch(r"server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z", path.parent.name)
        assert scenario, path
        checks = json.loads(path.read_text(encoding="utf-8"))
        yield scenario[1], {check["id"] for check in checks if check["status"] not in PASSED}


def test_every_scenario_of_the_suite_was_run(suite: list[str], reports: dict[str, Checks]) -> None:
    listed = subprocess.run([*suite, "list"], capture_output=True, text=True, timeout=RUN_SECONDS, check=True).stdout
    (of_servers,) = re.findall(r"^Server scenarios.*?\n((?: +- .*\n)+)", listed, re.MULTILINE)
    scenarios = set(re.findall(r"^ +- (\S+)", of_servers, re.MULTILINE))
    assert len(scenarios) > 60
    assert {scenario for report in reports.values() for scenario in report} == scenarios


@pytest.mark.parametrize("revision", NOT_APPLICABLE)
def test_every_check_passes_that_is_applicable(reports: dict[str, Checks], revision: str) -> None:
    assert {scenario: checks for scenario, checks in reports[revision].items() if checks} == NOT_APPLICABLE[revision]
