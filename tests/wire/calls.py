"""A valid call of every tool, the files that the calls need, and a reply of the service for every endpoint."""

import base64
from pathlib import Path
from typing import Any

from tests.files.samples import MP3_BYTES, PNG_BYTES, mp4_bytes, wav_bytes
from tests.wire_driver import Message

SEND_CODE: Message = {"email": "a@example.com", "accept_privacy": True, "accept_terms": True}
_PROMPT: Message = {"prompt": "a garden at dawn"}

# The required arguments of each tool, by family.
CALLS_BY_FAMILY: dict[str, dict[str, Message]] = {
    "account": {
        "webvoice_register_send_code": SEND_CODE,
        "webvoice_register_verify": {"email": "a@example.com", "code": "123456"},
        "webvoice_create_api_key": {"name": "second"},
        "webvoice_onboarding": {},
        "webvoice_status": {},
        "webvoice_account_links": {},
        "webvoice_estimate_credits": {"tool": "webvoice_chat", "arguments": _PROMPT},
        "webvoice_usage": {},
        "webvoice_jobs": {},
    },
    "chat": {
        "webvoice_list_chat_models": {},
        "webvoice_chat": _PROMPT,
        "webvoice_deepinfra_chat": _PROMPT,
    },
    "speech": {
        "webvoice_list_voices": {},
        "webvoice_tts": {"text": "Good day"},
        "webvoice_narrate": {"text": "Good day"},
        "webvoice_stt": {"audio_path": "talk.wav"},
        "webvoice_whisper_fast_stt": {"audio_path": "talk.wav"},
    },
    "translation": {
        "webvoice_translate": {"text": "Good day", "target_language": "it"},
    },
    "image": {
        "webvoice_image": _PROMPT,
        "webvoice_qwen_image_max": _PROMPT,
        "webvoice_image_to_image": {**_PROMPT, "images": ["photo.png"]},
    },
    "video": {
        "webvoice_image_to_video": {**_PROMPT, "image": "photo.png"},
        "webvoice_text_to_video": _PROMPT,
        "webvoice_veo_fast_text_to_video": _PROMPT,
    },
    "studio": {
        "webvoice_join": {"files": ["there.mp3", "there.mp3"]},
        "webvoice_play": {"stop": True},
    },
    "messaging": {
        "webvoice_send_email": {"to": "a@example.com", "body": "Hi"},
        "webvoice_voice_memo": {"text": "Hi"},
    },
}
CALLS = {tool: arguments for family in CALLS_BY_FAMILY.values() for tool, arguments in family.items()}

LOCAL_TOOLS = {f"webvoice_{name}" for name in ("account_links", "estimate_credits", "usage", "jobs", "join", "play")}
REGISTRATION_TOOLS = {"webvoice_register_send_code", "webvoice_register_verify"}
KEYED_TOOLS = [tool for tool in CALLS if tool not in LOCAL_TOOLS | REGISTRATION_TOOLS]


def _media(field: str, content: bytes) -> Message:
    return {"success": True, field: base64.b64encode(content).decode(), "credits_used": 0.75, "credits_remaining": 9.0}


_MESSAGE = {"role": "assistant", "content": "Good day to you"}
_VIDEO = _media("video", mp4_bytes(b"isom", b"vide"))

REPLIES: dict[str, Any] = {
    "auth/send-code/": {"success": True, "is_new_user": True},
    "auth/verify-code/": {"success": True, "api_key": "wv_first_1234567890", "onboarding": {"credits": 20.0}},
    "keys/": {"success": True, "api_key": "wv_second_1234567890", "name": "second"},
    "onboarding/": {"credits": 20.0, "can_use_api": True},
    "status/": {"success": True, "user": "ann", "credits": 20.0},
    "chat/models/": {"models": [{"id": "a", "provider": "groq", "credits_per_request": 2.0}]},
    "models/": {"object": "list", "data": [{"id": "a", "object": "model"}]},
    "chat/completions/": {
        "id": "c1",
        "choices": [{"index": 0, "message": _MESSAGE, "finish_reason": "stop"}],
        "webvoice": {"credits_used": 1.5, "credits_remaining": 9.0},
    },
    "voices/": {"success": True, "voices": {"en": [{"id": "af_sarah", "name": "Sarah"}]}},
    "tts/": _media("audio", MP3_BYTES),
    "stt/": {"success": True, "text": "Good day", "language": "en", "duration": 1.0, "credits_used": 0.25},
    "translation/": {"translated_text": "Buongiorno", "credits_used": 0.05},
    "image/": _media("image", PNG_BYTES),
    "image-to-image/": _media("image", PNG_BYTES),
    "image-to-video/": _VIDEO,
    "text-to-video/": _VIDEO,
    "send-email/": {"success": True, "message": "sent"},
    "voice-memo/text/": {"success": True, "voice_note_id": 7},
}

# The user's files in the output folder. Some have names that do not fit their content.
FILES = {
    "talk.wav": wav_bytes(8000),
    "photo.png": PNG_BYTES,
    "there.mp3": MP3_BYTES,
    "there.txt": b"already here",
    "text.mp3": b"This is text in spite of its name.",
    "picture.mp3": PNG_BYTES,
    "empty.mp3": b"",
}


def write_files(folder: Path) -> None:
    """Write the user's files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
