"""What a tool may ask for besides the model's arguments. The model neither sees nor sets any of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from mcp.server.mcpserver import AcceptedElicitation, Context, ElicitationResult, Resolve

from webvoice_mcp.client.auth import Keys
from webvoice_mcp.client.client import Client
from webvoice_mcp.files import Files
from webvoice_mcp.orders.desk import Desk, Office
from webvoice_mcp.orders.history import History
from webvoice_mcp.orders.jobs import Jobs, Order
from webvoice_mcp.settings import Settings
from webvoice_mcp.tools._consent import Consent, Spend
from webvoice_mcp.tools._pictures import Pictures
from webvoice_mcp.tools._progress import Progress
from webvoice_mcp.tools._quoting import CallQuotes
from webvoice_mcp.tools._toolset import Entry
from webvoice_mcp.tools._waiting import CallDesk


@dataclass(frozen=True, slots=True)
class App:
    """The parts of a running server."""

    settings: Settings
    office: Office
    entries: Mapping[str, Entry]
    consent: Consent = field(default_factory=Consent)

    @property
    def quotes(self) -> CallQuotes:
        """Prices of calls of this server's tools."""
        pictures = Pictures(enabled=False)
        lent = {"client": self.office.client, "progress": _Silence(), "pictures": pictures}
        return CallQuotes(self.office, self.entries, lent)


class _Silence:
    """In place of progress, where nobody waits."""

    asked = False

    async def text(self, piece: str) -> None:
        """Nobody listens."""


def _app(context: Context[App]) -> App:
    return context.request_context.lifespan_context


async def _settings(context: Context[App]) -> Settings:
    return _app(context).settings


async def _keys(context: Context[App]) -> Keys:
    return _app(context).office.keys


async def _client(context: Context[App]) -> Client:
    return _app(context).office.client


async def _files(context: Context[App]) -> Files:
    return _app(context).office.files


async def _history(context: Context[App]) -> History:
    return _app(context).office.history


async def _jobs(context: Context[App]) -> Jobs:
    return _app(context).office.jobs


async def _quotes(context: Context[App]) -> CallQuotes:
    return _app(context).quotes


async def _pictures(context: Context[App]) -> Pictures:
    return Pictures(enabled=_app(context).settings.inline_images)


async def _consent(context: Context[App]) -> Any:
    app = _app(context)
    name, arguments = _called(context)
    return await app.consent.asked(context, app.quotes, name, arguments, app.settings.confirm_above)


async def _desk(context: Context[App], answer: Annotated[ElicitationResult[Spend], Resolve(_consent)]) -> CallDesk:
    app = _app(context)
    app.consent.check(answer)
    name, _ = _called(context)
    order = Order(name, outlives=app.entries[name].effect.outlives)
    return CallDesk(app.office, order, Progress(context, wake=order.stir), app.settings.inline_wait)


async def _progress(desk: Annotated[CallDesk, Resolve(_desk)]) -> Progress:
    return desk.progress


async def _listener(context: Context[App]) -> Progress:
    return Progress(context)


def _called(context: Context[App]) -> tuple[str, Mapping[str, Any]]:
    params = context.request_context.params or {}
    return str(params.get("name")), params.get("arguments") or {}


# The SDK wraps each part that is lent in this class, which pydantic makes anew, in a millisecond, when nobody keeps it.
_KEPT = AcceptedElicitation[Any]

TheSettings = Annotated[Settings, Resolve(_settings)]
TheKeys = Annotated[Keys, Resolve(_keys)]
TheClient = Annotated[Client, Resolve(_client)]
TheFiles = Annotated[Files, Resolve(_files)]
TheHistory = Annotated[History, Resolve(_history)]
TheJobs = Annotated[Jobs, Resolve(_jobs)]
TheQuotes = Annotated[CallQuotes, Resolve(_quotes)]
TheDesk = Annotated[Desk, Resolve(_desk)]
ThePictures = Annotated[Pictures, Resolve(_pictures)]
TheProgress = Annotated[Progress, Resolve(_progress)]
TheListener = Annotated[Progress, Resolve(_listener)]
