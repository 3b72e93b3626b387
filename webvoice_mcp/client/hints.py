"""Names the tools for paths of the API, because a caller of tools cannot send requests to paths."""

import re

TOOLS_BY_PATH = {
    "auth/send-code": "webvoice_register_send_code",
    "auth/verify-code": "webvoice_register_verify",
    "keys": "webvoice_create_api_key",
    "onboarding": "webvoice_onboarding",
    "status": "webvoice_status",
    "models": "webvoice_list_chat_models",
    "chat/models": "webvoice_list_chat_models",
    "chat/completions": "webvoice_chat",
    "voices": "webvoice_list_voices",
    "tts": "webvoice_tts",
    "stt": "webvoice_stt",
    "translation": "webvoice_translate",
    "image": "webvoice_image",
    "image-to-image": "webvoice_image_to_image",
    "image-to-video": "webvoice_image_to_video",
    "text-to-video": "webvoice_text_to_video",
    "send-email": "webvoice_send_email",
    "voice-memo/text": "webvoice_voice_memo",
}
"""The tool for each path, which is written without its final slash. A test compares them with the tools' endpoints."""

_PATHS = "|".join(sorted(TOOLS_BY_PATH, key=len, reverse=True))
_PATH = re.compile(rf"(?:(?<=/api/v1/)|(?<![\w./-])/?)({_PATHS})/(?![\w/])")


def tools_for_paths_in(message: str) -> list[str]:
    """Return the tools for the paths in a message of the service, such as `models/` or `GET /api/v1/status/`."""
    return list(dict.fromkeys(TOOLS_BY_PATH[path] for path in _PATH.findall(message)))
