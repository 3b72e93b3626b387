"""A bare SDK server with tools that make the same requests in the usual way: python benchmarks/_bare.py BASE_URL"""

import base64
import functools
import json
import sys
from pathlib import Path

import httpx2
from mcp.server.mcpserver import Context, MCPServer

server = MCPServer("bare", log_level="WARNING")


@functools.cache
def http() -> httpx2.AsyncClient:
    """The client, made when first used: it takes tens of milliseconds."""
    return httpx2.AsyncClient(base_url=f"{sys.argv[1]}/", timeout=None, headers={"X-API-Key": "wv_benchmark"})


@server.tool()
async def status() -> str:
    """Credits left."""
    return (await http().get("status/")).text


@server.tool()
async def save(path: str) -> str:
    """Make a video and save it."""
    reply = (await http().post("text-to-video/", json={"prompt": "x"})).json()
    Path(path).write_bytes(base64.b64decode(reply["video"]))  # noqa: ASYNC240 - blocks, as is usual
    return path


@server.tool()
async def send(path: str) -> str:
    """Transcribe a recording."""
    with Path(path).open("rb") as file:  # noqa: ASYNC230 - blocks, as is usual
        return (await http().post("stt/", files={"audio": file})).text


@server.tool()
async def chat(prompt: str, context: Context) -> str:
    """Chat; each token is told as it comes."""
    text: list[str] = []
    asked = {"model": "m", "stream": True, "messages": [{"role": "user", "content": prompt}]}
    async with http().stream("POST", "chat/completions/", json=asked) as response:
        async for event in httpx2.EventSource(response):
            if event.data != "[DONE]":
                piece = json.loads(event.data)["choices"][0]["delta"].get("content", "")
                text.append(piece)
                await context.report_progress(len(text), None, piece)
    return "".join(text)


if __name__ == "__main__":
    server.run()
