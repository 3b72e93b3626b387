"""An endpoint of the API, and the base classes of its requests and replies.

Requests are strict: an unknown field is a bug in this package. Replies are tolerant: unknown fields are kept, and
optional fields of the wrong type are dropped, so that a paid answer is not lost.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Generic, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    WrapValidator,
    model_validator,
)

from webvoice_mcp.contract.estimate import Estimate

T = TypeVar("T")


class Request(BaseModel):
    """A request body, or the query of a GET request.

    None, "" and [] mean that a field is not set, as in a tool's arguments.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_unset_fields(cls, data: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in data.items() if value is not None and value not in ("", [])}

    def fields(self) -> dict[str, Any]:
        """Return the JSON body: every field that is set."""
        return self.model_dump(mode="json", exclude_none=True)

    def form(self) -> dict[str, str]:
        """Return every field that is set as a form field, which is text; booleans are written as in JSON."""
        return {
            name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in self.fields().items()
        }


def _drop_invalid_parts(value: Any, handler: Callable[[Any], T]) -> T:
    # If a required part is invalid, the second attempt raises the error.
    try:
        return handler(value)
    except ValidationError as error:
        invalid = {details["loc"][0] for details in error.errors(include_url=False) if details["loc"]}
        if isinstance(value, dict):
            return handler({name: part for name, part in value.items() if name not in invalid})
        if isinstance(value, list):
            return handler([part for index, part in enumerate(value) if index not in invalid])
        raise


def _require_valid_part(value: Any, handler: Callable[[Any], T]) -> T:
    validated = _drop_invalid_parts(value, handler)
    if value and not validated:
        raise ValueError("every part of it is invalid")
    return validated


class Reply(BaseModel):
    """A reply body, or a part of one.

    Attributes:
        carries_bill: True if the reply says what the call cost.
    """

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False, defer_build=True)
    carries_bill: ClassVar[bool] = False

    @model_validator(mode="wrap")
    @classmethod
    def _drop_invalid_fields(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        return _drop_invalid_parts(data, handler)

    @property
    def bill(self) -> "Billed | None":
        """The part that says what the call cost."""
        return None


Rows = Annotated[list[T], WrapValidator(_require_valid_part)]
"""A list without its invalid rows. If all rows are invalid, the list is invalid."""

Table = Annotated[dict[str, T], WrapValidator(_require_valid_part)]
"""An object with arbitrary names, without its invalid values. If all values are invalid, the object is invalid."""


def require_number(value: Any) -> Any:
    """Return the value of a field of credits unchanged, unless it is true or false, which pydantic takes for 1 and 0.

    Raises:
        ValueError: it is a boolean.
    """
    if isinstance(value, bool):
        raise ValueError("a boolean is no number of credits")  # noqa: TRY004 - pydantic reports a ValueError only
    return value


Credits = Annotated[float, BeforeValidator(require_number)]
"""A number of credits in a reply."""


class Empty(Request):
    """A request without fields."""


class Billed(Reply):
    """A reply to a paid call."""

    carries_bill: ClassVar[bool] = True

    credits_used: Credits | None = None
    credits_remaining: Credits | None = None

    @property
    def bill(self) -> "Billed | None":
        """The reply itself."""
        return self


Q = TypeVar("Q", bound=Request)
R = TypeVar("R", bound=Reply)


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[Q, R]):
    """One documented endpoint: a `FreeEndpoint` or a `PaidEndpoint`.

    Attributes:
        method: HTTP method.
        path: path under the base URL, with the final slash that the API requires.
        request: class of the request.
        reply: class of the reply.
        key: True if the request carries the API key.
        media: top-level fields of the reply that hold base64; they are streamed to files.
        file_field: name of the multipart field that carries an uploaded file, "" for none.
        providers: documented values of `provider`; an error names the others when one is unavailable.
        aliases: names in `providers` that are aliases, mapped to the provider that each one stands for.
        upstream_keys: the setting of the service that holds the upstream key, by provider; without it the provider
            answers 503. Empty where the documentation names none.
        default_provider: the provider that answers when a request names none.
        names_model: True if a request names the model that answers.
    """

    method: Literal["GET", "POST"]
    path: str
    request: type[Q]
    reply: type[R]
    key: bool = field(default=True, kw_only=True)
    media: frozenset[str] = field(default=frozenset(), kw_only=True)
    file_field: str = field(default="", kw_only=True)
    providers: tuple[str, ...] = field(default=(), kw_only=True)
    aliases: Mapping[str, str] = field(default_factory=dict, hash=False, kw_only=True)
    upstream_keys: Mapping[str, str] = field(default_factory=dict, hash=False, kw_only=True)
    default_provider: str = field(default="", kw_only=True)
    names_model: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        raise TypeError(f"{self.path} must be a FreeEndpoint or a PaidEndpoint")

    @property
    def paid(self) -> bool:
        """True if a call may cost credits and so must not be repeated automatically."""
        return isinstance(self, PaidEndpoint)

    def other_providers(self, provider: str) -> tuple[str, ...]:
        """Return the documented providers that may replace this one, because they do not share its upstream key."""
        canonical = self.aliases.get(provider, provider)
        missing = self.upstream_keys.get(canonical, canonical)
        return tuple(
            name
            for name in self.providers
            if name != canonical and name not in self.aliases and self.upstream_keys.get(name, name) != missing
        )


@dataclass(frozen=True, slots=True)
class FreeEndpoint(Endpoint[Q, R]):
    """An endpoint whose calls cost no credits."""

    def __post_init__(self) -> None:
        if self.reply.carries_bill:
            raise TypeError(f"{self.path}: its reply carries a bill, so it must be a PaidEndpoint with a price")
        if self.media or self.file_field:
            raise TypeError(f"{self.path}: an endpoint that carries media or files must be a PaidEndpoint with a price")


@dataclass(frozen=True, slots=True)
class PaidEndpoint(Endpoint[Q, R]):
    """An endpoint whose calls may cost credits.

    Attributes:
        price: estimates the cost of a request. Its second argument is the length in seconds of the uploaded recording,
            None if there is none or its length is unknown.
    """

    price: Callable[[Q, float | None], Estimate] = field(kw_only=True, hash=False)

    def __post_init__(self) -> None:
        if not self.reply.carries_bill:
            raise TypeError(f"{self.path}: the reply of a paid endpoint must be able to carry a bill")

    @property
    def outlives_caller(self) -> bool:
        """True if a call continues after its caller has gone, so that media and transcripts can be fetched later."""
        return bool(self.media or self.file_field)
