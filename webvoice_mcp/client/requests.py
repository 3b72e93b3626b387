"""Building of HTTP requests for endpoints."""

from functools import lru_cache

import httpx2

from webvoice_mcp.client.answers import CallContext
from webvoice_mcp.client.jsonbody import JsonBody
from webvoice_mcp.client.multipart import Multipart
from webvoice_mcp.contract.endpoint import Endpoint, Q, R
from webvoice_mcp.errors import InvalidArgument

Body = Multipart | JsonBody


def build_request(
    http: httpx2.AsyncClient, endpoint: Endpoint[Q, R], request: Q, context: CallContext, body: Body | None
) -> httpx2.Request:
    """Build the HTTP request for an endpoint.

    Args:
        http: the HTTP client.
        endpoint: the endpoint to call.
        request: its fields.
        context: the call's context, with the base URL and the key.
        body: body to send instead of the request's JSON, if it has files.

    Raises:
        InvalidArgument: an argument is too long for a URL.
    """
    headers = {"X-API-Key": context.key} if context.key else {}
    url = _parse_url(f"{context.base_url}/{endpoint.path}")
    if body is not None:
        headers |= {"Content-Type": body.content_type, "Content-Length": str(body.length)}
        return http.build_request(endpoint.method, url, headers=headers, content=body)
    fields = request.fields()
    if endpoint.method == "GET":
        try:
            return http.build_request("GET", url, headers=headers, params=fields or None)
        except httpx2.InvalidURL:
            longest = max(fields, key=lambda name: len(str(fields[name])))
            raise InvalidArgument(f"{longest} is too long for a URL. Give a shorter one.") from None
    return http.build_request("POST", url, headers=headers, json=fields)


@lru_cache(maxsize=64)
def _parse_url(url: str) -> httpx2.URL:
    return httpx2.URL(url)  # cached, because parsing takes longer than the rest of building a request
