"""What an endpoint is, and the two rules of every message: strict in what we send, tolerant in what we get."""

from dataclasses import dataclass, field
from typing import Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, model_validator


class Request(BaseModel):
    """A request body (or, for GET, a query). Unknown fields are a mistake of ours."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def fields(self) -> dict[str, Any]:
        """What goes on the wire: everything but what was left unset."""
        return self.model_dump(mode="json", exclude_none=True)

    def form(self) -> dict[str, str]:
        """The same as fields of a form, in which everything is text; truth values as JSON writes them."""
        return {
            name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in self.fields().items()
        }


class Reply(BaseModel):
    """A reply body, or a part of one. Fields we do not know are kept; an odd small field never spoils the rest."""

    model_config = ConfigDict(extra="allow", frozen=True)

    @model_validator(mode="wrap")
    @classmethod
    def _leave_out_odd_fields(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        # What was paid for is delivered even when a small field has another type than documented.
        # Where a field is odd without which the reply is of no use, the second try fails for good.
        try:
            return handler(data)
        except ValidationError as error:
            if not isinstance(data, dict):
                raise
            odd = {each["loc"][0] for each in error.errors(include_url=False) if each["loc"]}
            return handler({name: value for name, value in data.items() if name not in odd})


class Empty(Request):
    """A request that carries nothing."""


class Billed(Reply):
    """What every answer that was paid for says of the wallet."""

    credits_used: float | None = None
    credits_remaining: float | None = None


Q = TypeVar("Q", bound=Request)
R = TypeVar("R", bound=Reply)


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[Q, R]):
    """One documented endpoint.

    Attributes:
        path: as under the base URL, with the final slash that the API wants.
        key: whether the request carries the API key.
        paid: whether an answer may cost credits, so that a lost one must not be asked for again unnoticed.
        media: top-level fields of the answer that carry base64 and go to files, never through memory.
        file_field: name of the multipart field that carries an uploaded file.
        providers: documented values of `provider`, to name others when one is not available.
    """

    method: Literal["GET", "POST"]
    path: str
    request: type[Q]
    reply: type[R]
    key: bool = True
    paid: bool = False
    media: frozenset[str] = field(default=frozenset())
    file_field: str = ""
    providers: tuple[str, ...] = ()
