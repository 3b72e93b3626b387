"""Wrong arguments, over a real pipe: each is refused by name, and nothing is sent."""

from pathlib import Path
from typing import Any

import pytest

from tests.loopback import Loopback
from tests.support import CANARY
from tests.wire.conftest import Start
from tests.wire.world import CONSENT, failure, named
from tests.wire_driver import Message, Wire

USER = {"role": "user", "content": "Hi"}
WEATHER = {"type": "function", "function": {"name": "get_weather"}}
LONG = "x" * (1 << 20)

# Tool, arguments, and how the sentence begins after "invalid_argument: ".
INVALID: list[tuple[str, dict[str, Any], str]] = [
    ("webvoice_register_send_code", {}, "email is missing"),
    ("webvoice_register_send_code", {**CONSENT, "email": " \n"}, "email is blank"),
    ("webvoice_register_send_code", {**CONSENT, "email": None}, "email is missing"),
    ("webvoice_register_send_code", {**CONSENT, "email": 5}, "email should be a valid string"),
    ("webvoice_register_send_code", {**CONSENT, "email": "somebody"}, "email is not an e-mail address"),
    ("webvoice_register_send_code", {"email": "a@example.com", "accept_terms": True}, "accept_privacy is missing"),
    ("webvoice_register_send_code", {**CONSENT, "accept_privacy": False}, "accept_privacy must be true"),
    ("webvoice_register_send_code", {**CONSENT, "accept_terms": False}, "accept_terms must be true"),
    ("webvoice_register_send_code", {**CONSENT, "accept_terms": "perhaps"}, "accept_terms should be a valid boolean"),
    ("webvoice_register_send_code", {**CONSENT, "phone": "1"}, "webvoice_register_send_code does not know"),
    ("webvoice_register_verify", {"email": "a@example.com"}, "code is missing"),
    ("webvoice_register_verify", {"email": "a@example.com", "code": ""}, "code is blank"),
    ("webvoice_register_verify", {"email": "a@example.com", "code": 123456}, "code should be a valid string"),
    ("webvoice_register_verify", {"email": "nobody", "code": "1"}, "email is not an e-mail address"),
    (
        "webvoice_register_verify",
        {"email": "a@example.com", "code": "1", "create_api_key": "perhaps"},
        "create_api_key should be a valid boolean",
    ),
    (
        "webvoice_register_verify",
        {"email": "a@example.com", "code": "1", "api_key_name": []},
        "api_key_name should be a valid string",
    ),
    ("webvoice_create_api_key", {}, "name is missing"),
    ("webvoice_create_api_key", {"name": "  "}, "name is blank"),
    ("webvoice_create_api_key", {"name": "x", "use": "perhaps"}, "use should be a valid boolean"),
    ("webvoice_onboarding", {"credits": 5}, "webvoice_onboarding does not know the argument 'credits'"),
    ("webvoice_status", {"": 1}, "webvoice_status does not know the argument ''"),
    ("webvoice_account_links", {"x": None}, "webvoice_account_links does not know the argument 'x'"),
    ("webvoice_list_chat_models", {"free_only": "perhaps"}, "free_only should be a valid boolean"),
    ("webvoice_list_chat_models", {"provider": 5}, "provider should be a valid string"),
    ("webvoice_list_chat_models", {"search": {}}, "search should be a valid string"),
    ("webvoice_list_chat_models", {"free_only": True, "openai_format": True}, "free_only needs the prices"),
    ("webvoice_chat", {}, "Give exactly one of prompt"),
    ("webvoice_chat", {"prompt": " "}, "Give exactly one of prompt"),
    ("webvoice_chat", {"prompt": "Hi", "messages": [USER]}, "Give exactly one of prompt"),
    ("webvoice_chat", {"prompt": 5}, "prompt should be a valid string"),
    ("webvoice_chat", {"messages": "Hi"}, "messages should be a valid list"),
    ("webvoice_chat", {"messages": {"role": "user"}}, "messages should be a valid list"),
    ("webvoice_chat", {"messages": ["Hi"]}, "messages.0 should be a valid dictionary"),
    ("webvoice_chat", {"messages": [{"role": "robot", "content": "Hi"}]}, "messages[0].role is not one of"),
    ("webvoice_chat", {"messages": [{"role": ["user"], "content": "Hi"}]}, "messages[0].role is not one of"),
    ("webvoice_chat", {"messages": [{"role": "user", "content": 5}]}, "messages[0].content must be a string"),
    ("webvoice_chat", {"messages": [{"role": "user"}]}, "messages[0].content is missing"),
    ("webvoice_chat", {"messages": [{"role": "tool", "content": "1"}]}, "messages[0].tool_call_id is missing"),
    ("webvoice_chat", {"messages": [USER, {"role": "assistant", "content": "Hi"}]}, "messages ends with role"),
    ("webvoice_chat", {"messages": [USER], "system": "Be kind"}, "system goes with prompt"),
    ("webvoice_chat", {"prompt": "Hi", "system": 5}, "system should be a valid string"),
    ("webvoice_chat", {"prompt": "Hi", "model": ["a"]}, "model should be a valid string"),
    ("webvoice_chat", {"prompt": "Hi", "provider": False}, "provider should be a valid string"),
    ("webvoice_chat", {"prompt": "Hi", "max_tokens": 0}, "max_tokens should be greater than or equal to 1"),
    ("webvoice_chat", {"prompt": "Hi", "max_tokens": 8001}, "max_tokens should be less than or equal to 8000"),
    ("webvoice_chat", {"prompt": "Hi", "max_tokens": 1.5}, "max_tokens should be a valid integer"),
    ("webvoice_chat", {"prompt": "Hi", "max_tokens": "many"}, "max_tokens should be a valid integer"),
    ("webvoice_chat", {"prompt": "Hi", "max_tokens": "1" * 5000}, "max_tokens"),
    ("webvoice_chat", {"prompt": "Hi", "max_tokens": True}, "max_tokens should be a number"),
    ("webvoice_chat", {"prompt": "Hi", "temperature": -0.1}, "temperature should be greater than or equal to 0"),
    ("webvoice_chat", {"prompt": "Hi", "temperature": 2.1}, "temperature should be less than or equal to 2"),
    ("webvoice_chat", {"prompt": "Hi", "temperature": "nan"}, "temperature should be"),
    ("webvoice_chat", {"prompt": "Hi", "temperature": [1]}, "temperature should be a valid number"),
    ("webvoice_chat", {"prompt": "Hi", "tools": "get_weather"}, "tools should be a valid list"),
    ("webvoice_chat", {"prompt": "Hi", "tools": [{}]}, "tools[0] is no function tool"),
    ("webvoice_chat", {"prompt": "Hi", "tools": [WEATHER], "web_search": True}, "web_search cannot be combined"),
    ("webvoice_chat", {"prompt": "Hi", "tool_choice": "auto"}, "tool_choice goes with tools"),
    ("webvoice_chat", {"prompt": "Hi", "tools": [WEATHER], "tool_choice": "other"}, "tool_choice is not one of"),
    (
        "webvoice_chat",
        {"prompt": "Hi", "tools": [{"type": "function", "function": {"name": LONG}}], "tool_choice": "other"},
        "tool_choice is not one of",
    ),
    ("webvoice_chat", {"prompt": "Hi", "web_search": "perhaps"}, "web_search should be a valid boolean"),
    ("webvoice_chat", {"prompt": "Hi", "stream": "perhaps"}, "stream should be a valid boolean"),
    ("webvoice_chat", {"prompt": "Hi", "image": "cat.png"}, "webvoice_chat does not know the argument 'image'"),
    ("webvoice_deepinfra_chat", {"prompt": "Hi", "model": "gemini"}, "model should be 'moonshotai/Kimi-K2.6'"),
    ("webvoice_deepinfra_chat", {"prompt": "Hi", "provider": "groq"}, "webvoice_deepinfra_chat does not know"),
    ("webvoice_deepinfra_chat", {"prompt": "Hi", "tools": [WEATHER]}, "webvoice_deepinfra_chat does not know"),
    ("webvoice_list_voices", {"language": 5}, "language should be a valid string"),
    ("webvoice_list_voices", {"lang": "en"}, "webvoice_list_voices does not know the argument 'lang'"),
    ("webvoice_tts", {}, "text is missing"),
    ("webvoice_tts", {"text": "\t"}, "text is blank"),
    ("webvoice_tts", {"text": 5}, "text should be a valid string"),
    ("webvoice_tts", {"text": "Hi", "speed": 0.49}, "speed should be greater than or equal to 0.5"),
    ("webvoice_tts", {"text": "Hi", "speed": 2.01}, "speed should be less than or equal to 2"),
    ("webvoice_tts", {"text": "Hi", "speed": "fast"}, "speed should be a valid number"),
    ("webvoice_tts", {"text": "Hi", "speed": "inf"}, "speed should be"),
    ("webvoice_tts", {"text": "Hi", "speed": True}, "speed should be a number"),
    ("webvoice_tts", {"text": "Hi", "voice": 5}, "voice should be a valid string"),
    ("webvoice_tts", {"text": "Hi", "provider": {}}, "provider should be a valid string"),
    ("webvoice_tts", {"text": "Hi", "output_path": 5}, "output_path should be a valid string"),
    ("webvoice_tts", {"text": "Hi", "output_path": "hi.wav"}, "output_path: "),
    ("webvoice_tts", {"text": "Hi", "output_path": "a\0b.mp3"}, "output_path is not a path"),
    ("webvoice_tts", {"text": "Hi", "output_path": f"{'long' * 1000}.mp3"}, "output_path "),
    ("webvoice_tts", {"text": "Hi", "output_path": "deep/" * 2000}, "output_path "),
    ("webvoice_tts", {"text": "Hi", "volume": 11}, "webvoice_tts does not know the argument 'volume'"),
    ("webvoice_stt", {}, "audio_path is missing"),
    ("webvoice_stt", {"audio_path": ""}, "audio_path is blank"),
    ("webvoice_stt", {"audio_path": 5}, "audio_path should be a valid string"),
    ("webvoice_stt", {"audio_path": "a\0b.mp3"}, "audio_path is not a path"),
    ("webvoice_stt", {"audio_path": "talk.wav", "provider": "dictaphone"}, "provider should be 'whisper_small'"),
    ("webvoice_stt", {"audio_path": "talk.wav", "language": 5}, "language should be a valid string"),
    ("webvoice_whisper_fast_stt", {"audio_path": "talk.wav", "provider": "whisper_fast"}, "webvoice_whisper_fast_stt"),
    ("webvoice_translate", {"target_language": "it"}, "text is missing"),
    ("webvoice_translate", {"text": "", "target_language": "it"}, "text is blank"),
    ("webvoice_translate", {"text": ["Hi"], "target_language": "it"}, "text should be a valid string"),
    ("webvoice_translate", {"text": "Hi"}, "target_language is missing"),
    ("webvoice_translate", {"text": "Hi", "target_language": "auto"}, "target_language should be 'en', 'it'"),
    ("webvoice_translate", {"text": "Hi", "target_language": LONG}, "target_language should be 'en', 'it'"),
    ("webvoice_translate", {"text": "Hi", "target_language": 5}, "target_language should be 'en', 'it'"),
    (
        "webvoice_translate",
        {"text": "Hi", "target_language": "it", "source_language": "xx"},
        "source_language should be 'auto', 'en'",
    ),
    ("webvoice_translate", {"text": "Hi", "target_language": "it", LONG: 1}, "webvoice_translate does not know"),
    ("webvoice_speak", {"text": "Hi"}, "There is no tool 'webvoice_speak'"),
    ("webvoice_transcribe", {}, "There is no tool 'webvoice_transcribe'. Did you mean webvoice_translate"),
    ("", {}, "There is no tool ''"),
    (LONG, {}, "There is no tool 'xxxx"),
]


