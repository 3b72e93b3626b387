"""One short session of a server in some set-up: tools, a paid call, a refused call, the end."""

import base64
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.files.samples import MP3_BYTES
from tests.support import CANARY
from tests.wire.results import failure, fields
from tests.wire_driver import SERVER_COMMAND, ServerProcess, environment, running_server

SPEECH = {"success": True, "audio": base64.b64encode(MP3_BYTES).decode(), "format": "mp3", "credits_used": 0.75}
_SHOWN_CHARACTERS = 100  # of a long path in an error

# The system does not know the user, as in a container that was started with the number of a user.
UNKNOWN_USER = """
import pwd, sys

def unknown(_user):
    raise KeyError("no such user")

pwd.getpwuid = pwd.getpwnam = unknown
from webvoice_mcp.__main__ import main
sys.exit(main())
"""
UNKNOWN_USER_COMMAND = (sys.executable, "-c", UNKNOWN_USER)


def variables(home: Path, base_url: str, **changes: Any) -> dict[str, str]:
    """Return a server's environment; a variable that is None is left out."""
    environ: dict[str, Any] = environment(home, {"BASE_URL": base_url, "API_KEY": CANARY}) | changes
    return {name: str(value) for name, value in environ.items() if value is not None}


@contextmanager
def session(
    environ: Mapping[str, str], command: Sequence[str] = SERVER_COMMAND, *, logs: str = ""
) -> Iterator[ServerProcess]:
    """Run a server that lists its tools before, and ends with code 0 after the block.

    Args:
        logs: part of the one line on stderr, "" for no line.
    """
    with running_server(environ, command) as server:
        tools = server.result("tools/list")["tools"]
        assert "webvoice_tts" in {tool["name"] for tool in tools}
        assert all(len(tool["description"]) > 30 for tool in tools)
        yield server
        ended = server.close_stdin_and_wait()
    assert (ended.code, ended.stderr.count("\n")) == (0, bool(logs)), ended
    assert logs in ended.stderr


def speak(server: ServerProcess, path: Path, text: str = "Hello") -> None:
    """Speak into a new file, and let a second call with its name be refused."""
    spoken = fields(server.call("webvoice_tts", {"text": text, "output_path": str(path)}))
    assert [file["path"] for file in spoken["files"]] == [str(path)]
    assert path.read_bytes() == MP3_BYTES
    code, words = failure(server.call("webvoice_tts", {"text": text, "output_path": str(path)}))
    assert code == "file_exists"
    assert words.startswith(f"file_exists: {path} exists. Choose another output_path"[:_SHOWN_CHARACTERS])
