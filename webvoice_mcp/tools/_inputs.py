"""Pictures as inputs, local or linked, and parameters that belong to a provider: checked before anything is sent."""

from collections.abc import Mapping, Sequence
from typing import Any

from webvoice_mcp.contract.rules import Link, Rules, complaint, is_public_link
from webvoice_mcp.errors import InvalidArgument


def refuse_for_provider(rules: Rules, provider: str, given: Mapping[str, Any]) -> None:
    """Refuse what the provider does not take.

    Args:
        given: parameters by name; None, "" and [] stand for one that was not given.

    Raises:
        InvalidArgument: names the parameter and what is accepted.
    """
    said = {name: None if value in ("", []) else value for name, value in given.items()}
    if reason := complaint(rules, provider, said):
        raise InvalidArgument(reason)


def is_link(text: str) -> bool:
    """Whether an input is a URL rather than a path on this computer.

    Raises:
        InvalidArgument: it is a URL that the service could not fetch.
    """
    scheme, separator, _ = text.partition("://")
    if not separator or scheme.lower() == "file":
        if text.lower().startswith("data:"):
            raise InvalidArgument("A data: URL is no input. Give the path of a local file or a public https URL.")
        return False
    if not is_public_link(text):
        raise InvalidArgument(f"{text[:100]!r} is no input: a link must be {Link().words}. Or give a local path.")
    return True


def all_links(inputs: Sequence[str]) -> bool:
    """Whether every input is a link.

    Raises:
        InvalidArgument: one is a URL that the service could not fetch.
    """
    links = [each for each in inputs if is_link(each)]  # each one is looked at, whatever the others are
    return len(links) == len(inputs)