@pytest.fixture(scope="module")
def wire(start: Start, service: Loopback) -> Wire:
    """A server with a key."""
    return start(BASE_URL=service.base_url, API_KEY=CANARY)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(("tool", "arguments", "sentence"), INVALID, ids=map(named, INVALID))
def test_wrong_arguments_are_refused_by_name_before_any_request(
    wire: Wire, tool: str, arguments: Message, sentence: str
) -> None:
    code, text = failure(wire.call(tool, arguments))
    assert code == "invalid_argument"
    assert text.startswith(f"invalid_argument: {sentence}")


@pytest.mark.parametrize("argument", ["output_path", "audio_path"])
def test_what_a_long_refusal_leaves_out_is_the_middle_of_the_argument(wire: Wire, out: Path, argument: str) -> None:
    long = "/".join(["folder"] * 500)
    if argument == "audio_path":
        code, text = failure(wire.call("webvoice_stt", {"audio_path": long}))
        end = f"Give an absolute path, or one relative to the output folder {out}."
    else:
        code, text = failure(wire.call("webvoice_tts", {"text": "Hi", "output_path": f"{long}/hi.wav"}))
        end = "Use .mp3."
    assert code in ("file_not_found", "invalid_argument")
    assert "folder/folder" in text
    assert "…" in text
    assert text.endswith(end)
