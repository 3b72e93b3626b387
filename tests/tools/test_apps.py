"""Pages in the chat (MCP Apps): which clients get them, and the tool that gives a page the bytes of made files."""

import base64
import json
import os
import re
import string
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client, MCPError
from mcp.client.extension import ClientExtension, advertise
from mcp.types import BlobResourceContents, CallToolResult, EmbeddedResource, TextContent, TextResourceContents

import app_pages
from tests.files.samples import MP3_BYTES
from tests.jobs.world import BY_TOOL, Upstream
from tests.support import MakeSettings, ScriptedTransport, connected, failed
from tests.tools.calls import BOTH_ERAS
from tests.tools.test_file_resources import CHANGED, LINK, SWAPS, as_saved, gone, make, posix, record
from webvoice_mcp.server import create_server
from webvoice_mcp.settings import Settings

EXTENSION = "io.modelcontextprotocol/ui"
HTML = "text/html;profile=mcp-app"
PLAYER, USAGE = "ui://webvoice/player", "ui://webvoice/usage"
READ_FILE = "webvoice_read_file"
PIECE = 384 * 1024
TTS = BY_TOOL["webvoice_tts"]

MAKE_MEDIA = {
    "webvoice_tts",
    "webvoice_narrate",
    "webvoice_image",
    "webvoice_image_to_image",
    "webvoice_qwen_image_max",
    "webvoice_image_to_video",
    "webvoice_text_to_video",
    "webvoice_veo_fast_text_to_video",
    "webvoice_join",
}


@asynccontextmanager
async def showing(
    settings: Settings, transport: httpx2.AsyncBaseTransport | None = None, mode: str = "auto"
) -> AsyncIterator[Client]:
    """Connect a client that shows pages."""
    shows = advertise(EXTENSION, {"mimeTypes": ["text/html", HTML]})
    server = create_server(settings, transport=transport or ScriptedTransport())
    async with Client(server, mode=mode, extensions=[shows]) as client:
        yield client


async def listed(client: Client) -> dict[str, dict[str, Any]]:
    """Return the tools by name, as they are sent."""
    tools = (await client.list_tools()).tools
    return {tool.name: tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools}


def piece_of(result: CallToolResult) -> tuple[dict[str, Any], bytes]:
    """Return what a result says about a piece, and the piece."""
    text, block = result.content
    assert isinstance(text, TextContent)
    assert isinstance(block, EmbeddedResource)
    assert isinstance(block.resource, BlobResourceContents)
    assert not result.is_error
    assert json.loads(text.text) == result.structured_content
    facts: dict[str, Any] = result.structured_content
    assert (block.resource.uri, block.resource.mime_type) == (facts["uri"], facts["mime_type"])
    return facts, base64.b64decode(block.resource.blob)


async def read(client: Client, uri: str, **arguments: Any) -> CallToolResult:
    return await client.call_tool(READ_FILE, {"uri": uri, **arguments})


# Which clients get what


@BOTH_ERAS
async def test_tools_that_make_media_name_the_player(make_settings: MakeSettings, mode: str) -> None:
    async with showing(make_settings(), mode=mode) as client:
        tools = await listed(client)
    pages = {name: tool["_meta"] for name, tool in tools.items() if "_meta" in tool}
    assert pages == {
        **{name: {"ui": {"resourceUri": PLAYER}, "ui/resourceUri": PLAYER} for name in MAKE_MEDIA},
        "webvoice_usage": {"ui": {"resourceUri": USAGE}, "ui/resourceUri": USAGE},
        READ_FILE: {"ui": {"visibility": ["app"]}},
    }


@BOTH_ERAS
@pytest.mark.parametrize(
    "extensions",
    [
        [],
        [advertise(EXTENSION)],
        [advertise(EXTENSION, {"mimeTypes": ["text/html"]})],
        [advertise(EXTENSION, {"mimeTypes": HTML})],
        [advertise("com.example/ui", {"mimeTypes": [HTML]})],
    ],
    ids=["none", "no type", "other type", "no list", "other extension"],
)
async def test_to_other_clients_nothing_is_different(
    make_settings: MakeSettings, mode: str, extensions: list[ClientExtension]
) -> None:
    async with showing(make_settings(), mode=mode) as client:
        shown = await listed(client)
        resources = [entry.uri for entry in (await client.list_resources()).resources]
    server = create_server(make_settings(), transport=ScriptedTransport())
    async with Client(server, mode=mode, extensions=extensions) as client:
        tools = await listed(client)
        others = [entry.uri for entry in (await client.list_resources()).resources]
        refused = failed(await read(client, "file:///x"))
        near = failed(await client.call_tool("webvoice_read_fil", {}))
    without = {
        name: {key: value for key, value in tool.items() if key != "_meta"}
        for name, tool in shown.items()
        if name != READ_FILE
    }
    assert json.dumps(tools) == json.dumps(without)
    assert "ui:" not in json.dumps(tools)
    assert resources == [PLAYER, USAGE, *others]
    assert refused.startswith(f"invalid_argument: There is no tool '{READ_FILE}'. ")
    assert READ_FILE not in near


