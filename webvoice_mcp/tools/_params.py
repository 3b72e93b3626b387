"""Parameter types that two or more tools share."""

import re
from typing import Annotated

from pydantic import Field

from webvoice_mcp.errors import InvalidArgument

Background = Annotated[bool, Field(description="Answer at once with a job_id; webvoice_jobs then has the result.")]

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

OutputPath = Annotated[
    str,
    Field(
        description="File or folder for the result: absolute, ~ or relative to the output folder. "
        "Unset: a new name in the output folder. An existing file is refused."
    ),
]


def checked_email(argument: str, address: str) -> str:
    """The address without blanks around it.

    Raises:
        InvalidArgument: it cannot be an e-mail address; names the argument.
    """
    stripped = address.strip()
    if not _EMAIL.fullmatch(stripped):
        raise InvalidArgument(f"{argument} is not an e-mail address. Give one like name@example.com.")
    return stripped
