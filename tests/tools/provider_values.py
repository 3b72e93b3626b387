"""Values that providers accept and refuse, generated from the contract's rules."""

from collections.abc import Iterator, Mapping
from typing import Any

from webvoice_mcp.contract.rules import Between, Link, Links, OneOf, Ratio, Rule, Rules, Size

LINK = "https://example.com/a.png"
BAD_LINKS = ("http://example.com/a.png", "https://me:pw@example.com/a.png", "https://", "a.png", "ftp://example.com/a")

# Values of parameters whose only rule is their type.
_ANY: Mapping[str, Any] = {
    "model": "image-01",
    "thinking_mode": False,
    "negative_prompt": "blurry",
    "loras": [{"path": LINK, "scale": 0.5}],
    "lora_scale": 0.5,
    "generate_audio": False,
}


def accepted(rules: Rules) -> Iterator[tuple[str, str, Any]]:
    """Yield each provider and parameter with each value at the edges of what is accepted."""
    for provider, parameters in rules.items():
        for parameter, rule in parameters.items():
            for value in _accepted_values(parameter, rule):
                yield provider, parameter, value


def refused(rules: Rules) -> Iterator[tuple[str, str, Any, str]]:
    """Yield each provider and parameter with a value that is refused, and the beginning of the error text."""
    all_rules = {name: rule for parameters in rules.values() for name, rule in parameters.items()}
    for provider, parameters in rules.items():
        for parameter, rule in all_rules.items():
            if parameter not in parameters:
                value = 7 if parameter == "seed" else _accepted_values(parameter, rule)[0]  # the seed -1 means none
                yield provider, parameter, value, f"{parameter} is not accepted by provider {provider}, only by "
                continue
            for value in _refused_values(parameters[parameter]):
                yield provider, parameter, value, parameter


def _accepted_values(parameter: str, rule: Rule) -> list[Any]:
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
            return [_ANY[parameter]]


def _refused_values(rule: Rule) -> list[Any]:
    match rule:
        case OneOf(values):
            return [99 if isinstance(values[0], int) else "nonsense"]
        case Between(least, most):
            return [least - 1] if most is None else [least - 1, most + 1]
        case Size(least, most):
            return ["1024", *([f"{least - 1}x{most}", f"{least}*{most + 1}"] if most else [])]
        case Ratio():
            return ["16/9"]
        case Link():
            return [BAD_LINKS[0]]
        case Links(most):
            return [[LINK, BAD_LINKS[0]], *([[LINK] * (most + 1)] if most else [])]
        case _:
            return []
