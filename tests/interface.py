"""The public interface, typed out by hand: tools by family with their parameters, results and hints.

A parameter is `name!` when it is required, `name=value` with its default in JSON, `name` when it may be left out and is
then not sent. A field of a result is `name!` when every answer has it.
"""

from typing import Final

_CONVERSATION: Final = "prompt messages system"
_SAMPLING: Final = "max_tokens=2000 temperature=0.7"
_SAVED: Final = "output_path background=false"
_WALLET: Final = "credits_used credits_remaining job_id state"  # the last two where a call goes on as a job
_ANSWER: Final = f"text finish_reason tool_calls reasoning id model provider usage {_WALLET}"
_TRANSCRIPT: Final = f"text language duration files {_WALLET}"
_PICTURES: Final = f"files! provider count {_WALLET}"
_CLIP: Final = f"files! provider duration resolution {_WALLET}"

PARAMETERS: Final[dict[str, dict[str, str]]] = {
    "account": {
        "webvoice_register_send_code": "email! accept_privacy! accept_terms!",
        "webvoice_register_verify": 'email! code! create_api_key=true api_key_name="webvoice-mcp"',
        "webvoice_create_api_key": "name! use=false",
        "webvoice_onboarding": "",
        "webvoice_status": "",
        "webvoice_account_links": "",
        "webvoice_estimate_credits": "tool! arguments!",
        "webvoice_usage": "days=30",
        "webvoice_jobs": "job_id wait_seconds=0",
    },
    "chat": {
        "webvoice_list_chat_models": "provider free_only=false search openai_format=false",
        "webvoice_chat": f'{_CONVERSATION} model="deepseek-v4-flash" provider {_SAMPLING} tools tool_choice '
        "web_search=false stream",
        "webvoice_deepinfra_chat": f'{_CONVERSATION} model="moonshotai/Kimi-K2.6" {_SAMPLING} stream',
    },
    "speech": {
        "webvoice_list_voices": "language provider",
        "webvoice_tts": 'text! voice language="en" speed=0.9 provider output_path background=false',
        "webvoice_stt": f"audio_path! language provider {_SAVED}",
        "webvoice_whisper_fast_stt": f"audio_path! language {_SAVED}",
    },
    "translation": {"webvoice_translate": 'text! target_language! source_language="auto"'},
    "image": {
        "webvoice_image": 'prompt! provider="minimax" aspect_ratio width height size seed model thinking_mode '
        "negative_prompt num_images num_inference_steps guidance_scale output_format resolution reference_images "
        f"image_url loras lora_url lora_scale response_format {_SAVED}",
        "webvoice_qwen_image_max": f"prompt! aspect_ratio size seed {_SAVED}",
        "webvoice_image_to_image": f"prompt! images! provider aspect_ratio size seed {_SAVED}",
    },
    "video": {
        "webvoice_image_to_video": 'prompt! image! provider="seedance" duration=5 resolution aspect_ratio '
        f"generate_audio last_image_url {_SAVED}",
        "webvoice_text_to_video": 'prompt! provider="seedance" duration=5 resolution aspect_ratio generate_audio '
        f"reference_images reference_videos negative_prompt seed {_SAVED}",
        "webvoice_veo_fast_text_to_video": "prompt! duration=5 resolution aspect_ratio generate_audio negative_prompt "
        f"seed {_SAVED}",
    },
    "messaging": {"webvoice_send_email": "to! body! subject", "webvoice_voice_memo": "text! title"},
}

FIELDS: Final[dict[str, str]] = {
    "webvoice_register_send_code": "success! is_new_user message next_step!",
    "webvoice_register_verify": "success! api_key api_key_saved_to onboarding note",
    "webvoice_create_api_key": "success! api_key! name! api_key_saved_to",
    "webvoice_onboarding": "credits can_use_api billing solana urls",
    "webvoice_status": "user credits api_key key_source!",
    "webvoice_account_links": "login! api_dashboard! documentation! buy_credits_paypal! subscriptions! solana_topup!",
    "webvoice_estimate_credits": "credits! basis!",
    "webvoice_usage": "total_credits! by_tool! recent!",
    "webvoice_jobs": "jobs!",
    "webvoice_list_chat_models": "models! count!",
    "webvoice_chat": _ANSWER,
    "webvoice_deepinfra_chat": _ANSWER,
    "webvoice_list_voices": "voices! count!",
    "webvoice_tts": f"files! format duration voice language provider {_WALLET}",
    "webvoice_stt": _TRANSCRIPT,
    "webvoice_whisper_fast_stt": _TRANSCRIPT,
    "webvoice_translate": f"translated_text source_language target_language text_length {_WALLET}",
    "webvoice_image": _PICTURES,
    "webvoice_qwen_image_max": _PICTURES,
    "webvoice_image_to_image": f"files! provider input_count {_WALLET}",
    "webvoice_image_to_video": _CLIP,
    "webvoice_text_to_video": _CLIP,
    "webvoice_veo_fast_text_to_video": _CLIP,
    "webvoice_send_email": "success! message to subject",
    "webvoice_voice_memo": "voice_note_id title detail_url created_at",
}

LIMITS: Final[dict[tuple[str, str], dict[str, object]]] = {
    ("webvoice_chat", "max_tokens"): {"minimum": 1, "maximum": 8000},
    ("webvoice_chat", "temperature"): {"minimum": 0, "maximum": 2},
    ("webvoice_deepinfra_chat", "model"): {
        "enum": [
            "moonshotai/Kimi-K2.6",
            "nvidia/Nemotron-3-Nano-Omni-30B-A3B-Reasoning",
            "Qwen/Qwen3-Max-Thinking",
            "google/gemma-4-26B-A4B-it",
        ]
    },
    ("webvoice_jobs", "wait_seconds"): {"minimum": 0, "maximum": 45},
    ("webvoice_tts", "speed"): {"minimum": 0.5, "maximum": 2},
    ("webvoice_stt", "provider"): {"enum": ["whisper_small", "whisper_fast", "whisper_groq", "whisper_max_local"]},
}

READ_ONLY: Final = {
    "webvoice_onboarding",
    "webvoice_status",
    "webvoice_account_links",
    "webvoice_estimate_credits",
    "webvoice_usage",
    "webvoice_jobs",
    "webvoice_list_chat_models",
    "webvoice_list_voices",
}
CLOSED_WORLD: Final = {"webvoice_account_links", "webvoice_estimate_credits", "webvoice_usage", "webvoice_jobs"}
DESTRUCTIVE: Final = {"webvoice_send_email"}

# Convenience tools, each a narrower form of a general one.
GENERAL: Final = {
    "webvoice_deepinfra_chat": "webvoice_chat",
    "webvoice_whisper_fast_stt": "webvoice_stt",
    "webvoice_qwen_image_max": "webvoice_image",
    "webvoice_veo_fast_text_to_video": "webvoice_text_to_video",
}