async def test_two_clients_of_one_server_get_what_each_can_show(make_settings: MakeSettings) -> None:
    server = create_server(make_settings(), transport=ScriptedTransport())
    shows = advertise(EXTENSION, {"mimeTypes": [HTML]})
    async with Client(server, extensions=[shows]) as one, Client(server) as other:
        for _ in range(2):
            assert READ_FILE in await listed(one)
            assert READ_FILE not in await listed(other)


async def test_the_server_says_that_it_has_pages(make_settings: MakeSettings) -> None:
    async with connected(make_settings(), ScriptedTransport()) as client:
        assert (client.server_capabilities.extensions or {})[EXTENSION] == {}


async def test_reading_files_is_in_no_toolset(make_settings: MakeSettings) -> None:
    async with showing(make_settings(TOOLSETS="messaging")) as client:
        tools = await listed(client)
    assert READ_FILE in tools
    assert not MAKE_MEDIA & set(tools)


async def test_the_tool_for_pages_is_described_as_the_others(make_settings: MakeSettings) -> None:
    async with showing(make_settings()) as client:
        tool = (await listed(client))[READ_FILE]
    assert list(tool["inputSchema"]["properties"]) == ["uri", "offset"]
    assert tool["inputSchema"]["required"] == ["uri"]
    assert list(tool["outputSchema"]["properties"]) == ["uri", "offset", "size_bytes", "mime_type"]
    assert tool["annotations"]["readOnlyHint"]


# The pages


@pytest.mark.parametrize("name", app_pages.NAMES)
@BOTH_ERAS
async def test_a_page_is_one_small_file_that_needs_nothing_else(
    make_settings: MakeSettings, name: str, mode: str
) -> None:
    async with showing(make_settings(), mode=mode) as client:
        (found,) = (await client.read_resource(f"ui://webvoice/{name}")).contents
        (entry,) = [
            entry for entry in (await client.list_resources()).resources if entry.uri == f"ui://webvoice/{name}"
        ]
    assert isinstance(found, TextResourceContents)
    assert (found.mime_type, entry.mime_type) == (HTML, HTML)
    assert found.meta == entry.meta == {"ui": {"prefersBorder": True, "permissions": {"clipboardWrite": {}}}}
    assert len(found.text.encode()) < 80_000
    addresses = set(re.findall(r"\w+://[^\s\"'`]*|\bsrc=|\bhref=|url\(|@import|\bimport\b|fetch\(|blob:", found.text))
    assert addresses <= {"http://www.w3.org/2000/svg"}


