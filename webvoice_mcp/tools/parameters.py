"""Parameter types and argument checks that several tools share."""

import re
from collections.abc import Sequence
from typing import Annotated, TypeVar

from pydantic import Field

from webvoice_mcp.client.redaction import without_invisible
from webvoice_mcp.contract.endpoint import Request
from webvoice_mcp.contract.links import is_public_link
from webvoice_mcp.contract.rules import Link, Rules, complaint
from webvoice_mcp.errors import InvalidArgument
from webvoice_mcp.jobs.call import Input

Background = Annotated[bool, Field(description="Answer at once with a job_id; webvoice_jobs has the result.")]
OutputPath = Annotated[
    str, Field(description="A new file or a folder: absolute, ~ or in the output folder. Unset: a new name there.")
]

AnyRequest = TypeVar("AnyRequest", bound=Request)

NO_SEED = -1
_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]+")  # one address only, without a name


def checked_email(argument: str, address: str) -> str:
    """Return the address without surrounding spaces.

    Raises:
        InvalidArgument: it cannot be an e-mail address.
    """
    stripped = address.strip()
    # Invisible characters would show the user another address than the one that is written to.
    if not _EMAIL.fullmatch(stripped) or without_invisible(stripped) != stripped:
        raise InvalidArgument(f"{argument} is not an e-mail address. Give one like name@example.com.")
    return stripped


def check_line(argument: str, text: str) -> None:
    """Refuse text that does not fit in one line of an e-mail's head.

    Raises:
        InvalidArgument: it has a line break or another control character.
    """
    if _CONTROL_CHARACTER.search(text):
        raise InvalidArgument(f"{argument} has a line break or another control character. Give one line of plain text.")


def checked_for_provider(rules: Rules, provider: str, request: AnyRequest) -> AnyRequest:
    """Refuse parameters and values that a provider does not take; return the request to send.

    The seed -1 means none, for clients that must give a seed. It is left out where the provider takes no seed.

    Raises:
        InvalidArgument: names the parameter and what is accepted.
    """
    given = request.model_dump(exclude={"provider", "prompt"})
    if given.get("seed") == NO_SEED and "seed" not in rules[provider]:
        given["seed"] = None
        request = request.model_copy(update={"seed": None})
    if reason := complaint(rules, provider, given):
        raise InvalidArgument(reason)
    return request


def picture_inputs(pictures: Sequence[str], argument: str) -> tuple[Input, ...]:
    """Return pictures, which are local paths or https URLs, as inputs of a call.

    Args:
        argument: name of the tool's argument; one that ends in s is a list, and messages number its items.

    Raises:
        InvalidArgument: the service could not fetch a URL.
    """
    is_list = argument.endswith("s")
    names = [f"{argument}[{number}]" if is_list else argument for number in range(len(pictures))]
    return tuple(
        Input(picture, name, "image", is_url=_is_url(picture, name))
        for picture, name in zip(pictures, names, strict=True)
    )


def _is_url(text: str, argument: str) -> bool:
    scheme, separator, _ = text.partition("://")
    if not separator or scheme.lower() == "file":
        if text.lower().startswith("data:"):
            raise InvalidArgument(f"{argument} is a data: URL. Give the path of a local file or a public https URL.")
        return False
    if not is_public_link(text):
        raise InvalidArgument(f"{argument}: the link {text[:100]!r} must be {Link().words}. Or give a local path.")
    return True
