"""What only a sandbox has, beside the API: its inbox, purchases of play credits, failures on demand. No key is needed.

- GET /sandbox/inbox/?email=: the mail for an address (all mail without one), the newest last.
- POST /sandbox/credits/ {"email", "credits"}: a purchase.
- GET, POST, DELETE /sandbox/faults/: see webvoice_mcp.sandbox.faults.
"""

from starlette.responses import Response

from webvoice_mcp.sandbox.call import Call, Door
from webvoice_mcp.sandbox.faults import read_fault
from webvoice_mcp.sandbox.inbox import address
from webvoice_mcp.sandbox.reading import read_json
from webvoice_mcp.sandbox.replies import ApiError, json_response, success

_LARGEST_PURCHASE = 1_000_000
_SMALLEST_PURCHASE = 0.1


async def inbox(call: Call) -> Response:
    """The mail that was "sent"."""
    email = call.request.query_params.get("email") or ""
    return json_response({"messages": call.sandbox.inbox.messages(email)})


async def purchase(call: Call) -> Response:
    """Add credits, which counts as a purchase."""
    fields = await read_json(call.request)
    email = address(fields.text("email"))
    amount = fields.number("credits", None, _SMALLEST_PURCHASE, _LARGEST_PURCHASE)
    balance = call.sandbox.database.purchase(email, amount)
    if balance is None:
        raise ApiError(400, f"{email} has no account; register it with auth/send-code/ first.")
    return success(email=email, credits=balance)


async def add_fault(call: Call) -> Response:
    """Queue a failure."""
    call.sandbox.faults.add(read_fault(await read_json(call.request), call.sandbox.fault_paths))
    return await list_faults(call)


async def list_faults(call: Call) -> Response:
    """The failures that are queued."""
    return success(faults=call.sandbox.faults.waiting())


async def clear_faults(call: Call) -> Response:
    """Forget them."""
    return success(cleared=call.sandbox.faults.clear())


DOORS = (
    Door("GET", "inbox/", inbox, slashless=True),
    Door("POST", "credits/", purchase, slashless=True),
    Door("POST", "faults/", add_fault, slashless=True),
    Door("GET", "faults/", list_faults, slashless=True),
    Door("DELETE", "faults/", clear_faults, slashless=True),
)
