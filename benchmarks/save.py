"""Media: a JSON reply with one base64 string, saved as a file.

"client and files" is our code without a server. "webvoice-mcp" is `webvoice_text_to_video` over the server's pipes,
which also records the call in the history. Unlike the other methods, both end with an fsync.
"""

import base64
import os
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

from _bench import BARE, OURS, PUBLISHED, Bench, Goal, measure_in_turns, print_table, ratio, warm
from _process import Memory, Message, Sample
from _service import CERTIFICATE

_CURL = "curl -o file"
_USUAL = "json + b64decode"
_DIRECT = "client and files"
_MIB = 1024 * 1024
_BLOCK_BYTES = 768 * 1024  # a multiple of three
_BOMB = "bomb"


def measure(bench: Bench) -> list[Goal]:
    """Print the tables and return the goals."""
    sizes = [64] if bench.is_short else [64, 256, 512]
    for size in sizes:
        write_video(bench.folder / f"{size}.b64", size)
    goals = [goal for size in sizes for goal in _sizes(bench, size)]
    goals += _tls(bench, _compared_size(bench))
    goals += _concurrent(bench, 64)
    goals += _pings(bench, _compared_size(bench))
    for size in sizes:
        (bench.folder / f"{size}.b64").unlink()
    return [*goals, *_bomb(bench)]


def _compared_size(bench: Bench) -> int:
    # The size in MiB at which slow methods are compared.
    return 64 if bench.is_short else 256


def _sizes(bench: Bench, size: int) -> list[Goal]:
    base_url = f"{bench.http}/{size}/api/v1"
    methods = _methods(bench, base_url, size)
    methods |= {name: partial(_save_with_server, bench, name, base_url, size) for name in bench.servers}
    samples = measure_in_turns(methods, bench.rounds(3, 7))
    _print(f"save, {size} MiB", samples)
    ours, usual = samples[OURS], samples[_USUAL]
    goals = [
        Goal(f"saving {size} MiB", ratio(ours["ms"], _curl(samples)), 1.5, "× curl -o file"),
        Goal(f"memory while saving {size} MiB", ours["peak MiB"], 8, "MiB above idle", is_strict=True),
    ]
    if size == _compared_size(bench):
        goals.append(
            Goal(f"{_USUAL} of {size} MiB", ratio(usual["ms"], ours["ms"]), 4, "× webvoice-mcp", is_minimum=True)
        )
    return goals


def _tls(bench: Bench, size: int) -> list[Goal]:
    methods = _methods(bench, f"{bench.https}/{size}/api/v1", size)
    samples = measure_in_turns(methods, bench.rounds(3, 7))
    _print(f"save over TLS, {size} MiB", samples)
    return [Goal("saving over TLS", ratio(samples[_DIRECT]["ms"], _curl(samples)), 2, "× curl -o file")]


def _methods(bench: Bench, base_url: str, size: int) -> dict[str, Callable[[], Sample]]:
    file = bench.folder / "saved.mp4"
    trusted = bench.folder / CERTIFICATE
    methods: dict[str, Callable[[], Sample]] = {}
    if bench.curl:
        methods[_CURL] = partial(bench.run_curl, file, "--cacert", trusted, "-d", "{}", f"{base_url}/text-to-video/")
    names = {"httpx2, not decoded": "undecoded", _USUAL: "whole", _DIRECT: "ours"}
    methods |= {title: partial(bench.transfer, name, base_url, file) for title, name in names.items()}
    decoded = {_USUAL, _DIRECT}
    return {name: partial(_checked, method, file, size if name in decoded else 0) for name, method in methods.items()}


def _checked(save: Callable[[], Sample], file: Path, size: int) -> Sample:
    sample = save()
    if size and file.stat().st_size != size * _MIB:
        raise RuntimeError("the saved file is incomplete")
    file.unlink()
    return sample


def _save_with_server(bench: Bench, name: str, base_url: str, size: int) -> Sample:
    def save() -> Sample:
        with bench.server(name, base_url) as server:
            warm(server, name)
            return server.measure_call(*_call(name, bench.folder / "saved.mp4"))[1]

    return _checked(save, bench.folder / "saved.mp4", size)


def _call(name: str, file: Path) -> tuple[str, Message]:
    calls: dict[str, tuple[str, Message]] = {
        OURS: ("webvoice_text_to_video", {"prompt": "x", "output_path": str(file)}),
        BARE: ("save", {"path": str(file)}),
        PUBLISHED: ("webvoice_image", {"prompt": "x", "output_path": str(file)}),
    }
    return calls[name]


