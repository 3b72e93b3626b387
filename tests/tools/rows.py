"""Rows of the provider × parameter table, generated from the contract's rules."""

from collections.abc import Iterator, Mapping
from typing import Any

from webvoice_mcp.contract.rules import Between, Link, Links, OneOf, Ratio, Rule, Rules, Size

LINK = "https://example.com/a.png"
NO_LINKS = ("http://example.com/a.png", "https://me:pw@example.com/a.png", "https://", "a.png", "ftp://example.com/a")

# Values of parameters whose only rule is their type.
ANY: Mapping[str, Any] = {
    "model": "image-01",
    "thinking_mode": False,
    "negative_prompt": "blurry",
    "loras": [{"path": LINK, "scale": 0.5}],
    "lora_scale": 0.5,
    "generate_audio": False,
}


def good(parameter: str, rule: Rule) -> list[Any]:
    """Values at the edges of what a rule accepts."""
    match rule:
        case OneOf(values):
            return list(values)
        case Between(least, most):
            return [least] if most is None else [least, most]
        case Size(least, most):
            return ["1024x1024", "2048*512"] if most is None else [f"{least}x{most}", f"{most}*{least}"]
        case Ratio():
            return ["1:1", "21:9"]
        case Link():
            return [LINK]
        case Links(most):
            return [[LINK], [LINK] * (most or 5)]
        case _:
            return [ANY[parameter]]


def bad(rule: Rule) -> list[Any]:
    """Values just beyond what a rule accepts."""
    match rule:
        case OneOf(values):
            return [99 if isinstance(values[0], int) else "nonsense"]
        case Between(least, most):
            return [least - 1] if most is None else [least - 1, most + 1]
        case Size(least, most):
            beyond = [f"{least - 1}x{most}", f"{least}*{most + 1}"] if most else []
            return ["large", "1024", "1024*", *beyond]
        case Ratio():
            return ["wide", "16/9", "0:9"]
        case Link():
            return list(NO_LINKS)
        case Links(most):
            return [[LINK, each] for each in NO_LINKS] + ([[LINK] * (most + 1)] if most else [])
        case _:
            return []


def accepted(rules: Rules) -> Iterator[tuple[str, str, Any]]:
    """Provider, parameter and a value that it takes."""
    for provider, parameters in rules.items():
        for parameter, rule in parameters.items():
            for value in good(parameter, rule):
                yield provider, parameter, value


def refused(rules: Rules) -> Iterator[tuple[str, str, Any, str]]:
    """Provider, parameter, a value that it does not take, and how the refusal begins."""
    everything = {name: rule for parameters in rules.values() for name, rule in parameters.items()}
    for provider, parameters in rules.items():
        for parameter, rule in everything.items():
            if parameter not in parameters:
                yield provider, parameter, good(parameter, rule)[0], f"{parameter} is not for provider {provider}, but"
                continue
            for value in bad(parameters[parameter]):
                yield provider, parameter, value, parameter
