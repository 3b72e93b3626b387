"""The tools with providers apply the contract's rules."""

from typing import Any

import pytest

from tests.support import MakeSettings
from tests.tools.calls import TOOLS, check_refused
from tests.tools.provider_values import LINK, accepted, refused
from webvoice_mcp.contract.image import EDIT_RULES, IMAGE_RULES, format_size
from webvoice_mcp.contract.rules import Rules
from webvoice_mcp.contract.video import IMAGE_TO_VIDEO_RULES, TEXT_TO_VIDEO_RULES

# The required arguments of each tool, and the rules of its providers.
WITH_PROVIDERS: dict[str, tuple[dict[str, Any], Rules]] = {
    "webvoice_image": ({"prompt": "x"}, IMAGE_RULES),
    "webvoice_image_to_image": ({"prompt": "x", "images": [LINK]}, EDIT_RULES),
    "webvoice_image_to_video": ({"prompt": "x", "image": LINK}, IMAGE_TO_VIDEO_RULES),
    "webvoice_text_to_video": ({"prompt": "x"}, TEXT_TO_VIDEO_RULES),
}
# Parameters that are accepted only together with another one.
COMPANIONS: dict[str, dict[str, Any]] = {
    "width": {"height": 512},
    "height": {"width": 512},
    "lora_scale": {"lora_url": LINK},
}


@pytest.mark.parametrize("name", WITH_PROVIDERS)
async def test_values_that_a_provider_accepts_are_requested(name: str) -> None:
    required, rules = WITH_PROVIDERS[name]
    tool = TOOLS[name]
    for provider, parameter, value in accepted(rules):
        arguments = {**required, "provider": provider, parameter: value, **COMPANIONS.get(parameter, {})}
        call = await tool.function(**tool.sdk_tool().fn_metadata.validate_arguments(arguments))
        expected = format_size(provider, value) if parameter == "size" else value
        assert call.request.fields().items() >= {"provider": provider, parameter: expected}.items()


@pytest.mark.parametrize("name", WITH_PROVIDERS)
async def test_other_values_and_parameters_are_refused_before_any_request(
    make_settings: MakeSettings, name: str
) -> None:
    required, rules = WITH_PROVIDERS[name]
    expected = [
        ({**required, "provider": provider, parameter: value}, f"invalid_argument: {beginning}")
        for provider, parameter, value, beginning in refused(rules)
    ]
    unknown = ({**required, "provider": "x"}, f"invalid_argument: provider should be '{next(iter(rules))}'")
    await check_refused(make_settings(), name, [*expected, unknown])


async def test_the_seed_minus_one_means_none_for_every_provider() -> None:
    for name, (required, rules) in WITH_PROVIDERS.items():
        tool = TOOLS[name]
        for provider, parameters in rules.items() if "seed" in tool.sdk_tool().parameters["properties"] else ():
            chosen = {"provider": provider} if "provider" in tool.sdk_tool().parameters["properties"] else {}
            call = await tool.function(**required, **chosen, seed=-1)
            assert call.request.fields().get("seed") == (-1 if "seed" in parameters else None)


@pytest.mark.parametrize(
    ("narrow", "general", "provider", "arguments"),
    [
        (
            "webvoice_qwen_image_max",
            "webvoice_image",
            "qwen-image-max",
            {"prompt": "x", "aspect_ratio": "3:4", "size": "1024*1536", "seed": 7},
        ),
        (
            "webvoice_veo_fast_text_to_video",
            "webvoice_text_to_video",
            "veo-fast",
            {
                "prompt": "x",
                "duration": 8,
                "resolution": "1080p",
                "aspect_ratio": "9:16",
                "generate_audio": True,
                "negative_prompt": "fog",
                "seed": 1,
            },
        ),
        (
            "webvoice_deepinfra_chat",
            "webvoice_chat",
            "deepinfra",
            {
                "prompt": "x",
                "system": "y",
                "model": "Qwen/Qwen3-Max-Thinking",
                "max_tokens": 5,
                "temperature": 1,
                "stream": True,
            },
        ),
    ],
)
async def test_a_narrow_tool_is_a_general_one_with_its_provider(
    narrow: str, general: str, provider: str, arguments: dict[str, Any]
) -> None:
    if "stream" not in arguments:
        arguments = {**arguments, "output_path": "there", "background": True}
    call = await TOOLS[narrow].function(**arguments)
    other = await TOOLS[general].function(**arguments, provider=provider)
    for field in ("endpoint", "request", "inputs", "output", "background", "stream", "expected_files"):
        assert getattr(call, field) == getattr(other, field)
    assert call.request.fields()["provider"] == provider
