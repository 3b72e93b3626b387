"""Search for input that breaks the parsers of responses: python tests/fuzz/fuzz.py splitter|stream [libFuzzer options]

The search is guided by coverage. It ends after ten minutes (`-max_total_time=60`: after one minute) or when something
is found. It requires Atheris, which the environment does not have: pip install atheris (Linux only).
"""

import importlib
import re
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_MAX_REPEATS = 100
_MAX_BYTES = 128 << 10
_OPTIONS = ["-max_total_time=600", "-max_len=4096", "-timeout=20", "-rss_limit_mb=512"]
_MARKED = re.compile(rb"([^\xfe\xff]*)([\xfe\xff]?)")


def to_pieces(data: bytes) -> list[bytes]:
    """Return the pieces of a body from the fuzzer's data: 0xFF ends a piece, 0xFE ends a piece that is repeated.

    UTF-8 never contains these bytes. With repeated pieces, short data can reach the parsers' limits.
    """
    pieces: list[bytes] = []
    left = _MAX_BYTES
    for text, mark in _MARKED.findall(data):
        repeats = min(_MAX_REPEATS, left // max(1, len(text))) if mark == b"\xfe" else 1
        pieces.append(text * repeats)
        left -= len(pieces[-1])
    return pieces


def recut(pieces: list[bytes]) -> Iterable[list[bytes]]:
    """Return a body in three cuts: as given, as one piece, and in about 300 small pieces of at least one byte."""
    body = b"".join(pieces)
    step = 1 + len(body) // 300
    return [pieces, [body], [body[start : start + step] for start in range(0, len(body), step)]]


def main() -> None:
    """Fuzz the subject that the command line names."""
    if len(sys.argv) < 2 or sys.argv[1] not in {"splitter", "stream"}:
        sys.exit(__doc__)
    try:
        atheris: Any = importlib.import_module("atheris")
    except ImportError:
        sys.exit(f"Atheris is missing. Run: {sys.executable} -m pip install atheris")
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    with atheris.instrument_imports(include=["webvoice_mcp", "httpx2"]):
        subject = importlib.import_module(f"tests.fuzz.fuzz_{sys.argv[1]}")
    folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{sys.argv[1]}-"))
    print("Findings are written to", folder)
    (folder / "corpus").mkdir()
    for number, seed in enumerate(subject.SEEDS):
        (folder / "corpus" / f"seed{number}").write_bytes(seed)
    (folder / "words").write_text("".join(f'"{_quote(word)}"\n' for word in subject.WORDS))
    options = [f"-dict={folder / 'words'}", f"-artifact_prefix={folder}/", *_OPTIONS]
    atheris.Setup(
        [sys.argv[0], *options, *sys.argv[2:], str(folder / "corpus")], lambda data: subject.check(to_pieces(data))
    )
    atheris.Fuzz()


def _quote(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    main()
