"""Parameter types that two or more tools share."""

from typing import Annotated

from pydantic import Field, StringConstraints

OutputPath = Annotated[
    str,
    Field(
        description="File or folder for the result: absolute, ~ or relative to the output folder. "
        "Unset: a new name in the output folder. An existing file is refused."
    ),
]

Filled = StringConstraints(min_length=1, pattern=r"\S")
