"""Whatever ends of host, server and worker: what was paid for is there, whole, once."""

import base64
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.files.samples import wav_bytes
from tests.jobs.world import BY_TOOL, MP4_BYTES, PATIENCE, made_in, rows
from tests.loopback import HeldReply, LoopbackService
from tests.support import CANARY
from tests.wire.results import failure, fields
from tests.wire_driver import SERVER_COMMAND, ServerProcess, environment, running_server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it finds processes in /proc"),
]

FILM = BY_TOOL["webvoice_text_to_video"]
END_SECONDS = 30.0  # a busy machine is slow; a quiet one takes a tenth of a second


class World:
    """Servers of one user one after another, the processes that they leave, and a service that answers when told."""

    def __init__(self, home: Path, service: LoopbackService, film: HeldReply) -> None:
        self.home = home
        self.out = home / "out"
        self.state = home / "state"
        self.service = service
        self.film = film

    def environ(self, **variables: Any) -> dict[str, str]:
        own = {"BASE_URL": self.service.base_url, "API_KEY": CANARY, "WORKER": "1", "INLINE_IMAGES": "0", **variables}
        return environment(self.home, own)

    def serving(self, **variables: Any) -> Any:
        return running_server(self.environ(**variables))

    def begin_film(self, server: ServerProcess) -> Any:
        """Order a film, and return the request's id once the service has the order."""
        sent = server.send_call(FILM.tool, FILM.arguments)
        assert self.service.wait_for_request().path == FILM.path
        until(lambda: [row["state"] for row in rows(self.state)] == ["running"])
        return sent

    def workers(self) -> list[int]:
        """The ids of worker processes that use this state folder."""
        return [
            process
            for process in running_processes()
            if self.state.as_posix() in in_proc(process, "environ") and in_proc(process, "cmdline").endswith("worker\0")
        ]

    def processes(self) -> list[int]:
        """The ids of all processes that use this state folder."""
        return [process for process in running_processes() if self.state.as_posix() in in_proc(process, "environ")]

    def posts(self) -> int:
        return len([request for request in self.service.requests if request.method == "POST"])


def running_processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def in_proc(process: int, name: str) -> str:
    """Return a file about a process, "" if it has ended or belongs to somebody else."""
    try:
        return Path(f"/proc/{process}/{name}").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if condition():
                return
        except sqlite3.Error:
            pass  # the history is being created
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    film = HeldReply({"success": True, "video": base64.b64encode(MP4_BYTES).decode(), "credits_used": 0.75})
    with LoopbackService({FILM.path: film}).running() as service:
        world = World(tmp_path, service, film)
        (tmp_path / "out").mkdir()
        yield world
        film.release()
        until(lambda: not world.processes())


def check_film(world: World) -> None:
    """Check that the film is there, whole, once, and that the next server hands it over."""
    until(lambda: [row["state"] for row in rows(world.state)] == ["done"])
    assert made_in(world.out) == {FILM.file: FILM.content}
    (row,) = rows(world.state)
    assert (row["credits"], row["files"]) == (0.75, f'["{world.out / FILM.file}"]')
    assert world.posts() == 1
    with world.serving() as server:
        (job,) = fields(server.call("webvoice_jobs", {"job_id": row["id"]}))["jobs"]
    assert (job["state"], job["result"]["files"][0]["path"]) == ("done", str(world.out / FILM.file))


def end_input(server: ServerProcess) -> None:
    ended = server.close_stdin_and_wait()
    assert (ended.code, ended.stderr) == (0, "")


def terminate(server: ServerProcess) -> None:
    assert server.signal_and_wait(signal.SIGTERM).code == 0


def kill(server: ServerProcess) -> None:
    server.process.kill()
    server.process.wait()


def end_as_sdk_hosts_do(server: ServerProcess) -> None:
    server.close_stdin()
    server.process.terminate()
    server.process.kill()
    server.process.wait()


ENDS = (end_input, terminate, kill, end_as_sdk_hosts_do)
each_end = pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)


