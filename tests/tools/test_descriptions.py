"""Descriptions of tools and parameters agree with the contract."""

import re
from collections.abc import Iterator, Mapping
from typing import get_args

import pytest

from tests.tools.calls import TOOLS
from webvoice_mcp.contract.chat import CHAT_PRICES
from webvoice_mcp.contract.image import (
    EDIT_CREDITS,
    EDIT_RULES,
    GEN4_RESOLUTION,
    IMAGE_PROVIDERS,
    IMAGE_RULES,
    MAX_EDIT_IMAGES,
)
from webvoice_mcp.contract.messaging import DEFAULT_SUBJECT, MEMO_PRICE
from webvoice_mcp.contract.prices import Price
from webvoice_mcp.contract.rules import Anything, Between, Link, Links, OneOf, Ratio, Rule, Rules, Size
from webvoice_mcp.contract.speech import SPEECH_PRICE, TRANSCRIPTION_PRICE
from webvoice_mcp.contract.translation import TRANSLATION_PRICE
from webvoice_mcp.contract.video import (
    IMAGE_TO_VIDEO_PROVIDERS,
    IMAGE_TO_VIDEO_RULES,
    REFERENCES_FACTOR,
    TEXT_TO_VIDEO_PROVIDERS,
    TEXT_TO_VIDEO_RULES,
)
from webvoice_mcp.tools.chat import DeepInfraModel

RULES: dict[str, Rules] = {
    "webvoice_image": IMAGE_RULES,
    "webvoice_qwen_image_max": {"qwen-image-max": IMAGE_RULES["qwen-image-max"]},
    "webvoice_image_to_image": EDIT_RULES,
    "webvoice_image_to_video": IMAGE_TO_VIDEO_RULES,
    "webvoice_text_to_video": TEXT_TO_VIDEO_RULES,
    "webvoice_veo_fast_text_to_video": {"veo-fast": TEXT_TO_VIDEO_RULES["veo-fast"]},
}
ALIASES = {"runway": "gen4"}
_EXAMPLES = re.compile(r"E\.g\. ([^.(]*?)(?=:\s|\.|, [0-9]+ to )")
_LIMITS = re.compile(r"(?<![\w:])(?:[0-9]+:[0-9]+|[0-9]+p|[0-9]+)(?![\w:])")


def parameter_descriptions(tool: str) -> dict[str, str]:
    properties = TOOLS[tool].sdk_tool().parameters["properties"]
    return {name: schema["description"] for name, schema in properties.items()}


def limits_in(rule: Rule) -> set[str]:
    """Return the numbers and choices of a rule as a description writes them."""
    match rule:
        case OneOf(values):
            return set(map(str, values))
        case Between(least, most) if most is not None:
            return {f"{least:g}", f"{most:g}"}
        case Size(least, most) if most is not None:
            return {str(least), str(most)}
        case Links(most) if most is not None:
            return {"1", str(most)}
        case Between() | Size() | Links() | Link() | Ratio() | Anything():
            return set()
    raise AssertionError(f"a kind of rule that this test does not know: {rule}")


def provider_name(providers: Rules) -> re.Pattern[str]:
    """Return a pattern of the providers' names, which does not take a longer name for a shorter one."""
    names = "|".join(map(re.escape, sorted(providers, key=len, reverse=True)))
    return re.compile(rf"(?<![\w-])({names})(?![\w-])")


def words_in(text: str, limits: set[str]) -> set[str]:
    """Return the numbers of a text, and those of the limits that are words."""
    return set(_LIMITS.findall(text)) | {word for word in limits if re.search(rf"(?<![\w:]){re.escape(word)}\b", text)}


def disagreements(tool: str, parameter: str, description: str) -> list[str]:
    """Compare a description with the contract's rules; return what is wrong with it."""
    rules = RULES[tool]
    taking = {provider: own[parameter] for provider, own in rules.items() if parameter in own}
    affirmed, _, denied = description.partition("Not ")
    return [
        *wrong_providers(rules, set(taking), affirmed, denied),
        *wrong_examples(taking, affirmed),
        *wrong_limits(rules, taking, affirmed),
    ]


def wrong_providers(rules: Rules, taking: set[str], affirmed: str, denied: str) -> Iterator[str]:
    name = provider_name(rules)
    not_taking = {ALIASES.get(provider, provider) for provider in set(rules) - taking}
    named = set(name.findall(affirmed))
    if denied and set(name.findall(denied)) != not_taking:
        yield f"not taken by {not_taking}"
    if not named <= taking:
        yield f"named, but not taking it: {named - taking}"
    if named and not_taking and named != taking:
        yield f"taken by {taking}, named are {named}"


