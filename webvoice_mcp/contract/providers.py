"""A provider of an endpoint: the parameters that it takes, their limits, and its prices."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from webvoice_mcp.contract.prices import Price
from webvoice_mcp.contract.rules import Rule, Rules


@dataclass(frozen=True, slots=True)
class Provider:
    """One value of an endpoint's `provider` parameter.

    Attributes:
        parameters: the optional parameters that it takes, with the values that each accepts.
        prices: price by resolution; "" is the price at every other resolution.
        default_resolution: the resolution that is billed when a request names none.
        alias_of: name of the provider that this one is an alias of, "" for none.
        upstream_key: the setting of the service that holds the upstream key; the provider answers 503 without it.
        size_separator: the character between width and height in its documented example.
    """

    parameters: Mapping[str, Rule]
    prices: Mapping[str, Price] = field(hash=False)
    default_resolution: str = ""
    alias_of: str = ""
    upstream_key: str = field(default="WAVESPEED_API_KEY", kw_only=True)
    size_separator: str = "*"

    def price(self, resolution: str | None = None) -> Price:
        """Return the price at a resolution, or at the default one."""
        return self.prices.get(resolution or self.default_resolution) or self.prices[""]


Providers = Mapping[str, Provider]
"""Providers by name, in the order of the documentation."""


def rules_of(providers: Providers) -> Rules:
    """Return the parameters of each provider, with the rule for each."""
    return {name: provider.parameters for name, provider in providers.items()}


def upstream_keys_of(providers: Providers) -> dict[str, str]:
    """Return the upstream key's setting of each provider."""
    return {name: provider.upstream_key for name, provider in providers.items()}


def aliases_in(providers: Providers) -> dict[str, str]:
    """Return the aliases, mapped to the provider that each one stands for."""
    return {name: provider.alias_of for name, provider in providers.items() if provider.alias_of}
