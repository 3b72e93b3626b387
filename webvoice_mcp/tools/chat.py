"""Chat: models and completions."""

from typing import Annotated, Any, Literal

from pydantic import Field

from webvoice_mcp.client.free_client import FreeClient
from webvoice_mcp.contract.chat import CHAT, CHAT_MODELS, OPENAI_MODELS, ChatModel, ChatReply, ChatRequest, text_of
from webvoice_mcp.contract.endpoint import Empty
from webvoice_mcp.errors import InvalidArgument
from webvoice_mcp.jobs.call import Delivery, PaidCall
from webvoice_mcp.tools._messages import JsonObject, check_tools, choice, conversation
from webvoice_mcp.tools.results import File, PaidResult, Result
from webvoice_mcp.tools.toolset import READS, ToolSet

tools = ToolSet("chat")

Prompt = Annotated[str, Field(description="A question or task. Give this or messages.")]
Messages = Annotated[
    list[JsonObject] | None,
    Field(description="OpenAI messages in place of prompt; the last is user or tool."),
]
System = Annotated[str, Field(description="Instructions, with prompt only.")]
MaxTokens = Annotated[int, Field(ge=1, le=8000, description="Longest answer, in tokens.")]
Temperature = Annotated[float, Field(ge=0, le=2, description="Sampling temperature.")]
Stream = Annotated[
    bool | None, Field(description="Stream from the service. Unset: when the caller asked for progress.")
]

DeepInfraModel = Literal[
    "moonshotai/Kimi-K2.6",
    "nvidia/Nemotron-3-Nano-Omni-30B-A3B-Reasoning",
    "Qwen/Qwen3-Max-Thinking",
    "google/gemma-4-26B-A4B-it",
]


class Models(Result):
    """Chat models."""

    models: list[JsonObject]
    count: int


class Answer(PaidResult):
    """A chat completion."""

    text: str | None = None
    finish_reason: str | None = None
    tool_calls: list[JsonObject] | None = None
    reasoning: str | None = None
    id: str | None = None
    model: str | None = None
    provider: str | None = None
    usage: dict[str, Any] | None = None
    files: list[File] | None = None
    note: str | None = None


@tools.free(CHAT_MODELS, OPENAI_MODELS, title="List chat models", effect=READS)
async def webvoice_list_chat_models(
    provider: Annotated[str, Field(description="Only models of this provider, e.g. groq.")] = "",
    free_only: Annotated[bool, Field(description="Only models that cost 0 credits.")] = False,
    search: Annotated[str, Field(description="Only models with this text in id or name.")] = "",
    openai_format: Annotated[bool, Field(description="OpenAI's list format, without prices and names.")] = False,
    *,
    client: FreeClient,
) -> Models:
    """List the models for webvoice_chat with their price per request in credits.

    Free. Some models cost nothing: free_only.
    """
    if openai_format and free_only:
        raise InvalidArgument("free_only needs the prices, which OpenAI's format lacks. Leave openai_format out.")
    if openai_format:
        listed = await client.call(OPENAI_MODELS, Empty())
        rows = [model.model_dump(mode="json", exclude_none=True) for model in listed.data]
    else:
        priced = await client.call(CHAT_MODELS, Empty())
        rows = [_with_free(model) for model in priced.models]
    chosen = [
        row
        for row in rows
        if _contains(provider, row.get("provider", row.get("owned_by", "")))
        and _contains(search, f"{row['id']} {row.get('display_name', '')}")
        and (row.get("free") or not free_only)
    ]
    return Models(models=chosen, count=len(chosen))


@tools.paid(CHAT, title="Chat")
async def webvoice_chat(
    prompt: Prompt = "",
    messages: Messages = None,
    system: System = "",
    model: Annotated[str, Field(description="Model id from webvoice_list_chat_models.")] = "deepseek-v4-flash",
    provider: Annotated[str, Field(description="Provider key, where several offer the same model id.")] = "",
    max_tokens: MaxTokens = 2000,
    temperature: Temperature = 0.7,
    tools: Annotated[
        list[JsonObject] | None, Field(description="OpenAI function tools (DeepSeek, OpenRouter). Not with web_search.")
    ] = None,
    tool_choice: Annotated[str, Field(description="none, auto, required, or the name of one of tools.")] = "",
    web_search: Annotated[
        bool, Field(description="Documented for deepseek-websearch, Moonshot and Z.AI models only.")
    ] = False,
    stream: Stream = None,
) -> PaidCall[Answer]:
    """Ask a chat model and get its answer as text, or the tool calls that it wants made.

    Costs 0 to 5 credits a request, by model. openrouter:google/gemini-2.5-flash-image (Nano Banana) also draws, into
    files. For DeepInfra's four models: webvoice_deepinfra_chat.
    """
    check_tools(tools or [], web_search=web_search)
    request = ChatRequest(
        model=model,
        messages=conversation(prompt, messages, system),
        provider=provider,
        max_tokens=max_tokens,
        temperature=temperature,
        tools=tools,
        tool_choice=choice(tool_choice, tools or []),
        web_search=web_search or None,
    )
    asked = text_of(request.messages[-1].get("content"))
    return PaidCall(CHAT, request, result=_answer, picture_links=_picture_links, name_from=asked, stream=stream)


@tools.paid(CHAT, title="Chat on DeepInfra")
async def webvoice_deepinfra_chat(
    prompt: Prompt = "",
    messages: Messages = None,
    system: System = "",
    model: Annotated[DeepInfraModel, Field(description="One of DeepInfra's models.")] = "moonshotai/Kimi-K2.6",
    max_tokens: MaxTokens = 2000,
    temperature: Temperature = 0.7,
    stream: Stream = None,
) -> PaidCall[Answer]:
    """Ask one of DeepInfra's models (Kimi K2.6, Nemotron 3, Qwen3 Max Thinking, Gemma 4) and get its answer as text.

    Costs 1 to 5 credits a request. For any other model, for tools or web search, use webvoice_chat.
    """
    return await webvoice_chat(
        prompt=prompt,
        messages=messages,
        system=system,
        model=model,
        provider="deepinfra",
        max_tokens=max_tokens,
        temperature=temperature,
        stream=stream,
    )


def _picture_links(reply: ChatReply) -> list[str]:
    return reply.choices[0].message.picture_links


def _answer(delivery: Delivery[ChatReply]) -> Answer:
    reply = delivery.reply
    first = reply.choices[0]
    message = first.message
    return Answer.from_reply(
        reply.webvoice,
        message,
        reply,
        text=message.text,
        finish_reason=first.finish_reason,
        tool_calls=message.tool_calls,
        reasoning=message.reasoning,
        id=reply.id,
        model=reply.model,
        usage=reply.usage,
        files=File.list_of(delivery.files) or None,
        note=delivery.note or None,
    )


def _with_free(model: ChatModel) -> JsonObject:
    row = model.model_dump(mode="json", exclude_none=True)
    return {**row, "free": model.price == 0}


def _contains(searched: str, text: str) -> bool:
    return searched.strip().casefold() in text.casefold()