def _concurrent(bench: Bench, size: int) -> list[Goal]:
    def save() -> Sample:
        calls = [_call(OURS, bench.folder / f"{number}.mp4") for number in range(4)]
        with bench.server(OURS, f"{bench.http}/{size}/api/v1") as server:
            warm(server, OURS)
            memory = Memory(server.pid)
            seconds = server.run_calls(calls[0][0], [arguments for _, arguments in calls], len(calls))
            growth = memory.growth()
        for _, arguments in calls:
            _checked(dict, Path(arguments["output_path"]), size)
        return {"ms": seconds * 1000, "peak MiB": growth}

    samples = measure_in_turns({f"{OURS}, 4 × {size} MiB": save}, bench.rounds(3, 7))
    print_table("save, 4 at once", samples)
    (row,) = samples.values()
    return [Goal(f"memory while saving 4 × {size} MiB at once", row["peak MiB"], 16, "MiB above idle", is_strict=True)]


def _pings(bench: Bench, size: int) -> list[Goal]:
    file = bench.folder / "saved.mp4"

    def ping(name: str) -> Sample:
        with bench.server(name, f"{bench.http}/{size}/api/v1") as server:
            warm(server, name)
            idle, busy = server.longest_idle_ping(0.5), server.longest_ping(*_call(name, file))
        _checked(dict, file, size)
        return {"idle ms": idle, "saving ms": busy, "+ ms": busy - idle}

    samples = measure_in_turns({name: partial(ping, name) for name in bench.servers}, bench.rounds(3, 7))
    print_table(f"save, longest ping at {size} MiB", samples)
    return [Goal("longest ping while saving", samples[OURS]["+ ms"], 20, "ms above idle", is_strict=True)]


def _bomb(bench: Bench) -> list[Goal]:
    """Receive a compression bomb: 1 GiB of base64 in 1 to 5 MB of gzip, with a file limit of 64 MiB."""
    packer = zlib.compressobj(1, wbits=31)
    with (bench.folder / f"{_BOMB}.gz").open("wb") as file:
        file.write(packer.compress(b'{"success":true,"video":"'))
        for _ in range(1024):
            file.write(packer.compress(b"A" * _MIB))
        file.write(packer.compress(b'"}') + packer.flush())

    def refuse() -> Sample:
        with bench.server(OURS, f"{bench.http}/{_BOMB}/api/v1", MAX_FILE_MB=64) as server:
            warm(server, OURS)
            memory = Memory(server.pid)
            tool, arguments = _call(OURS, bench.folder / "bomb.mp4")
            result = server.request("tools/call", {"name": tool, "arguments": arguments})
            growth = memory.growth()
        if not (result["isError"] and "WEBVOICE_MAX_FILE_MB" in str(result)) or any(bench.folder.glob("*.part")):
            raise RuntimeError(f"the bomb was not stopped: {result}")
        return {"peak MiB": growth}

    samples = measure_in_turns({OURS: refuse}, bench.rounds(1, 3))
    print_table("save, a bomb of 1 GiB", samples)
    return [Goal("memory while a bomb is stopped", samples[OURS]["peak MiB"], 16, "MiB above idle", is_strict=True)]


def _print(title: str, samples: dict[str, dict[str, float | None]]) -> None:
    print_table(title, {name: {"× curl": ratio(row["ms"], _curl(samples)), **row} for name, row in samples.items()})


def _curl(samples: dict[str, dict[str, float | None]]) -> float | None:
    return samples[_CURL]["ms"] if _CURL in samples else None


def write_video(path: Path, size: int) -> None:
    """Write the base64 of a video of `size` MiB: a real header followed by noise."""
    video = _box(b"hdlr", bytes(8) + b"vide" + bytes(12))
    for name in (b"mdia", b"trak", b"moov"):
        video = _box(name, video)
    video = _box(b"ftyp", b"isom" + bytes(4)) + video + bytes(4) + b"mdat"  # the size 0 means up to the end of the file
    noise = os.urandom(_BLOCK_BYTES)
    first = video + noise[len(video) :]
    remaining = size * _MIB
    with path.open("wb") as file:
        while remaining:
            block = (first if remaining == size * _MIB else noise)[:remaining]
            file.write(base64.b64encode(block))
            remaining -= len(block)


def _box(name: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + name + content