@each_end
def test_a_film_that_was_begun_is_finished_whatever_ends_the_server(world: World, end: Any) -> None:
    with world.serving() as server:
        world.begin_film(server)
        end(server)
    (worker,) = world.workers()
    world.film.release()
    check_film(world)
    until(lambda: not Path(f"/proc/{worker}").exists())


def test_a_server_whose_jobs_are_all_its_workers_ends_at_once(world: World) -> None:
    with world.serving() as server:
        world.begin_film(server)
        assert server.close_stdin_and_wait().seconds < 15  # in process it would be 20; on a quiet machine it is 0.1


def test_the_next_server_sees_the_job_running_and_waits_for_it(world: World) -> None:
    with world.serving() as server:
        world.begin_film(server)
        kill(server)
    with world.serving() as server:
        (job,) = fields(server.call("webvoice_jobs"))["jobs"]
        assert job["state"] == "running"
        waiting = server.send_call("webvoice_jobs", {"job_id": job["id"], "wait_seconds": 45})
        world.film.release()
        (done,) = fields(server.response_to(waiting)["result"])["jobs"]
    assert (done["state"], done["result"]["credits_used"]) == ("done", 0.75)


def test_a_killed_worker_leaves_an_interrupted_job_and_nothing_is_repeated(world: World) -> None:
    with world.serving() as server:
        sent = world.begin_film(server)
        (worker,) = world.workers()
        os.kill(worker, signal.SIGKILL)
        code, text = failure(server.response_to(sent)["result"])
        assert (code, "Credits may have been spent" in text) == ("network_error", True)
        (job,) = fields(server.call("webvoice_jobs"))["jobs"]
        assert (job["state"], job["error"]["code"]) == ("interrupted", "interrupted")
        assert world.posts() == 1
        world.film.release()
        again = {**FILM.arguments, "output_path": "again.mp4"}
        assert fields(server.call(FILM.tool, again))["files"][0]["path"] == str(world.out / "again.mp4")
        (another,) = world.workers()
        assert another != worker
    with world.serving() as server:
        jobs = fields(server.call("webvoice_jobs"))["jobs"]
    assert [job["state"] for job in jobs] == ["done", "interrupted"]


def test_a_worker_that_is_asked_to_end_leaves_no_incomplete_file(world: World) -> None:
    with world.serving() as server:
        sent = world.begin_film(server)
        (worker,) = world.workers()
        os.kill(worker, signal.SIGTERM)
        assert failure(server.response_to(sent)["result"])[0] == "network_error"
        until(lambda: not world.workers())
        assert made_in(world.out) == {}
        assert [(row["state"], row["error"]) for row in rows(world.state)] == [("interrupted", "interrupted")]


def test_the_key_is_in_no_argument_variable_or_file(world: World) -> None:
    with world.serving(LOG_LEVEL="DEBUG", SOME_TOKEN=f"Bearer {CANARY}") as server:
        world.begin_film(server)
        (worker,) = world.workers()
        for name in ("cmdline", "environ"):
            assert CANARY not in in_proc(worker, name)
        world.film.release()
        until(lambda: [row["state"] for row in rows(world.state)] == ["done"])
    assert (world.state / "worker.log").stat().st_mode & 0o777 == 0o600
    for path in world.home.rglob("*"):
        assert not path.is_file() or CANARY.encode() not in path.read_bytes()
    assert world.service.requests[0].key == CANARY


def test_the_worker_has_its_own_session_and_no_pipe_of_hosts(world: World) -> None:
    with world.serving() as server:
        world.begin_film(server)
        (worker,) = world.workers()
        assert os.getsid(worker) != os.getsid(server.process.pid)
        assert f"PPid:\t{server.process.pid}\n" not in in_proc(worker, "status")  # a host that ends a tree misses it
        assert Path(f"/proc/{worker}/cwd").readlink() == Path("/")
        hosts = {Path(f"/proc/{server.process.pid}/fd/{number}").readlink() for number in (1, 2)}
        opened = {path.readlink() for path in Path(f"/proc/{worker}/fd").iterdir()}
        assert not [path for path in opened & hosts if str(path).startswith("pipe:")]
        assert not [path for path in opened if str(path).startswith(("/dev/tty", "/dev/pts"))]
        world.film.release()


