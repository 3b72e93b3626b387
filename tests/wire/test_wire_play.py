"""The player ends with the server's process, before running jobs get their time."""

import base64
import os
import signal
import time
from pathlib import Path

import pytest

from tests.files.samples import MP3_BYTES
from tests.loopback import HeldReply, LoopbackService
from tests.support import CANARY
from tests.wire.results import fields
from tests.wire_driver import environment, running_server

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the player of these tests is a script of POSIX")
if os.name != "nt":
    from tests.studio.players import Players


@pytest.mark.slow
@pytest.mark.parametrize("by", ["the input's end", "SIGTERM"])
@pytest.mark.untraced
async def test_the_player_ends_before_running_jobs_do(tmp_path: Path, by: str) -> None:
    players = Players(tmp_path / "players")
    players.install("mpv", has_child=True)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a.mp3").write_bytes(MP3_BYTES)
    held = HeldReply({"success": True, "audio": base64.b64encode(MP3_BYTES).decode(), "format": "mp3"})
    with LoopbackService({"tts/": held}).running() as service:
        environ = environment(tmp_path, {"BASE_URL": service.base_url, "API_KEY": CANARY})
        with running_server(environ | {"PATH": str(players.folder)}) as server:
            assert fields(server.call("webvoice_play", {"path": "a.mp3"})) == {"playing": True, "player": "mpv"}
            started = await players.started("mpv")
            assert CANARY not in str(started)
            server.send_call("webvoice_tts", {"text": "Hello", "output_path": "hello.mp3"})
            service.wait_for_request()
            began = time.perf_counter()
            if by == "SIGTERM":
                server.process.send_signal(signal.SIGTERM)
            else:
                server.close_stdin()
            await players.wait_for_end("mpv", started["pid"])
            assert server.process.poll() is None
            held.release()
            ended = server.wait_for_exit(began)
    assert (ended.code, ended.stderr) == (0, "")
    assert (tmp_path / "out/hello.mp3").read_bytes() == MP3_BYTES
