"""A streamed chat, 200 tokens a second: what it costs while the caller hears how it goes, and while not.

A bare SDK server tells each token as it comes. `webvoice_chat` is paid: two writes to the history for each call.
"""

import time
from functools import partial

from _bench import BARE, OURS, Bench, Goal, in_turns, table, warm
from _process import Message, Sample, cpu_ms

_RATE = 200
_ASKED: Message = {"prompt": "Hi", "stream": True}


def measure(bench: Bench) -> list[Goal]:
    """Print the table; the goal."""
    seconds = bench.rounds(3, 10)
    asked: Message = {"prompt": "Hi"}
    ways = {
        f"{OURS}, with progress": partial(_streamed, bench, OURS, "webvoice_chat", _ASKED, seconds, told=True),
        f"{OURS}, without": partial(_streamed, bench, OURS, "webvoice_chat", _ASKED, seconds, told=False),
        f"{BARE}, with progress": partial(_streamed, bench, BARE, "chat", asked, seconds, told=True),
        f"{BARE}, without": partial(_streamed, bench, BARE, "chat", asked, seconds, told=False),
    }
    taken = in_turns(ways, bench.rounds(1, 3))
    table(f"stream, {_RATE} tokens/s for {seconds} s", taken)
    return [Goal("streaming with progress", taken[f"{OURS}, with progress"]["% of a core"], 2, "% of a core")]


def _streamed(bench: Bench, name: str, tool: str, arguments: Message, seconds: int, *, told: bool) -> Sample:
    more = {"_meta": {"progressToken": "t"}} if told else {}
    tokens = seconds * _RATE
    with bench.server(name, f"{bench.http}/{tokens}/api/v1") as server:
        warm(server, name)
        before, started = cpu_ms(server.pid), time.perf_counter()
        result = server.call(tool, arguments, **more)
        taken = (time.perf_counter() - started) * 1000
        after = cpu_ms(server.pid)
        if str(result).count("word ") < tokens:
            raise RuntimeError("tokens are missing")
        used = after - before if after is not None and before is not None else None
        return {
            "% of a core": used / taken * 100 if used is not None else None,
            "CPU µs/token": used * 1000 / tokens if used is not None else None,
            "told/s": server.notifications / taken * 1000,
            "ms late": taken - (tokens - 1) / _RATE * 1000,
        }
