"""Parameter types that two or more tools share."""

import re
from typing import Annotated

from pydantic import Field

from webvoice_mcp.errors import InvalidArgument

Background = Annotated[bool, Field(description="Answer at once with a job_id; webvoice_jobs has the result.")]

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

OutputPath = Annotated[
    str, Field(description="A new file or a folder: absolute, ~ or in the output folder. Unset: a new name there.")
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