def test_a_page_is_built_of_its_modules(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text('<p>\n<script type="module" src="main.js"></script>\n')
    (tmp_path / "main.js").write_text(
        '// Main.\nimport { two } from "./two.js";\nimport { one } from "./one.js";\nf(two);\n'
    )
    (tmp_path / "one.js").write_text(
        "export const one = 1;\n\n/** Return two. */\nexport function other() {\n  g();\n}\n"
    )
    (tmp_path / "two.js").write_text('import { one } from "./one.js";\nexport const two = one * 2;\n')
    assert app_pages.page(tmp_path, "page").splitlines() == [
        "<p>",
        '<script type="module">',
        "const in_one = (() => {",
        "const one = 1;",
        "function other() {",
        "g();",
        "}",
        "return { one, other };",
        "})();",
        "const in_two = (() => {",
        "const { one } = in_one;",
        "const two = one * 2;",
        "return { two };",
        "})();",
        "const { two } = in_two;",
        "const { one } = in_one;",
        "f(two);",
        "</script>",
    ]
    (tmp_path / "one.js").write_text('import { two } from "./two.js";\n')
    with pytest.raises(ValueError, match=r"two\.js imports itself: main > two > one"):
        app_pages.page(tmp_path, "page")
    for line in ("export default 1;", 'import x from "./x.js";', 'const end = "</script>";'):
        (tmp_path / "main.js").write_text(f"{line}\n")
        with pytest.raises(ValueError, match=r"main\.js has a line that is not understood"):
            app_pages.page(tmp_path, "page")


# Reading in pieces


@BOTH_ERAS
async def test_pieces_in_a_row_are_the_file(make_settings: MakeSettings, tmp_path: Path, mode: str) -> None:
    path = tmp_path / "film.mp4"
    content = os.urandom(2 * PIECE + 5)
    path.write_bytes(content)
    made = make_settings()
    await record(made.history_file, [as_saved(path)])
    async with showing(made, mode=mode) as client:
        pieces = []
        for offset in (0, PIECE, 2 * PIECE):
            facts, piece = piece_of(await read(client, path.as_uri(), offset=offset))
            assert facts == {
                "uri": path.as_uri(),
                "offset": offset,
                "size_bytes": len(content),
                "mime_type": "video/mp4",
            }
            pieces.append(piece)
        assert b"".join(pieces) == content
        assert piece_of(await read(client, "webvoice://files/job_0/1", offset=7))[1] == content[7 : 7 + PIECE]
        assert piece_of(await read(client, path.as_uri(), offset=len(content) - 1))[1] == content[-1:]


async def test_an_offset_beyond_the_end_is_refused(make_settings: MakeSettings, tmp_path: Path) -> None:
    path, empty = tmp_path / "a.mp3", tmp_path / "empty.txt"
    path.write_bytes(MP3_BYTES)
    empty.touch()
    made = make_settings()
    await record(made.history_file, [as_saved(path), as_saved(empty)])
    size = len(MP3_BYTES)
    async with showing(made) as client:
        for offset in (size, size + 1, 10**30):
            assert failed(await read(client, path.as_uri(), offset=offset)) == (
                f"invalid_argument: offset {offset} is beyond the end of {path}, which has {size} bytes."
                f" Use 0 to {size - 1}."
            )
        assert failed(await read(client, path.as_uri(), offset=-1)).startswith("invalid_argument: offset ")
        assert piece_of(await read(client, empty.as_uri()))[1] == b""
        assert failed(await read(client, empty.as_uri(), offset=1)).endswith("has 0 bytes. Use 0 to 0.")


async def test_a_file_that_no_call_made_is_refused(make_settings: MakeSettings, tmp_path: Path) -> None:
    made = make_settings()
    async with showing(made, Upstream(TTS.answer)) as client:
        await make(client)
        for uri in (made.history_file.as_uri(), "file:///etc/passwd", "webvoice://files/job_x/1", "webvoice://account"):
            assert failed(await read(client, uri)) == (
                f"file_not_found: uri '{uri}' is of no file that a call made. Take it from files of a result, or of"
                " webvoice_jobs."
            )


@posix
@pytest.mark.parametrize(("swap", "words"), SWAPS, ids=[swap.__name__ for swap, _ in SWAPS])
async def test_a_path_that_leads_to_something_else_gives_no_piece(
    make_settings: MakeSettings, out: Path, tmp_path: Path, swap: Callable[[Path, Path], None], words: str
) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    async with showing(make_settings(), Upstream(TTS.answer)) as client:
        uri = (await make(client))["uri"]
        swap(out / "made.mp3", tmp_path / "secret.txt")
        message = failed(await read(client, uri))
    code = {gone: "file_not_found", CHANGED: "disk_error", LINK: "path_not_allowed"}.get(
        swap if swap is gone else words, "disk_error"
    )
    assert message.startswith(f"{code}: ")
    assert words in message


_WORDS = st.sampled_from(["out", "made.mp3", "secret.txt", "state", "history.db", "..", ".", "", "~", "%2e%2e", "link"])
_TEXTS = st.text(st.characters(exclude_categories=()), max_size=30) | st.text(string.printable, max_size=30)


def _uris(tmp: Path) -> st.SearchStrategy[str]:
    """URIs and paths around the files of a test, and any texts."""
    paths = st.lists(_WORDS | _TEXTS, max_size=6).map("/".join)
    return st.one_of(
        paths.map(lambda path: f"{tmp.as_uri()}/{path}"),
        paths.map(lambda path: f"{tmp.as_uri()}/{quote(path, errors='surrogatepass')}"),
        paths.map(lambda path: f"{tmp}/{path}"),
        paths.map(lambda path: f"file://{path}"),
        paths.map(lambda path: f"webvoice://files/{path}"),
        st.tuples(_WORDS, st.integers(-1, 3)).map(lambda pair: f"webvoice://files/{pair[0]}/{pair[1]}"),
        _TEXTS,
    )


@pytest.mark.wide
@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
async def test_a_thousand_uris_read_nothing_but_the_file_that_was_made(
    make_settings: MakeSettings, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    tmp = tmp_path_factory.mktemp("files").resolve()
    out = tmp / "out"
    out.mkdir()
    made, secret = out / "made.mp3", tmp / "secret.txt"
    made.write_bytes(MP3_BYTES)
    secret.write_text("secret")
    if os.name != "nt":
        (out / "link").symlink_to(tmp)
    where = make_settings(STATE_DIR=tmp / "state", OUTPUT_DIR=out)
    await record(where.history_file, [as_saved(made)])
    (tmp / "state/made.mp3").write_bytes(b"other")
    uris = data.draw(st.lists(_uris(tmp), min_size=50, max_size=50))
    # A client of the older revisions sends half of a character, too; the SDK's newer one cannot.
    async with showing(where, mode="legacy") as client:
        for uri in uris:
            result = await read(client, uri)
            if result.is_error:
                failed(result)
            else:
                assert piece_of(result)[1] == MP3_BYTES
            try:
                (found,) = (await client.read_resource(uri)).contents
            except MCPError:
                continue
            assert isinstance(found, BlobResourceContents)
            assert base64.b64decode(found.blob) == MP3_BYTES
