"""The tool webvoice_usage: credits by the key at work, in local days."""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.jobs.clock import time_zone
from tests.jobs.world import BY_TOOL, Upstream, made_in, put_inputs
from tests.support import MakeSettings, connected, failed, fields
from webvoice_mcp.jobs.history import History, iso_time
from webvoice_mcp.keystore import KeyStore
from webvoice_mcp.settings import Settings

STT, TTS = BY_TOOL["webvoice_stt"], BY_TOOL["webvoice_tts"]


async def test_usage_is_summed_by_tool_and_day(make_settings: MakeSettings, tmp_path: Path) -> None:
    async with connected(make_settings(), Upstream(TTS.answer)) as client:
        for _ in range(2):
            fields(await client.call_tool(TTS.tool, {"text": "x"}))
        usage = fields(await client.call_tool("webvoice_usage", {"days": 2}))
    days = {local_day(row["time"]) for row in usage["recent"]}  # two if midnight has passed
    assert (usage["total_credits"], usage["by_tool"]) == (1.5, {TTS.tool: 1.5})
    assert (set(usage["by_day"]), sum(usage["by_day"].values())) == (days, 1.5)
    assert [(row["tool"], row["state"], row["credits"]) for row in usage["recent"]] == [(TTS.tool, "done", 0.75)] * 2
    files = [path for row in usage["recent"] for path in row["files"]]
    assert sorted(files) == sorted(str(tmp_path / "out" / name) for name in made_in(tmp_path / "out"))


def local_day(time_in_utc: str) -> str:
    return datetime.fromisoformat(time_in_utc).astimezone().date().isoformat()


async def record(settings: Settings, *jobs: tuple[str, float, float | None], key: str = "") -> None:
    """Write ended jobs to the history: id, start, and cost or None; each was estimated at 2 credits."""
    history = History(settings.history_file, settings.base_url)
    for job_id, started_at, cost in jobs:
        await history.record_start(job_id, "webvoice_tts", started_at, 2, key=key)
        await history.record_end(job_id, "done", cost, (), "")
    await history.aclose()


async def test_usage_looks_back_as_far_as_asked_and_lists_14_days(make_settings: MakeSettings) -> None:
    settings = make_settings()
    now = time.time()
    await record(settings, *((str(number), now - 86_400 * number, 0.5) for number in range(20)))
    async with connected(settings, Upstream({})) as client:
        month = fields(await client.call_tool("webvoice_usage", {}))
        week = fields(await client.call_tool("webvoice_usage", {"days": 7}))
    assert (month["total_credits"], len(month["by_day"]), min(month["by_day"])) == (
        10,
        14,
        local_day(iso_time(now - 86_400 * 13)),
    )
    assert week["total_credits"] == 3.5


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot change the time zone of a process")
@pytest.mark.parametrize("zone", ["XXX-13", "XXX11"])
async def test_days_of_usage_begin_at_local_midnight(make_settings: MakeSettings, zone: str) -> None:
    settings = make_settings()
    with time_zone(zone):
        midnight = datetime.now(UTC).astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
        await record(settings, ("early", midnight.timestamp() + 1, 0.5), ("late", midnight.timestamp() - 1, 0.25))
        async with connected(settings, Upstream({})) as client:
            today = fields(await client.call_tool("webvoice_usage", {"days": 1}))
            both = fields(await client.call_tool("webvoice_usage", {"days": 2}))
    day, day_before = midnight.date().isoformat(), (midnight - timedelta(1)).date().isoformat()
    assert today["by_day"] == {day: 0.5}
    assert both["by_day"] == {day: 0.5, day_before: 0.25}


async def test_usage_counts_jobs_of_unknown_cost_apart(make_settings: MakeSettings, tmp_path: Path) -> None:
    put_inputs(tmp_path / "out")
    async with connected(make_settings(TIMEOUT="0.01"), Upstream(STT.answer, hold="head")) as client:
        assert failed(await client.call_tool(STT.tool, STT.arguments)).startswith("timeout: ")
        usage = fields(await client.call_tool("webvoice_usage", {}))
    assert (usage["total_credits"], usage["unknown"]) == (0, {"jobs": 1, "at_most": 0.3})
    settings = make_settings()
    await record(settings, ("known", time.time(), 1.5), ("unknown", time.time(), None))
    async with connected(settings, Upstream({})) as client:
        usage = fields(await client.call_tool("webvoice_usage", {}))
    assert (usage["total_credits"], usage["unknown"]) == (1.5, {"jobs": 2, "at_most": 2.3})


async def test_at_most_is_left_out_where_an_estimate_is_missing(make_settings: MakeSettings) -> None:
    settings = make_settings()
    await record(settings, ("known", time.time(), 1.5), ("unknown", time.time(), None))
    history = History(settings.history_file, settings.base_url)
    await history.record_start("unpriced", "webvoice_chat", time.time(), None)
    await history.aclose()
    async with connected(settings, Upstream({})) as client:
        assert fields(await client.call_tool("webvoice_usage", {}))["unknown"] == {"jobs": 2}


async def test_each_key_sees_its_own_jobs_and_those_without_a_key(make_settings: MakeSettings, tmp_path: Path) -> None:
    settings = make_settings()
    await record(settings, ("old", time.time() - 5, 2.0))
    found = {}
    for key in ("wv_first_account_1111", "wv_second_account_2222", "wv_first_account_1111"):
        async with connected(make_settings(API_KEY=key), Upstream(TTS.answer)) as client:
            fields(await client.call_tool(TTS.tool, {"text": "x"}))
            usage = fields(await client.call_tool("webvoice_usage", {}))
            jobs = fields(await client.call_tool("webvoice_jobs", {}))["jobs"]
            found[key[-4:]] = (usage["total_credits"], len(usage["recent"]), len(jobs))
            newest = jobs[0]["id"]
    assert found == {"2222": (2.75, 2, 2), "1111": (3.5, 3, 3)}
    async with connected(make_settings(API_KEY="wv_second_account_2222"), Upstream({})) as client:
        (job,) = fields(await client.call_tool("webvoice_jobs", {"job_id": newest}))["jobs"]
        assert job["state"] == "done"  # whoever knows the id gets what was paid for
    async with connected(make_settings(API_KEY=""), Upstream({})) as client:
        assert fields(await client.call_tool("webvoice_usage", {}))["total_credits"] == 2
    state = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir())
    assert b"1111" in state
    assert b"t_1111" not in state


async def test_a_key_that_changes_while_the_server_runs_changes_the_list(make_settings: MakeSettings) -> None:
    settings = make_settings(API_KEY="")
    store = KeyStore(settings.credentials_file)
    async with connected(settings, Upstream(TTS.answer)) as client:
        for number, key in enumerate(("wv_first_account_1111", "wv_second_account_2222")):
            store.save(settings.base_url, name=f"key {number}", key=key, use=True)
            fields(await client.call_tool(TTS.tool, {"text": "x"}))
            assert len(fields(await client.call_tool("webvoice_jobs", {}))["jobs"]) == 1


async def test_a_key_too_short_to_show_any_of_it_is_not_recorded(make_settings: MakeSettings, tmp_path: Path) -> None:
    async with connected(make_settings(API_KEY="wv_shortkey"), Upstream(TTS.answer)) as client:
        fields(await client.call_tool(TTS.tool, {"text": "x"}))
        assert fields(await client.call_tool("webvoice_usage", {}))["total_credits"] == 0.75
    assert b"tkey" not in b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir())
