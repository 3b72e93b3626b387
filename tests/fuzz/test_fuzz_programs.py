"""The fuzzers' checks without a fuzzer: they pass for the seeds and fail for wrong results."""

import importlib.util
import random
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.fuzz import fuzz, fuzz_splitter, fuzz_stream
from webvoice_mcp.errors import InvalidResponse

GARBLED_SEEDS = 100

Check = Callable[[list[bytes]], None]
SUBJECTS = [
    pytest.param(subject.check, subject.SEEDS, subject.WORDS, id=name)
    for name, subject in {"splitter": fuzz_splitter, "stream": fuzz_stream}.items()
]


@pytest.mark.slow
@pytest.mark.parametrize(("check", "seeds", "words"), SUBJECTS)
@pytest.mark.untraced
def test_seeds_and_garbled_seeds_pass_the_check(check: Check, seeds: list[bytes], words: list[bytes]) -> None:
    for seed in seeds:
        check(fuzz.to_pieces(seed))
    rng = random.Random(1)
    for _ in range(GARBLED_SEEDS):
        data = rng.choice(seeds)
        for _ in range(rng.randint(1, 4)):
            at = rng.randint(0, len(data))
            data = data[:at] + rng.choice([*words, b""]) + data[at + rng.choice([0, 0, 1, 5]) :]
        check(fuzz.to_pieces(data))


def test_pieces_are_cut_and_repeated_by_bytes_that_are_not_utf8() -> None:
    assert fuzz.to_pieces(b"a\xffbc\xfed") == [b"a", b"bc" * 100, b"d", b""]
    assert sum(map(len, fuzz.to_pieces(b"x" * 1000 + b"\xfe" + b"y" * 1000 + b"\xfe"))) <= 128 << 10


SPLIT = fuzz_splitter.Answer("{'audio': None}", [("audio", 0, 1, "")], {("audio", 0): b"x"})
CHAT = fuzz_stream.Answer('{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}', ["Hi"])
STREAM = b'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n'


def test_right_results_pass() -> None:
    fuzz_splitter.judge(b'{"audio":"eA"}', SPLIT)
    fuzz_stream.judge(STREAM, CHAT)


def test_wrong_results_of_the_splitter_fail() -> None:
    outcomes: list[tuple[bytes, fuzz_splitter.Answer | fuzz_splitter.Refusal]] = [
        (b'{"audio":"eA"}', SPLIT._replace(sinks={("audio", 0): b"y"})),
        (b'{"audio":"eA"}', SPLIT._replace(media=[])),
        (b'{"audio":"eA"}', SPLIT._replace(document="{}")),
        (b'{"audio":"eA"}', fuzz_splitter.Refusal("No.")),
        (b'{"audio":"eA","audio":"eA"}', SPLIT),
        (b'{"audio":"eA"', SPLIT),
        (b'{"audio":"e!"}', SPLIT),
        (b'{"x":"\n"}', fuzz_splitter.Answer(repr({"x": "\n"}), [], {})),
    ]
    for body, result in outcomes:
        with pytest.raises(AssertionError):
            fuzz_splitter.judge(body, result)


def test_wrong_results_of_a_stream_fail() -> None:
    outcomes: list[tuple[bytes, fuzz_stream.Answer | fuzz_stream.Refusal]] = [
        (STREAM, CHAT._replace(passed_on=["H"])),
        (STREAM.replace(b"Hi", b"Ho"), CHAT),
        (STREAM.replace(b"stop", b""), CHAT),
        (STREAM.replace(b"{", b""), CHAT),
        (STREAM.replace(b'"choices"', b'"error":1,"choices"'), CHAT),
        (STREAM, fuzz_stream.Refusal(InvalidResponse, "No.", [])),
        (STREAM.replace(b'"content"', b'"tool_calls":[{"function":{"arguments":"{}"}}],"content"'), CHAT),
    ]
    for body, result in outcomes:
        with pytest.raises(AssertionError):
            fuzz_stream.judge(body, result)


@pytest.mark.skipif(importlib.util.find_spec("atheris") is not None, reason="Atheris is installed")
def test_without_atheris_the_program_says_how_to_install_it() -> None:
    done = subprocess.run([sys.executable, fuzz.__file__, "stream"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "-m pip install atheris" in done.stderr
