"""Fixtures for the client's tests."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.client.helpers import FakeSleep, MakeClient
from tests.support import MakeSettings, ScriptedTransport
from webvoice_mcp.client.auth import Keys
from webvoice_mcp.client.client import Client
from webvoice_mcp.keystore import KeyStore


@pytest.fixture
def make(make_settings: MakeSettings) -> MakeClient:
    """Return a function that makes a client with scripted answers. Settings are named without WEBVOICE_."""

    def made(*answers: Any, **variables: Any) -> tuple[Client, ScriptedTransport, FakeSleep]:
        settings = make_settings(**variables)
        transport, sleep = ScriptedTransport(*answers), FakeSleep()
        keys = Keys(settings, KeyStore(settings.credentials_file))
        return Client(settings, keys, transport=transport, sleep=sleep), transport, sleep

    return made


@pytest.fixture
def client_of(make_settings: MakeSettings) -> Callable[..., Client]:
    """Return a function that makes a client of a service on loopback."""

    def made(port: int, host: str = "127.0.0.1") -> Client:
        settings = make_settings(BASE_URL=f"http://{host}:{port}/api/v1", TIMEOUT="60")
        return Client(settings, Keys(settings, KeyStore(settings.credentials_file)), sleep=FakeSleep())

    return made
