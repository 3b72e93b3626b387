"""Media: an answer of JSON with one base64 string, saved as a file.

"client and files" is our code without a server; "webvoice-mcp" is `webvoice_text_to_video` over the server's pipes, and
also writes its order to the history. Both end with an fsync, which the other ways do not.
"""

import base64
import os
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

from _bench import BARE, OURS, PUBLISHED, Bench, Goal, in_turns, ratio, table, warm
from _peer import CERTIFICATE
from _process import Memory, Message, Sample

_CURL = "curl -o file"
_NAIVE = "json + b64decode"
_DIRECT = "client and files"
_MIB = 1024 * 1024
_BLOCK = 768 * 1024  # a multiple of three
_BOMB = "bomb"


def measure(bench: Bench) -> list[Goal]:
    """Print the tables; the goals."""
    sizes = [64] if bench.short else [64, 256, 512]
    for size in sizes:
        prepare(bench.folder / f"{size}.b64", size)
    goals = [goal for size in sizes for goal in _sizes(bench, size)]
    goals += _tls(bench, _compared(bench))
    goals += _at_once(bench, 64)
    goals += _pings(bench, _compared(bench))
    for size in sizes:
        (bench.folder / f"{size}.b64").unlink()
    return [*goals, *_bomb(bench)]


def _compared(bench: Bench) -> int:
    # The size, in MiB, at which what takes its time is compared.
    return 64 if bench.short else 256


def _sizes(bench: Bench, size: int) -> list[Goal]:
    base_url = f"{bench.http}/{size}/api/v1"
    ways = _ways(bench, base_url, size)
    ways |= {name: partial(_served, bench, name, base_url, size) for name in bench.servers}
    taken = in_turns(ways, bench.rounds(3, 7))
    _show(f"save, {size} MiB", taken)
    ours, naive = taken[OURS], taken[_NAIVE]
    goals = [
        Goal(f"saving {size} MiB", ratio(ours["ms"], _curl(taken)), 2, "× curl -o file"),
        Goal(f"memory while saving {size} MiB", ours["peak MiB"], 8, "MiB above idle", firm=True),
    ]
    if size == _compared(bench):
        goals.append(Goal(f"{_NAIVE} of {size} MiB", ratio(naive["ms"], ours["ms"]), 4, "× webvoice-mcp", least=True))
    return goals


def _tls(bench: Bench, size: int) -> list[Goal]:
    ways = _ways(bench, f"{bench.https}/{size}/api/v1", size)
    taken = in_turns(ways, bench.rounds(3, 7))
    _show(f"save over TLS, {size} MiB", taken)
    return [Goal("saving over TLS", ratio(taken[_DIRECT]["ms"], _curl(taken)), 4, "× curl -o file")]


def _ways(bench: Bench, base_url: str, size: int) -> dict[str, Callable[[], Sample]]:
    file = bench.folder / "saved.mp4"
    trusted = bench.folder / CERTIFICATE
    ways: dict[str, Callable[[], Sample]] = {}
    if bench.curl:
        ways[_CURL] = partial(bench.curled, file, "--cacert", trusted, "-d", "{}", f"{base_url}/text-to-video/")
    names = {"httpx2, not decoded": "undecoded", _NAIVE: "whole", _DIRECT: "ours"}
    ways |= {title: partial(bench.way, name, base_url, file) for title, name in names.items()}
    decoded = {_NAIVE, _DIRECT}
    return {name: partial(_checked, way, file, size if name in decoded else 0) for name, way in ways.items()}


def _checked(way: Callable[[], Sample], file: Path, size: int) -> Sample:
    sample = way()
    if size and file.stat().st_size != size * _MIB:
        raise RuntimeError("what was saved is not whole")
    file.unlink()
    return sample


def _served(bench: Bench, name: str, base_url: str, size: int) -> Sample:
    def save() -> Sample:
        with bench.server(name, base_url) as server:
            warm(server, name)
            return server.measured(*_order(name, bench.folder / "saved.mp4"))[1]

    return _checked(save, bench.folder / "saved.mp4", size)


def _order(name: str, file: Path) -> tuple[str, Message]:
    orders: dict[str, tuple[str, Message]] = {
        OURS: ("webvoice_text_to_video", {"prompt": "x", "output_path": str(file)}),
        BARE: ("save", {"path": str(file)}),
        PUBLISHED: ("webvoice_image", {"prompt": "x", "output_path": str(file)}),
    }
    return orders[name]


