"""A minimal SDK server that makes the same requests as ours: python benchmarks/_bare_server.py BASE_URL"""

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
    """Return the HTTP client. It is created on first use, because that takes tens of milliseconds."""
    return httpx2.AsyncClient(base_url=f"{sys.argv[1]}/", timeout=None, headers={"X-API-Key": "wv_benchmark"})


@server.tool()
async def status() -> str:
    """Return the credits left."""
    return (await http().get("status/")).text


@server.tool()
async def save(path: str) -> str:
    """Make a video and save it."""
    reply = (await http().post("text-to-video/", json={"prompt": "x"})).json()
    Path(path).write_bytes(base64.b64decode(reply["video"]))  # noqa: ASYNC240 - simple code that blocks
    return path


@server.tool()
async def send(path: str) -> str:
    """Transcribe a recording."""
    with Path(path).open("rb") as file:  # noqa: ASYNC230 - simple code that blocks
        return (await http().post("stt/", files={"audio": file})).text


@server.tool()
async def chat(prompt: str, context: Context) -> str:
    """Chat; each token is reported as progress."""
    text: list[str] = []
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": prompt}]}
    async with http().stream("POST", "chat/completions/", json=body) as response:
        async for event in httpx2.EventSource(response):
            if event.data != "[DONE]":
                token = json.loads(event.data)["choices"][0]["delta"].get("content", "")
                text.append(token)
                await context.report_progress(len(text), None, token)
    return "".join(text)


if __name__ == "__main__":
    server.run()
