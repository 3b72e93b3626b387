"""Pictures as inputs, local or linked, and parameters that belong to a provider: checked before anything is sent."""

from collections.abc import Sequence

from webvoice_mcp.contract.endpoint import Request
from webvoice_mcp.contract.rules import Link, Rules, complaint, is_public_link
from webvoice_mcp.errors import InvalidArgument


def refuse_for_provider(rules: Rules, provider: str, request: Request) -> None:
    """Refuse what the provider does not take, of all that the request has besides provider and prompt.

    Raises:
        InvalidArgument: names the parameter and what is accepted.
    """
    if reason := complaint(rules, provider, request.model_dump(exclude={"provider", "prompt"})):
        raise InvalidArgument(reason)


def is_link(text: str, argument: str) -> bool:
    """Whether an input is a URL rather than a path on this computer.

    Raises:
        InvalidArgument: it is a URL that the service could not fetch; names the argument.
    """
    scheme, separator, _ = text.partition("://")
    if not separator or scheme.lower() == "file":
        if text.lower().startswith("data:"):
            raise InvalidArgument(f"{argument} is a data: URL. Give the path of a local file or a public https URL.")
        return False
    if not is_public_link(text):
        raise InvalidArgument(f"{argument}: the link {text[:100]!r} must be {Link().words}. Or give a local path.")
    return True


def all_links(inputs: Sequence[str], argument: str) -> bool:
    """Whether every input in a list is a link.

    Raises:
        InvalidArgument: one is a URL that the service could not fetch.
    """
    links = [is_link(each, f"{argument}[{number}]") for number, each in enumerate(inputs)]
    return all(links)