def _at_once(bench: Bench, size: int) -> list[Goal]:
    def save() -> Sample:
        orders = [_order(OURS, bench.folder / f"{number}.mp4") for number in range(4)]
        with bench.server(OURS, f"{bench.http}/{size}/api/v1") as server:
            warm(server, OURS)
            memory = Memory(server.pid)
            seconds = server.calls(orders[0][0], [arguments for _, arguments in orders], len(orders))
            grown = memory.grown()
        for _, arguments in orders:
            _checked(dict, Path(arguments["output_path"]), size)
        return {"ms": seconds * 1000, "peak MiB": grown}

    taken = in_turns({f"{OURS}, 4 × {size} MiB": save}, bench.rounds(3, 7))
    table("save, 4 at once", taken)
    (row,) = taken.values()
    return [Goal(f"memory while saving 4 × {size} MiB at once", row["peak MiB"], 16, "MiB above idle", firm=True)]


def _pings(bench: Bench, size: int) -> list[Goal]:
    file = bench.folder / "saved.mp4"

    def pinged(name: str) -> Sample:
        with bench.server(name, f"{bench.http}/{size}/api/v1") as server:
            warm(server, name)
            idle, busy = server.worst_idle_ping(0.5), server.worst_ping(*_order(name, file))
        _checked(dict, file, size)
        return {"idle ms": idle, "saving ms": busy, "+ ms": busy - idle}

    taken = in_turns({name: partial(pinged, name) for name in bench.servers}, bench.rounds(3, 7))
    table(f"save, worst ping at {size} MiB", taken)
    return [Goal("worst ping while saving", taken[OURS]["+ ms"], 20, "ms above idle", firm=True)]


def _bomb(bench: Bench) -> list[Goal]:
    """1 GiB of base64 in 1 to 5 MB of gzip, where 64 MiB are allowed."""
    packer = zlib.compressobj(1, wbits=31)
    with (bench.folder / f"{_BOMB}.gz").open("wb") as file:
        file.write(packer.compress(b'{"success":true,"video":"'))
        for _ in range(1024):
            file.write(packer.compress(b"A" * _MIB))
        file.write(packer.compress(b'"}') + packer.flush())

    def explode() -> Sample:
        with bench.server(OURS, f"{bench.http}/{_BOMB}/api/v1", MAX_FILE_MB=64) as server:
            warm(server, OURS)
            memory = Memory(server.pid)
            tool, arguments = _order(OURS, bench.folder / "bomb.mp4")
            refused = server.ask("tools/call", {"name": tool, "arguments": arguments})
            grown = memory.grown()
        if not (refused["isError"] and "WEBVOICE_MAX_FILE_MB" in str(refused)) or any(bench.folder.glob("*.part")):
            raise RuntimeError(f"the bomb was not stopped: {refused}")
        return {"peak MiB": grown}

    taken = in_turns({OURS: explode}, bench.rounds(1, 3))
    table("save, a bomb of 1 GiB", taken)
    return [Goal("memory while a bomb is stopped", taken[OURS]["peak MiB"], 16, "MiB above idle", firm=True)]


def _show(title: str, taken: dict[str, dict[str, float | None]]) -> None:
    table(title, {name: {"× curl": ratio(row["ms"], _curl(taken)), **row} for name, row in taken.items()})


def _curl(taken: dict[str, dict[str, float | None]]) -> float | None:
    return taken[_CURL]["ms"] if _CURL in taken else None


def prepare(path: Path, size: int) -> None:
    """The base64 of a film of so many MiB: its head is real, what follows is noise."""
    film = _box(b"hdlr", bytes(8) + b"vide" + bytes(12))
    for name in (b"mdia", b"trak", b"moov"):
        film = _box(name, film)
    film = _box(b"ftyp", b"isom" + bytes(4)) + film + bytes(4) + b"mdat"  # of size 0: up to the end
    noise = os.urandom(_BLOCK)
    first = film + noise[len(film) :]
    left = size * _MIB
    with path.open("wb") as file:
        while left:
            block = (first if left == size * _MIB else noise)[:left]
            file.write(base64.b64encode(block))
            left -= len(block)


def _box(name: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + name + content
