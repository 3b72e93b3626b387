"""The sandbox on a loopback port, and the requests that tests send to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.wire_driver import Message
from webvoice_mcp.sandbox.serve import running


class SandboxService:
    """A running sandbox."""

    def __init__(self, base_url: str, http: httpx2.Client) -> None:
        self.base_url = base_url
        self.site = base_url.removesuffix("/api/v1")
        self._http = http

    def register(self, email: str) -> str:
        """Open an account and return its key. The sandbox allows five registrations in fifteen minutes."""
        self._post("auth/send-code/", {"email": email, "accept_privacy": True, "accept_terms": True})
        key: str = self._post("auth/verify-code/", {"email": email, "code": self.code(email)})["api_key"]
        return key

    def code(self, email: str) -> str:
        """Return the code in the last mail to this address."""
        mail = self._http.get(f"{self.site}/sandbox/inbox/", params={"email": email}).json()
        code: str = mail["messages"][-1]["code"]
        return code

    def fault(self, path: str, **fault: Any) -> None:
        """Set the next response of an endpoint."""
        self._post(f"{self.site}/sandbox/faults/", {"path": path, **fault})

    def clear_faults(self) -> None:
        """Remove the faults that were not used."""
        assert self._http.delete(f"{self.site}/sandbox/faults/").is_success

    def purchase(self, email: str, amount: float) -> None:
        """Add credits to an account."""
        self._post(f"{self.site}/sandbox/credits/", {"email": email, "credits": amount})

    def credits(self, key: str) -> float:
        """Return the credits that are left in the account of a key."""
        reply = self._http.get("status/", headers={"X-API-Key": key}).json()
        left: float = reply["credits"]
        return left

    def _post(self, path: str, body: Message) -> Message:
        response = self._http.post(path, json=body)
        assert response.is_success, response.text
        reply: Message = response.json()
        return reply


@contextmanager
def running_sandbox(folder: Path) -> Iterator[SandboxService]:
    """Run a sandbox that keeps its data in this folder."""
    with running(folder) as base_url, httpx2.Client(base_url=base_url, timeout=60) as http:
        yield SandboxService(base_url, http)