def wrong_examples(taking: Mapping[str, Rule], affirmed: str) -> Iterator[str]:
    examples = _EXAMPLES.search(affirmed)
    for example in examples[1].split(", ") if examples else []:
        if refusing := [provider for provider, rule in taking.items() if not rule.accepts(example)]:
            yield f"the example {example} is refused by {refusing}"


def wrong_limits(rules: Rules, taking: Mapping[str, Rule], affirmed: str) -> Iterator[str]:
    limits = {provider: limits_in(rule) for provider, rule in taking.items() if provider not in ALIASES}
    every_limit = set().union(*limits.values())
    # Text behind a name is about that provider; text before the first name is about the providers without a name.
    of_others, *of_named = provider_name(rules).split(_EXAMPLES.sub("", affirmed))
    named = [
        (provider, words_in(text, every_limit)) for provider, text in zip(of_named[::2], of_named[1::2], strict=True)
    ]
    before = words_in(of_others, every_limit)
    others = [(provider, before) for provider in set(limits) - {provider for provider, _ in named}]
    for provider, words in [*named, *others]:
        if not words <= limits.get(provider, set()):
            yield f"{provider} has the limits {limits.get(provider)}, named are {words}"
    all_words = before.union(*(words for _, words in named))
    if all_words and all_words != every_limit:
        yield f"limits are {sorted(every_limit)}, the description names {sorted(all_words)}"


def test_parameters_name_the_providers_and_limits_of_the_contract() -> None:
    found = [
        f"{tool}, {parameter}, {description!r}: {disagreement}"
        for tool, rules in RULES.items()
        for parameter, description in parameter_descriptions(tool).items()
        if any(parameter in own for own in rules.values())
        for disagreement in disagreements(tool, parameter, description)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("tool", "parameter", "description"),
    [
        ("webvoice_image", "num_images", "nucleus: 1 to 3, each is paid."),
        ("webvoice_image", "num_images", "1 or 2, each is paid. Not wan."),
        ("webvoice_image", "size", "E.g. 1024x1024: sdxl (256 to 1536 a side), wan."),
        ("webvoice_image", "size", "E.g. 1920x1080: sdxl (256 to 1536 a side), wan, flux-klein-lora, qwen-image-max."),
        ("webvoice_image", "image_url", "sd3, wan: https URL to start from."),
        ("webvoice_image_to_video", "duration", "Seconds: 4 to 15 (gen4: 2 to 9)."),
        ("webvoice_image_to_video", "duration", "Seconds: 2 to 10 (gen4: 4 to 15)."),
        ("webvoice_image_to_video", "aspect_ratio", "16:9, 9:16, 1:1, 4:3, 3:4; seedance also 21:9."),
        ("webvoice_text_to_video", "duration", "Seconds, 5 to 15."),
    ],
)
def test_a_wrong_description_would_be_found(tool: str, parameter: str, description: str) -> None:
    assert disagreements(tool, parameter, description) != []


def test_limits_outside_the_provider_rules_are_described() -> None:
    edits = parameter_descriptions("webvoice_image_to_image")["images"]
    assert edits.startswith(f"1 to {MAX_EDIT_IMAGES}: ")
    assert f"{MAX_EDIT_IMAGES} images" in (TOOLS["webvoice_image_to_image"].sdk_tool().description or "")
    assert parameter_descriptions("webvoice_send_email")["subject"] == f"Unset: {DEFAULT_SUBJECT}."
    for parameter in ("reference_images", "reference_videos"):
        assert "doubles the price" in parameter_descriptions("webvoice_text_to_video")[parameter]
    assert REFERENCES_FACTOR == 2


