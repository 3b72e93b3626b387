"""Orders as tasks of the server."""

import anyio
import anyio.lowlevel
import pytest
from pydantic import BaseModel

from webvoice_mcp.errors import BadRequest
from webvoice_mcp.jobs.jobs import Jobs, Order


class Made(BaseModel):
    number: int = 1


async def make() -> Made:
    return Made()


async def refuse() -> Made:
    raise BadRequest("No.", status=400)


async def crash() -> Made:
    raise ZeroDivisionError


async def test_an_order_ends_with_what_came_of_it_and_harms_no_other(caplog: pytest.LogCaptureFixture) -> None:
    orders = [Order("t") for _ in range(3)]
    async with Jobs(grace=1) as jobs:
        for order, work in zip(orders, (make, refuse, crash), strict=True):
            order.place()
            jobs.start(order, work)
            assert order.state == "running"
        for order in orders:
            await order.ended.wait()
        assert jobs.all() == orders[::-1]
        assert jobs.running() == []
    assert [(each.state, each.code) for each in orders] == [
        ("done", ""),
        ("failed", "bad_request"),
        ("failed", "internal_error"),
    ]
    assert orders[0].result() == Made()
    with pytest.raises(BadRequest):
        orders[1].result()
    assert caplog.messages == ["t crashed"]
    assert "ZeroDivisionError" in caplog.text


async def test_an_order_that_was_refused_is_forgotten_and_of_many_ended_ones_the_last_are_kept() -> None:
    async with Jobs(grace=1) as jobs:
        refused = Order("t")
        jobs.start(refused, refuse)
        await refused.ended.wait()
        assert jobs.find(refused.id) is None
        orders = [Order("t", announced=True) for _ in range(205)]
        for order in orders:
            jobs.start(order, make)
            await order.ended.wait()
        assert jobs.all() == orders[:-201:-1]
        assert jobs.find(orders[0].id) is None
        assert jobs.find(orders[-1].id) is orders[-1]


async def test_one_that_is_withdrawn_is_cancelled_and_one_that_the_end_cuts_off_is_interrupted() -> None:
    withdrawn, cut = Order("t"), Order("t")
    closed: list[str] = []

    async def close() -> None:
        await anyio.lowlevel.checkpoint()  # also what takes time is done
        closed.append("closed")

    withdrawn.close = cut.close = close

    async def last() -> Made:
        await anyio.sleep_forever()
        return Made()

    async with Jobs(grace=0.01) as jobs:
        jobs.start(withdrawn, last)
        jobs.start(cut, last)
        await anyio.wait_all_tasks_blocked()
        withdrawn.withdraw()
        await withdrawn.ended.wait()
        assert jobs.running() == [cut]
    assert [(each.state, each.code) for each in (withdrawn, cut)] == [
        ("failed", "cancelled"),
        ("interrupted", "interrupted"),
    ]
    assert closed == ["closed", "closed"]


async def test_a_server_that_is_cut_off_waits_until_the_ends_of_its_orders_are_written_down() -> None:
    order, closed = Order("t"), []

    async def close() -> None:
        await anyio.wait_all_tasks_blocked()
        closed.append("closed")

    async def last() -> Made:
        await anyio.sleep_forever()
        return Made()

    order.close = close
    with anyio.CancelScope() as server:
        async with Jobs(grace=10) as jobs:
            jobs.start(order, last)
            await anyio.wait_all_tasks_blocked()
            server.cancel()
    assert (order.state, closed) == ("interrupted", ["closed"])


async def test_what_goes_wrong_in_the_server_itself_is_not_hidden() -> None:
    with pytest.RaisesGroup(ZeroDivisionError):
        async with Jobs(grace=1):
            await crash()


async def test_an_order_whose_end_cannot_be_written_down_has_ended_all_the_same() -> None:
    order = Order("t")
    order.close = crash  # type: ignore[assignment]  # that it returns something matters to nobody
    with pytest.RaisesGroup(ZeroDivisionError):
        async with Jobs(grace=1) as jobs:
            jobs.start(order, make)
            await order.ended.wait()
    assert order.state == "done"


async def test_news_wake_all_who_wait_for_them() -> None:
    order, woken = Order("t"), []

    async def wait() -> None:
        await order.news()
        woken.append(1)

    async with anyio.create_task_group() as group:
        for _ in range(2):
            group.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        order.stir()
    assert woken == [1, 1]
    assert order.age >= 0
