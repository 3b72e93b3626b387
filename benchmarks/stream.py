"""A streamed chat of 200 tokens per second: processor time with and without progress notifications.

The bare SDK server reports each token as progress. `webvoice_chat` is paid, so each call writes twice to the history.
"""

import time
from functools import partial

from _bench import BARE, OURS, Bench, Goal, measure_in_turns, print_table, ratio, warm
from _process import Message, Sample, cpu_ms

_TOKENS_PER_SECOND = 200
_STREAMED: Message = {"prompt": "Hi", "stream": True}


def measure(bench: Bench) -> list[Goal]:
    """Print the table and return the goal."""
    seconds = bench.rounds(3, 10)
    bare: Message = {"prompt": "Hi"}
    methods = {
        f"{OURS}, with progress": partial(_stream, bench, OURS, "webvoice_chat", _STREAMED, seconds, has_progress=True),
        f"{OURS}, without": partial(_stream, bench, OURS, "webvoice_chat", _STREAMED, seconds, has_progress=False),
        f"{BARE}, with progress": partial(_stream, bench, BARE, "chat", bare, seconds, has_progress=True),
        f"{BARE}, without": partial(_stream, bench, BARE, "chat", bare, seconds, has_progress=False),
    }
    samples = measure_in_turns(methods, bench.rounds(1, 3))
    print_table(f"stream, {_TOKENS_PER_SECOND} tokens/s for {seconds} s", samples)
    ours, theirs = (samples[f"{name}, with progress"]["% of a core"] for name in (OURS, BARE))
    return [Goal("processor time of streaming with progress", ratio(ours, theirs), 0.25, "× bare")]


def _stream(bench: Bench, name: str, tool: str, arguments: Message, seconds: int, *, has_progress: bool) -> Sample:
    params = {"_meta": {"progressToken": "t"}} if has_progress else {}
    tokens = seconds * _TOKENS_PER_SECOND
    with bench.server(name, f"{bench.http}/{tokens}/api/v1") as server:
        warm(server, name)
        before, started = cpu_ms(server.pid), time.perf_counter()
        result = server.call(tool, arguments, **params)
        elapsed = (time.perf_counter() - started) * 1000
        after = cpu_ms(server.pid)
        if str(result).count("word ") < tokens:
            raise RuntimeError("tokens are missing")
        used = after - before if after is not None and before is not None else None
        return {
            "% of a core": used / elapsed * 100 if used is not None else None,
            "CPU µs/token": used * 1000 / tokens if used is not None else None,
            "notifications/s": server.notifications / elapsed * 1000,
            "ms late": elapsed - (tokens - 1) / _TOKENS_PER_SECOND * 1000,
        }
