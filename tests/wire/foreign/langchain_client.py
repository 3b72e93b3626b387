"""LangChain's adapters for MCP, and its client of OpenAI, which here asks the sandbox."""

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.wire.foreign.calls import Answer, Connection, Message, OnProgress, run

callbacks: Any = importlib.import_module("langchain_mcp_adapters.callbacks")  # not in the project's environment
client: Any = importlib.import_module("langchain_mcp_adapters.client")
messages: Any = importlib.import_module("langchain_core.messages")
openai: Any = importlib.import_module("langchain_openai")
tools: Any = importlib.import_module("langchain_mcp_adapters.tools")


@asynccontextmanager
async def connected(server: Message, on_progress: OnProgress) -> AsyncIterator[Connection]:
    async def progressed(progress: float, total: float | None, message: str | None, context: Any) -> None:
        on_progress(message)

    async def call(name: str, arguments: Message) -> Answer:
        request = {"type": "tool_call", "id": f"call_{len(conversation)}", "name": name, "args": arguments}
        reply = await by_name[name].ainvoke(request)
        conversation.extend([messages.AIMessage("", tool_calls=[request]), reply])
        texts = [block["text"] for block in reply.content if block["type"] == "text"]
        pictures = [block["base64"] for block in reply.content if "base64" in block]
        return Answer(reply.status == "error", "\n".join(texts), pictures)

    async def ask_model() -> str:
        environ = server["env"]
        model = openai.ChatOpenAI(
            model="deepseek-v4-flash", base_url=environ["WEBVOICE_BASE_URL"], api_key=environ["WEBVOICE_API_KEY"]
        ).bind_tools(loaded, tool_choice="none")
        reply = await model.ainvoke([*conversation, messages.HumanMessage("Say 'well done'")])
        return str(reply.content)

    conversation: list[Any] = [messages.HumanMessage("Try the tools")]
    connections = client.MultiServerMCPClient({"webvoice": {"transport": "stdio", **server}})
    async with connections.session("webvoice") as session:
        loaded = await tools.load_mcp_tools(session, callbacks=callbacks.Callbacks(on_progress=progressed))
        by_name = {tool.name: tool for tool in loaded}
        yield Connection({name: tool.args_schema for name, tool in by_name.items()}, call, ask_model)


run(connected)
