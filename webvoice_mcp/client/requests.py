"""How a request of the API becomes one of the HTTP client."""

from functools import lru_cache

import httpx2

from webvoice_mcp.client.answers import Asked
from webvoice_mcp.client.jsonbody import JsonBody
from webvoice_mcp.client.multipart import Multipart
from webvoice_mcp.contract.endpoint import Endpoint, Q, R
from webvoice_mcp.errors import InvalidArgument

Body = Multipart | JsonBody


def build(
    http: httpx2.AsyncClient, endpoint: Endpoint[Q, R], request: Q, asked: Asked, body: Body | None
) -> httpx2.Request:
    """The request to an endpoint.

    Args:
        body: what is sent in place of the request's JSON, where there are files in it.

    Raises:
        InvalidArgument: an argument is too long for an address.
    """
    headers = {"X-API-Key": asked.key} if asked.key else {}
    url = _url(f"{asked.base_url}/{endpoint.path}")
    if body is not None:
        headers |= {"Content-Type": body.content_type, "Content-Length": str(body.length)}
        return http.build_request(endpoint.method, url, headers=headers, content=body)
    fields = request.fields()
    if endpoint.method == "GET":
        try:
            return http.build_request("GET", url, headers=headers, params=fields or None)
        except httpx2.InvalidURL:
            longest = max(fields, key=lambda name: len(str(fields[name])))
            raise InvalidArgument(f"{longest} is too long for an address. Give a shorter one.") from None
    return http.build_request("POST", url, headers=headers, json=fields)


@lru_cache(maxsize=64)
def _url(address: str) -> httpx2.URL:
    return httpx2.URL(address)  # reading it takes longer than all else of a request