def test_what_readers_of_the_list_asked_is_answered_in_it() -> None:
    model = "openrouter:google/gemini-2.5-flash-image"
    assert model in CHAT_PRICES
    answers = {
        ("webvoice_chat", ""): f"{model} (Nano Banana) also draws",
        ("webvoice_image", ""): f"Nano Banana: webvoice_chat with {model}",
        ("webvoice_image", "provider"): "gen4 and gen4-turbo are Runway",
        ("webvoice_image_to_image", "aspect_ratio"): "Unset: 1024x1024, not the input's",
        ("webvoice_tts", ""): "ends in .wav is refused",
        ("webvoice_list_voices", ""): "names, which tell the gender",
        ("webvoice_translate", "source_language"): "auto means English to the service",
        ("webvoice_chat", "web_search"): "Documented for deepseek-websearch, Moonshot and Z.AI models only",
        ("webvoice_usage", "days"): "today included",
        ("webvoice_estimate_credits", "arguments"): "All its arguments",
        ("webvoice_register_verify", "code"): "digits from the mail; spaces are dropped",
    }
    for (tool, parameter), words in answers.items():
        whole = " ".join((TOOLS[tool].sdk_tool().description or "").split())
        assert words in (parameter_descriptions(tool)[parameter] if parameter else whole), (tool, parameter)


def credits_(price: Price) -> str:
    """Return the credits of one unit, rounded as descriptions do."""
    return f"{round(price.per_unit, 2):g}"


def chat_range(models: Mapping[str, Price]) -> str:
    prices = [price.credits for price in models.values()]
    return f"Costs {min(prices):g} to {max(prices):g} credits a request"


def image_prices() -> str:
    named = ("minimax", "wan", "nucleus", "gen4", "qwen-image-max")
    minimax, wan, nucleus, gen4, qwen = (IMAGE_PROVIDERS[name] for name in named)
    (others,) = {credits_(provider.price()) for name, provider in IMAGE_PROVIDERS.items() if name not in named}
    return (
        f"Costs, an image: minimax {credits_(minimax.price())} credits, wan {credits_(wan.price())}, nucleus "
        f"{credits_(nucleus.price())}, gen4 {credits_(gen4.price('720p'))} ({credits_(gen4.price())} at "
        f"{GEN4_RESOLUTION}), qwen-image-max {credits_(qwen.price())} by default, others {others}."
    )


def video_prices() -> dict[str, str]:
    animated, filmed = IMAGE_TO_VIDEO_PROVIDERS, TEXT_TO_VIDEO_PROVIDERS
    seedance, veo, fast = (filmed[name] for name in ("seedance", "veo", "veo-fast"))
    return {
        "webvoice_image_to_video": (
            f"Costs {credits_(animated['seedance'].price())} credits a second (seedance, "
            f"{credits_(animated['seedance'].price('1080p'))} at 1080p) or {credits_(animated['gen4'].price())} (gen4)."
        ),
        "webvoice_text_to_video": (
            f"Costs, a second: seedance {credits_(seedance.price())} credits ({credits_(seedance.price('1080p'))} at "
            f"1080p), veo (Lite) {credits_(veo.price())} ({credits_(veo.price('1080p'))}), veo-fast "
            f"{credits_(fast.price())}."
        ),
        "webvoice_veo_fast_text_to_video": f"Costs {credits_(fast.price())} credits a second.",
    }


def test_the_prices_in_tool_descriptions_are_those_of_the_contract() -> None:
    transcription = f"Costs {TRANSCRIPTION_PRICE.credits:g} credits per {TRANSCRIPTION_PRICE.unit}"
    translation = TRANSLATION_PRICE
    expected = {
        "webvoice_chat": chat_range(CHAT_PRICES),
        "webvoice_deepinfra_chat": chat_range({model: CHAT_PRICES[model] for model in get_args(DeepInfraModel)}),
        "webvoice_tts": f"Costs {SPEECH_PRICE.credits:g} credits per {SPEECH_PRICE.unit} of speech.",
        "webvoice_narrate": f"Costs {SPEECH_PRICE.credits:g} credits per started {SPEECH_PRICE.unit} of each part",
        "webvoice_stt": transcription,
        "webvoice_whisper_fast_stt": transcription,
        "webvoice_translate": (
            f"Costs {translation.credits:g} credits per {translation.amount} {translation.unit}s, at least "
            f"{translation.credits:g} a request."
        ),
        "webvoice_image": image_prices(),
        "webvoice_qwen_image_max": f"Costs {credits_(IMAGE_PROVIDERS['qwen-image-max'].price())} credits by default.",
        "webvoice_image_to_image": f"Costs {EDIT_CREDITS:g} credit.",
        **video_prices(),
    }
    assert {name for name, tool in TOOLS.items() if tool.is_paid} == set(expected)
    for name, tool in TOOLS.items():
        _, _, rest = (tool.sdk_tool().description or "").partition("\n\n")
        assert " ".join(rest.split()).startswith(expected.get(name, "Free")), (name, rest)
    assert MEMO_PRICE.credits == 0