def test_without_paid_media_calls_no_worker_is_started(world: World) -> None:
    with world.serving() as server:
        fields(server.call("webvoice_jobs"))
        failure(server.call("webvoice_chat", {"prompt": "Hello"}))  # the service has no such path
        assert world.workers() == []


def test_the_worker_is_off_when_it_is_not_wanted(world: World) -> None:
    with world.serving(WORKER="0") as server:
        world.begin_film(server)
        assert world.workers() == []
        world.film.release()


def test_what_a_worker_holds_counts_in_the_day_of_other_servers(world: World) -> None:
    with world.serving(MAX_CREDITS_PER_DAY=15) as server:
        world.begin_film(server)  # about 13 credits
        kill(server)
    with world.serving(MAX_CREDITS_PER_DAY=15) as server:
        code, text = failure(server.call(FILM.tool, {**FILM.arguments, "output_path": "more.mp4"}))
    assert (code, "only 2 of the 15" in text) == ("budget_exceeded", True)
    assert world.posts() == 1


def test_a_recording_that_was_moved_away_is_sent_as_it_was_opened(world: World) -> None:
    answer = {"success": True, "text": "Good day", "language": "en", "duration": 1.0, "credits_used": 0.25}
    world.service.replies["stt/"] = held = HeldReply(answer)
    recording = world.out / "talk.wav"
    recording.write_bytes(wav_bytes(800_000))
    with world.serving() as server:
        sent = server.send_call("webvoice_stt", {"audio_path": "talk.wav", "output_path": "talk.txt"})
        assert recording.read_bytes() in world.service.wait_for_request().body
        held.release()
        assert fields(server.response_to(sent)["result"])["text"] == "Good day"
    assert (world.out / "talk.txt").read_text("utf-8") == "Good day"


def test_a_state_folder_that_vanishes_does_not_lose_the_film(world: World) -> None:
    with world.serving() as server:
        sent = world.begin_film(server)
        for path in world.state.iterdir():
            path.unlink() if path.is_file() else None
        world.film.release()
        assert fields(server.response_to(sent)["result"])["files"][0]["path"] == str(world.out / FILM.file)
    assert made_in(world.out) == {FILM.file: FILM.content}


def test_a_service_that_is_down_at_the_end_fails_the_job_once(world: World) -> None:
    world.service.replies[FILM.path] = {"success": False, "error": "The film was lost."}
    with world.serving() as server:
        code, _ = failure(server.call(FILM.tool, FILM.arguments))
    assert code == "bad_request"
    assert [(row["state"], row["error"], row["credits"]) for row in rows(world.state)] == [("failed", "bad_request", 0)]
    assert made_in(world.out) == {}


def begin_and_end(world: World, number: int) -> None:
    """Start a server, let it begin a film, and end server and worker in one of many ways."""
    film = HeldReply({"success": True, "video": base64.b64encode(MP4_BYTES).decode(), "credits_used": 0.75})
    world.service.replies[FILM.path] = film
    with world.serving() as server:
        server.send_call(FILM.tool, {**FILM.arguments, "output_path": f"film-{number}.mp4"})
        world.service.wait_for_request()
        workers = world.workers()
        if number % 5 == 4:
            for worker in workers:
                os.kill(worker, (signal.SIGKILL, signal.SIGTERM)[number % 2])
        ENDS[number % len(ENDS)](server)
    film.release()


@pytest.mark.parametrize(
    "count", [6, pytest.param(20, marks=pytest.mark.wide), pytest.param(50, marks=pytest.mark.soak)]
)
def test_servers_that_end_in_all_ways_leave_no_process(world: World, count: int) -> None:
    for number in range(count):
        begin_and_end(world, number)
    until(lambda: not world.processes())
    assert world.posts() == count


def test_the_command_is_not_for_people(tmp_path: Path) -> None:
    command = (*SERVER_COMMAND, "worker")
    environ = environment(tmp_path)
    done = subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "a server starts this command by itself" in done.stderr
