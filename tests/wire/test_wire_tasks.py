"""Tasks on the pipes of real servers, of which a later one has the result of an earlier one's task."""

import base64
import time
from pathlib import Path

import pytest

from tests.files.samples import MP3_BYTES
from tests.loopback import HeldReply, LoopbackService
from tests.support import CANARY
from tests.wire_driver import STATELESS_VERSION, TIMEOUT_SECONDS, Message, ServerProcess, environment, running_server
from webvoice_mcp.tools.tasks import TASKS

META: Message = {"io.modelcontextprotocol/clientCapabilities": {"extensions": {TASKS: {}}}}
ARGUMENTS = {"text": "Hello", "output_path": "hello.mp3", "background": True}


def ended(server: ServerProcess, task_id: str) -> Message:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while (task := server.result("tasks/get", {"taskId": task_id, "_meta": META}))["status"] == "working":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return task


@pytest.mark.slow
def test_a_later_server_hands_over_what_an_earlier_ones_task_made(tmp_path: Path) -> None:
    held = HeldReply({"success": True, "audio": base64.b64encode(MP3_BYTES).decode(), "credits_used": 0.5})
    with LoopbackService({"tts/": held}).running() as service:
        environ = environment(tmp_path, {"BASE_URL": service.base_url, "API_KEY": CANARY})
        with running_server(environ, version=STATELESS_VERSION) as server:
            assert TASKS in server.initialize()["capabilities"]["extensions"]
            task = server.call("webvoice_tts", ARGUMENTS, _meta=META)
            assert (task["resultType"], task["status"]) == ("task", "working")
            service.wait_for_request()
            server.close_stdin()  # the client goes away
            held.release()
            assert server.wait_for_exit(time.perf_counter()).code == 0
        with running_server(environ, version=STATELESS_VERSION) as later:
            completed = ended(later, task["taskId"])
    saved = tmp_path / "out" / "hello.mp3"
    (file,) = completed["result"]["structuredContent"]["files"]
    assert (completed["status"], file["path"]) == ("completed", str(saved))
    assert saved.read_bytes() == MP3_BYTES
    assert [request.path for request in service.requests] == ["tts/"]
