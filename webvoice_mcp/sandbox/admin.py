"""The sandbox's own endpoints, which need no key: the inbox, purchases of credits, and faults.

- GET /sandbox/inbox/?email=: the mail to an address (without an address, all mail), newest last.
- POST /sandbox/credits/ with "email" and "credits": a purchase.
- GET, POST and DELETE /sandbox/faults/: list, add and clear faults; see `webvoice_mcp.sandbox.faults.Fault`.
"""

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from webvoice_mcp.sandbox.faults import Fault
from webvoice_mcp.sandbox.inbox import parse_address
from webvoice_mcp.sandbox.requests import API_ROOT, ApiRequest, Fields, route
from webvoice_mcp.sandbox.responses import success

_MIN_PURCHASE_CREDITS = 0.1
_MAX_PURCHASE_CREDITS = 1_000_000

_MAX_FAULT_TIMES = 1000
_MAX_DELAY_SECONDS = 600
_MAX_RETRY_AFTER_SECONDS = 100_000
_MAX_CUT_BYTES = 2**31


async def inbox(request: ApiRequest) -> Response:
    """List the mail that the sandbox received."""
    email = request.query_params.get("email") or ""
    return JSONResponse({"messages": request.sandbox.inbox.messages(email)})


async def purchase(request: ApiRequest) -> Response:
    """Add credits to an account as if they were bought."""
    fields = await request.read_json()
    email = parse_address(fields.string("email"))
    amount = fields.number("credits", None, _MIN_PURCHASE_CREDITS, _MAX_PURCHASE_CREDITS)
    balance = request.sandbox.database.add_purchase(email, amount)
    if balance is None:
        raise HTTPException(400, f"{email} has no account. Register it with auth/send-code/ first.")
    return success(email=email, credits=balance)


async def add_fault(request: ApiRequest) -> Response:
    """Add a fault to the queue."""
    fault = _parse_fault(await request.read_json())
    paths = {
        item.path.removeprefix(API_ROOT).strip("/")
        for item in request.app.routes
        if isinstance(item, Route) and item.path.startswith(API_ROOT)
    }
    if fault.path not in paths:
        raise HTTPException(400, f'"path" is {fault.path!r}; accepted: {", ".join(sorted(paths))}.')
    request.sandbox.faults.add(fault)
    return await list_faults(request)


async def list_faults(request: ApiRequest) -> Response:
    """List the pending faults."""
    return success(faults=[fault.settings() for fault in request.sandbox.faults.pending()])


async def clear_faults(request: ApiRequest) -> Response:
    """Remove all faults."""
    return success(cleared=request.sandbox.faults.clear())


def _parse_fault(fields: Fields) -> Fault:
    has_retry_after = fields.get("retry_after") is not None
    has_cut_at = fields.get("cut_at") is not None
    fault = Fault(
        path=fields.string("path").strip("/"),
        times=fields.integer("times", 1, 1, _MAX_FAULT_TIMES),
        status=_fault_status(fields),
        body=fields.get("body"),
        retry_after=fields.number("retry_after", 0, 0, _MAX_RETRY_AFTER_SECONDS) if has_retry_after else None,
        delay=fields.number("delay", 0, 0, _MAX_DELAY_SECONDS),
        cut_at=fields.integer("cut_at", 0, 0, _MAX_CUT_BYTES) if has_cut_at else None,
        drop=fields.boolean("drop"),
    )
    if fault == Fault(fault.path, fault.times):
        raise HTTPException(400, "The fault changes nothing. Set status, body, retry_after, delay, cut_at or drop.")
    if fault.drop and fault != Fault(fault.path, fault.times, delay=fault.delay, drop=True):
        raise HTTPException(400, '"drop" sends no response. Combine it with "delay" only.')
    return fault


def _fault_status(fields: Fields) -> int | None:
    if fields.get("status") is not None:
        return fields.integer("status", None, 200, 599)
    if fields.get("retry_after") is not None:
        return 429
    return 200 if fields.get("body") is not None else None


ROUTES = [
    route(method, f"/sandbox/{name}{final_slash}", handler)
    for method, name, handler in (
        ("GET", "inbox", inbox),
        ("POST", "credits", purchase),
        ("POST", "faults", add_fault),
        ("GET", "faults", list_faults),
        ("DELETE", "faults", clear_faults),
    )
    for final_slash in ("/", "")
]
