"""The documented chat models."""

from typing import NamedTuple


class DocumentedModel(NamedTuple):
    """A row of the documentation's table "All public chat models", with 0 credits for "Free"."""

    id: str
    name: str
    provider: str
    credits: float


DOCUMENTED_MODELS = (
    DocumentedModel("deepseek-v4-flash", "DeepSeek V4 Flash", "DeepSeek", 2.0),
    DocumentedModel("openrouter:openrouter/free", "OpenRouter Free (auto)", "OpenRouter", 0.0),
    DocumentedModel("openrouter:allenai/olmo-3.1-32b-think", "AllenAI: Olmo 3.1 32B Think", "OpenRouter", 2.0),
    DocumentedModel("deepseek-v4-pro", "DeepSeek V4 Pro", "DeepSeek", 3.0),
    DocumentedModel("openrouter:openai/gpt-oss-120b:free", "GPT OSS 120B (OpenRouter free)", "OpenRouter", 0.0),
    DocumentedModel("deepseek-reasoner", "DeepSeek Reasoner (V4 thinking)", "DeepSeek", 3.0),
    DocumentedModel("gemini", "Google Gemini", "Google Gemini", 2.0),
    DocumentedModel("openrouter:google/gemini-2.5-flash", "Google: Gemini 2.5 Flash", "OpenRouter", 2.0),
    DocumentedModel("openrouter:openai/gpt-oss-20b:free", "GPT OSS 20B (OpenRouter free)", "OpenRouter", 0.0),
    DocumentedModel("deepseek-websearch", "DeepSeek WebSearch (V4 Flash)", "DeepSeek", 2.0),
    DocumentedModel(
        "openrouter:google/gemini-2.5-flash-image",
        "Google: Gemini 2.5 Flash Image (Nano Banana)",
        "OpenRouter",
        2.0,
    ),
    DocumentedModel("qwen3_fast", "Qwen3 Fast (Groq)", "Groq", 2.0),
    DocumentedModel("llama-3.1-8b-instant", "Llama 3.1 8B Instant (Groq)", "Groq", 2.0),
    DocumentedModel("openrouter:google/gemma-4-31b-it:free", "Google Gemma 4 31B (OpenRouter free)", "OpenRouter", 0.0),
    DocumentedModel("openai/gpt-oss-safeguard-20b", "GPT OSS Safeguard 20B (Groq)", "Groq", 2.0),
    DocumentedModel("moonshotai/kimi-k2-instruct-0905", "Kimi K2 (Groq)", "Groq", 2.0),
    DocumentedModel("openai/gpt-oss-20b", "GPT OSS 20B (Groq)", "Groq", 2.0),
    DocumentedModel("llama-3.3-70b-versatile", "Llama 3.3 70B Versatile (Groq)", "Groq", 3.0),
    DocumentedModel("openai/gpt-oss-120b", "GPT OSS 120B (Groq)", "Groq", 2.0),
    DocumentedModel("moonshotai/Kimi-K2.6", "Kimi K2.6 (DeepInfra)", "DeepInfra", 3.0),
    DocumentedModel(
        "nvidia/Nemotron-3-Nano-Omni-30B-A3B-Reasoning",
        "Nemotron 3 Nano Omni 30B Reasoning (DeepInfra)",
        "DeepInfra",
        2.0,
    ),
    DocumentedModel("Qwen/Qwen3-Max-Thinking", "Qwen3 Max Thinking (DeepInfra)", "DeepInfra", 5.0),
    DocumentedModel("google/gemma-4-26B-A4B-it", "Gemma 4 26B IT (DeepInfra)", "DeepInfra", 1.0),
    DocumentedModel("deepseek-chat", "DeepSeek Chat (legacy alias)", "DeepSeek", 2.0),
    DocumentedModel("kimi-k2.5", "Moonshot Kimi K2.5", "Moonshot Kimi", 2.0),
    DocumentedModel("glm-4.6", "Z.AI GLM 4.6", "Z.AI GLM", 2.0),
    DocumentedModel("glm-4.7", "Z.AI GLM 4.7", "Z.AI GLM", 2.0),
    DocumentedModel("glm-5", "Z.AI GLM 5", "Z.AI GLM", 2.0),
    DocumentedModel(
        "MiniMax-M2.7-highspeed", "MiniMax M2.7 Highspeed (api.minimax.io)", "MiniMax (api.minimax.io)", 2.0
    ),
)
