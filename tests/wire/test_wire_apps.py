"""Reading a film for a page, with the real process: in memory that does not grow, and in both eras of the protocol."""

import base64
import struct
from pathlib import Path

import anyio
import pytest

from tests.files.samples import mp4_bytes
from tests.support import BASE_URL
from tests.tools.test_file_resources import as_saved, record
from tests.wire.process_stats import IS_LINUX, peak_memory_bytes, reset_peak_memory
from tests.wire_driver import STATELESS_VERSION, Message, ServerProcess, environment

pytestmark = [pytest.mark.wide, pytest.mark.skipif(not IS_LINUX, reason="the peak is read from /proc")]

_MIB = 1 << 20
_MAX_GROWTH_BYTES = 8 * _MIB
_CAPABILITIES = {"extensions": {"io.modelcontextprotocol/ui": {"mimeTypes": ["text/html;profile=mcp-app"]}}}


@pytest.mark.parametrize("version", ["2025-11-25", STATELESS_VERSION])
def test_a_film_of_20_mib_is_read_in_flat_memory(tmp_path: Path, version: str) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(mp4_bytes(b"isom", b"vide") + struct.pack(">I4s", 20 * _MIB, b"free") + bytes(20 * _MIB - 8))
    environ = environment(tmp_path, {"BASE_URL": BASE_URL})
    anyio.run(lambda: record(tmp_path / "state/history.db", [as_saved(path)]))
    server = ServerProcess(environ, version=version)
    try:
        params: Message = {}
        if version == STATELESS_VERSION:
            params["_meta"] = {"io.modelcontextprotocol/clientCapabilities": _CAPABILITIES}
        else:
            info = {"name": "wire", "version": "0"}
            server.result("initialize", {"protocolVersion": version, "capabilities": _CAPABILITIES, "clientInfo": info})
            server.send_message({"jsonrpc": "2.0", "method": "notifications/initialized"})

        def piece(offset: int) -> bytes:
            result = server.call("webvoice_read_file", {"uri": path.as_uri(), "offset": offset}, **params)
            assert not result.get("isError"), result
            (block,) = [block for block in result["content"] if block["type"] == "resource"]
            return base64.b64decode(block["resource"]["blob"])

        content = piece(0)  # loads what reading needs
        reset_peak_memory(server)
        before = peak_memory_bytes(server)
        while len(content) < path.stat().st_size:
            content += piece(len(content))
        assert content == path.read_bytes()
        assert peak_memory_bytes(server) - before < _MAX_GROWTH_BYTES
        assert max(map(len, server.stdout_lines)) < _MIB  # as hosts accept
    finally:
        server.close()
