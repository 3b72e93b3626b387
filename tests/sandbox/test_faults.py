"""Faults with a response. Faults that close the connection are tested in test_serve."""

import asyncio
import time
from typing import Any

import httpx2
import pytest

from tests.sandbox.world import HELLO, SITE, SandboxClient, refused

_FAULTS = f"{SITE}/sandbox/faults/"


async def _add(client: SandboxClient, fault: dict[str, Any]) -> httpx2.Response:
    reply = await client.post(_FAULTS, fault)
    assert reply.status_code == 200, reply.text
    return reply


async def test_a_status_is_sent_as_often_as_requested_and_costs_nothing(ann: SandboxClient) -> None:
    await _add(ann, {"path": "chat/completions/", "status": 503, "times": 2})
    for _ in range(2):
        reply = await ann.post("chat/completions/", HELLO)
        assert refused(reply) == (503, "Service Unavailable", "Requested with POST /sandbox/faults/.")
    assert (await ann.post("chat/completions/", HELLO)).status_code == 200
    assert await ann.credits() == 18.0


async def test_the_slashes_of_a_path_do_not_matter(ann: SandboxClient) -> None:
    await _add(ann, {"path": "/chat/completions/", "status": 500})
    assert (await ann.post("chat/completions", HELLO)).status_code == 500


async def test_faults_of_a_path_apply_in_their_order(ann: SandboxClient) -> None:
    for status in (500, 502):
        await _add(ann, {"path": "status/", "status": status})
    assert [(await ann.get("status/")).status_code for _ in range(3)] == [500, 502, 200]


@pytest.mark.parametrize(
    ("fault", "status", "kind", "text"),
    [
        ({"body": "<html>busy</html>"}, 200, "text/html; charset=utf-8", "<html>busy</html>"),
        ({"body": '{"success":false}'}, 200, "application/json", '{"success":false}'),
        ({"body": {"success": False}}, 200, "application/json", '{"success":false}'),
        ({"body": ""}, 200, "text/plain; charset=utf-8", ""),
        ({"body": "ignored", "status": 204}, 204, None, ""),
        (
            {"status": 599},
            599,
            "application/json",
            '{"error":"Error","message":"Requested with POST /sandbox/faults/."}',
        ),
    ],
)
async def test_a_body_is_sent_as_given(
    ann: SandboxClient, fault: dict[str, Any], status: int, kind: str | None, text: str
) -> None:
    await _add(ann, {"path": "status/", **fault})
    reply = await ann.get("status/")
    assert (reply.status_code, reply.headers.get("Content-Type"), reply.text) == (status, kind, text)


@pytest.mark.parametrize(
    ("fault", "status", "header"),
    [({"retry_after": 7}, 429, "7"), ({"retry_after": 0.5, "status": 503}, 503, "0.5")],
)
async def test_retry_after_is_sent_and_means_429_by_default(
    ann: SandboxClient, fault: dict[str, Any], status: int, header: str | None
) -> None:
    await _add(ann, {"path": "status/", **fault})
    reply = await ann.get("status/")
    assert (reply.status_code, reply.headers.get("Retry-After")) == (status, header)


async def test_a_delay_waits_before_the_usual_response(ann: SandboxClient) -> None:
    await _add(ann, {"path": "status/", "delay": 0.05})
    began = time.monotonic()
    assert (await ann.get("status/")).status_code == 200
    assert time.monotonic() - began >= 0.05


async def test_a_delayed_call_does_not_delay_another(ann: SandboxClient) -> None:
    await _add(ann, {"path": "voices/", "delay": 600})
    waiting = asyncio.ensure_future(ann.get("voices/"))
    assert (await ann.get("status/")).status_code == 200
    assert not waiting.done()
    waiting.cancel()


@pytest.mark.parametrize("fault", [{"drop": True}, {"cut_at": 0}])
async def test_without_a_socket_a_closed_connection_is_an_error(ann: SandboxClient, fault: dict[str, Any]) -> None:
    await _add(ann, {"path": "status/", **fault})
    with pytest.raises(ConnectionResetError, match="closes this connection"):
        await ann.get("status/")
    assert (await ann.get("status/")).status_code == 200


async def test_a_response_shorter_than_the_cut_is_whole(ann: SandboxClient) -> None:
    await _add(ann, {"path": "status/", "cut_at": 100_000})
    assert (await ann.get("status/")).json()["credits"] == 20.0


async def test_pending_faults_are_listed_and_cleared(ann: SandboxClient) -> None:
    await _add(ann, {"path": "tts/", "status": 503, "times": 3, "retry_after": 2})
    added = await _add(ann, {"path": "stt/", "drop": True, "delay": 1})
    queued = [
        {"path": "tts", "times": 3, "status": 503, "retry_after": 2},
        {"path": "stt", "times": 1, "delay": 1, "drop": True},
    ]
    assert added.json() == {"success": True, "faults": queued, "sandbox": True}
    await ann.post("tts/", {})
    queued[0]["times"] = 2
    assert (await ann.get(_FAULTS)).json()["faults"] == queued
    assert (await ann.http.delete(_FAULTS)).json() == {"success": True, "cleared": 2, "sandbox": True}
    assert (await ann.get(_FAULTS)).json()["faults"] == []


async def test_a_cut_at_the_start_is_listed(ann: SandboxClient) -> None:
    added = await _add(ann, {"path": "tts/", "cut_at": 0})
    assert added.json()["faults"] == [{"path": "tts", "times": 1, "cut_at": 0}]


_NOTHING = "The fault changes nothing. Set status, body, retry_after, delay, cut_at or drop."
_DROP = '"drop" sends no response. Combine it with "delay" only.'


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"path": "tts/", "times": 2, "drop": False, "delay": 0}, _NOTHING),
        ({"path": "tts/", "status": 199}, '"status" must be a number from 200 to 599.'),
        ({"path": "tts/", "status": 500, "times": 0}, '"times" must be a number from 1 to 1000.'),
        ({"path": "tts/", "delay": -1}, '"delay" must be a number from 0 to 600.'),
        ({"path": "tts/", "cut_at": -1}, '"cut_at" must be a number from 0 to 2.14748e+09.'),
        ({"path": "tts/", "retry_after": -1}, '"retry_after" must be a number from 0 to 100000.'),
        ({"path": "tts/", "drop": True, "status": 500}, _DROP),
    ],
)
async def test_an_invalid_fault_is_refused(ann: SandboxClient, fault: dict[str, Any], message: str) -> None:
    assert refused(await ann.post(_FAULTS, fault)) == (400, "Bad Request", message)
    assert (await ann.get(_FAULTS)).json()["faults"] == []


async def test_a_fault_for_an_unknown_path_lists_the_known_paths(ann: SandboxClient) -> None:
    status, _, message = refused(await ann.post(_FAULTS, {"path": "tss/", "status": 500}))
    assert status == 400
    assert message.startswith("\"path\" is 'tss'; accepted: auth/send-code, ")
