"""What an endpoint is, and the two rules of every message: strict in what we send, tolerant in what we get."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, WrapValidator, model_validator

T = TypeVar("T")


class Request(BaseModel):
    """A request body (or, for GET, a query). Unknown fields are a mistake of ours."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    def fields(self) -> dict[str, Any]:
        """What goes on the wire: everything but what was left unset."""
        return self.model_dump(mode="json", exclude_none=True)

    def form(self) -> dict[str, str]:
        """The same as fields of a form, in which everything is text; truth values as JSON writes them."""
        return {
            name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in self.fields().items()
        }


def _without_odd(value: Any, handler: Callable[[Any], T]) -> T:
    # What was paid for is delivered even when a small part of it has another type than documented.
    # Where a part is odd without which the whole is of no use, the second try fails for good.
    try:
        return handler(value)
    except ValidationError as error:
        odd = {each["loc"][0] for each in error.errors(include_url=False) if each["loc"]}
        if isinstance(value, dict):
            return handler({name: each for name, each in value.items() if name not in odd})
        if isinstance(value, list):
            return handler([each for place, each in enumerate(value) if place not in odd])
        raise


def _some_without_odd(value: Any, handler: Callable[[Any], T]) -> T:
    made = _without_odd(value, handler)
    if value and not made:
        raise ValueError("every part of it is odd")
    return made


class Reply(BaseModel):
    """A reply body, or a part of one. Fields we do not know are kept; an odd small field never spoils the rest."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False, defer_build=True)

    @model_validator(mode="wrap")
    @classmethod
    def _leave_out_odd_fields(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        return _without_odd(data, handler)


Rows = Annotated[list[T], WrapValidator(_some_without_odd)]
"""A list in a reply without its odd rows; where all are odd, the list itself is."""

Table = Annotated[dict[str, T], WrapValidator(_some_without_odd)]
"""The same for what is kept under names."""


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
        aliases: of these, what are only other names, with the value that they stand for.
        default_provider: the one that answers where a request names none.
        names_model: whether a request names the model that is to answer.
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
    aliases: Mapping[str, str] = field(default_factory=dict, hash=False)
    default_provider: str = ""
    names_model: bool = False

    def others(self, provider: str) -> tuple[str, ...]:
        """Documented providers that may take the place of this one."""
        same = self.aliases.get(provider, provider)
        return tuple(name for name in self.providers if name != same and name not in self.aliases)
