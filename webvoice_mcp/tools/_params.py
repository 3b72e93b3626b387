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


def check_email(argument: str, address: str) -> None:
    """Refuse what cannot be an e-mail address.

    Raises:
        InvalidArgument: names the argument.
    """
    if not _EMAIL.fullmatch(address.strip()):
        raise InvalidArgument(f"{argument} is not an e-mail address. Give one like name@example.com.")
