"""Looks for input that breaks what reads answers: python tests/fuzz/fuzz.py splitter|stream [options of libFuzzer]

Guided by coverage, until it is stopped (`-max_total_time=600`: after ten minutes) or finds something. It needs
Atheris, which is no part of the environment: pip install atheris (Linux, the Pythons that it has wheels for).
"""

import importlib
import re
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_TIMES = 100
_LONGEST = 128 << 10
_OPTIONS = ["-max_len=4096", "-timeout=20", "-rss_limit_mb=512"]
_MARK = re.compile(rb"([^\xfe\xff]*)([\xfe\xff]?)")


def pieces(data: bytes) -> list[bytes]:
    """What the fuzzer made, as the pieces of a body: 0xFF ends one, 0xFE one that is to be repeated.

    Neither byte is ever part of UTF-8. Repeating lets short input reach what is limited.
    """
    made: list[bytes] = []
    left = _LONGEST
    for text, mark in _MARK.findall(data):
        times = min(_TIMES, left // max(1, len(text))) if mark == b"\xfe" else 1
        made.append(text * times)
        left -= len(made[-1])
    return made


def every_way(made: list[bytes]) -> Iterable[list[bytes]]:
    """The same body as it came, whole, and in the smallest pieces that a long one has the time for."""
    body = b"".join(made)
    step = 1 + len(body) // 300
    return [made, [body], [body[start : start + step] for start in range(0, len(body), step)]]


def main() -> None:
    """Fuzz what the command line names."""
    names = ("splitter", "stream")
    if len(sys.argv) < 2 or sys.argv[1] not in names:
        sys.exit(__doc__)
    try:
        atheris: Any = importlib.import_module("atheris")
    except ImportError:
        sys.exit(f"Atheris is missing: {sys.executable} -m pip install atheris")
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    with atheris.instrument_imports(include=["webvoice_mcp", "httpx2"]):
        subject = importlib.import_module(f"tests.fuzz.fuzz_{sys.argv[1]}")
    folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{sys.argv[1]}-"))
    print("What is found will be in", folder)
    (folder / "corpus").mkdir()
    for number, seed in enumerate(subject.SEEDS):
        (folder / "corpus" / f"seed{number}").write_bytes(seed)
    (folder / "words").write_text("".join(f'"{_quoted(word)}"\n' for word in subject.WORDS))
    options = [f"-dict={folder / 'words'}", f"-artifact_prefix={folder}/", *_OPTIONS]
    atheris.Setup(
        [sys.argv[0], *options, *sys.argv[2:], str(folder / "corpus")], lambda data: subject.check(pieces(data))
    )
    atheris.Fuzz()


def _quoted(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    main()
