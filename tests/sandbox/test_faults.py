"""Faults in process: those that answer. What happens to connections is in test_serve."""

import asyncio
import time
from typing import Any

import httpx2
import pytest

from tests.sandbox.world import HELLO, SITE, World, refused

_FAULTS = f"{SITE}/sandbox/faults/"


async def _add(world: World, fault: dict[str, Any]) -> httpx2.Response:
    reply = await world.post(_FAULTS, fault)
    assert reply.status_code == 200, reply.text
    return reply


async def test_a_status_is_answered_as_often_as_asked_and_costs_nothing(ann: World) -> None:
    await _add(ann, {"path": "chat/completions/", "status": 503, "times": 2})
    for _ in range(2):
        reply = await ann.post("chat/completions/", HELLO)
        assert refused(reply) == (503, "Service Unavailable", "Scripted by POST /sandbox/faults/.")
    assert (await ann.post("chat/completions/", HELLO)).status_code == 200
    assert await ann.credits() == 18.0


@pytest.mark.parametrize("path", ["chat/completions", "/chat/completions/"])
async def test_the_slashes_of_a_path_do_not_matter(ann: World, path: str) -> None:
    await _add(ann, {"path": path, "status": 500})
    assert (await ann.post("chat/completions", HELLO)).status_code == 500


async def test_other_paths_go_on_working(ann: World) -> None:
    await _add(ann, {"path": "tts/", "status": 500})
    assert (await ann.get("status/")).status_code == 200


async def test_faults_of_a_path_happen_in_the_order_in_which_they_came(ann: World) -> None:
    for status in (500, 502):
        await _add(ann, {"path": "status/", "status": status})
    assert [(await ann.get("status/")).status_code for _ in range(3)] == [500, 502, 200]


async def test_the_answer_is_marked_as_the_sandboxs(ann: World) -> None:
    await _add(ann, {"path": "status/", "status": 500})
    assert (await ann.get("status/")).headers["X-WebVoice-Sandbox"]


@pytest.mark.parametrize(
    ("fault", "status", "kind", "text"),
    [
        ({"body": "<html>busy</html>"}, 200, "text/html; charset=utf-8", "<html>busy</html>"),
        ({"body": "busy", "status": 502}, 502, "text/plain; charset=utf-8", "busy"),
        ({"body": '{"success":false}'}, 200, "application/json", '{"success":false}'),
        ({"body": {"success": False}}, 200, "application/json", '{"success":false}'),
        ({"body": [], "status": 400}, 400, "application/json", "[]"),
        ({"body": ""}, 200, "text/plain; charset=utf-8", ""),
        ({"body": "ignored", "status": 204}, 204, None, ""),
        (
            {"status": 599},
            599,
            "application/json",
            '{"error":"Error","message":"Scripted by POST /sandbox/faults/."}',
        ),
    ],
)
async def test_a_body_is_sent_as_given(
    ann: World, fault: dict[str, Any], status: int, kind: str | None, text: str
) -> None:
    await _add(ann, {"path": "status/", **fault})
    reply = await ann.get("status/")
    assert (reply.status_code, reply.headers.get("Content-Type"), reply.text) == (status, kind, text)


@pytest.mark.parametrize(
    ("fault", "status", "header"),
    [({"retry_after": 7}, 429, "7"), ({"retry_after": 0.5, "status": 503}, 503, "0.5"), ({"status": 429}, 429, None)],
)
async def test_retry_after_is_sent_when_it_is_given(
    ann: World, fault: dict[str, Any], status: int, header: str | None
) -> None:
    await _add(ann, {"path": "status/", **fault})
    reply = await ann.get("status/")
    assert (reply.status_code, reply.headers.get("Retry-After")) == (status, header)


async def test_a_delay_waits_before_the_true_answer(ann: World) -> None:
    await _add(ann, {"path": "status/", "delay": 0.05})
    began = time.monotonic()
    assert (await ann.get("status/")).status_code == 200
    assert time.monotonic() - began >= 0.05


async def test_a_delayed_call_holds_up_no_other(ann: World) -> None:
    await _add(ann, {"path": "voices/", "delay": 600})
    waiting = asyncio.ensure_future(ann.get("voices/"))
    assert (await ann.get("status/")).status_code == 200
    assert not waiting.done()
    waiting.cancel()


@pytest.mark.parametrize("fault", [{"drop": True}, {"cut_at": 0}, {"cut_at": 5}, {"status": 200, "cut_at": 5}])
async def test_in_process_a_broken_connection_is_an_error(ann: World, fault: dict[str, Any]) -> None:
    await _add(ann, {"path": "status/", **fault})
    with pytest.raises(ConnectionResetError, match="told to break"):
        await ann.get("status/")
    assert (await ann.get("status/")).status_code == 200


async def test_an_answer_shorter_than_the_cut_passes_whole(ann: World) -> None:
    await _add(ann, {"path": "status/", "cut_at": 100_000})
    assert (await ann.get("status/")).json()["credits"] == 20.0


async def test_what_is_queued_can_be_seen_and_cleared(ann: World) -> None:
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
    assert (await ann.client.delete(_FAULTS)).json() == {"success": True, "cleared": 2, "sandbox": True}
    assert (await ann.get(_FAULTS)).json()["faults"] == []


async def test_a_cut_at_the_very_start_is_shown_as_queued(ann: World) -> None:
    added = await _add(ann, {"path": "tts/", "cut_at": 0})
    assert added.json()["faults"] == [{"path": "tts", "times": 1, "cut_at": 0}]


_NOTHING = "Say what is to happen: status, body, retry_after, delay, cut_at or drop."
_DROP = '"drop" sends no answer, so it goes with "delay" only.'


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"status": 500}, '"path" is required.'),
        ({"path": "tts/"}, _NOTHING),
        ({"path": "tts/", "times": 2, "drop": False, "delay": 0}, _NOTHING),
        ({"path": "tts/", "status": 199}, '"status" must be a number from 200 to 599.'),
        ({"path": "tts/", "status": "500"}, '"status" must be a number from 200 to 599.'),
        ({"path": "tts/", "status": 500, "times": 0}, '"times" must be a number from 1 to 1000.'),
        ({"path": "tts/", "delay": -1}, '"delay" must be a number from 0 to 600.'),
        ({"path": "tts/", "cut_at": -1}, '"cut_at" must be a number from 0 to 2.14748e+09.'),
        ({"path": "tts/", "retry_after": -1}, '"retry_after" must be a number from 0 to 100000.'),
        ({"path": "tts/", "drop": "yes"}, '"drop" must be true or false.'),
        ({"path": "tts/", "drop": True, "status": 500}, _DROP),
        ({"path": "tts/", "drop": True, "cut_at": 5}, _DROP),
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused(ann: World, fault: dict[str, Any], message: str) -> None:
    assert refused(await ann.post(_FAULTS, fault)) == (400, "Bad Request", message)
    assert (await ann.get(_FAULTS)).json()["faults"] == []


async def test_a_fault_for_an_unknown_path_is_refused_with_the_known_ones(ann: World) -> None:
    status, _, message = refused(await ann.post(_FAULTS, {"path": "tss/", "status": 500}))
    assert status == 400
    assert message.startswith("\"path\" is 'tss'; there are: auth/send-code, ")
