"""What the fuzzers hold answers to, held to a few of them without a fuzzer, so that it stays true."""

import importlib.util
import random
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.fuzz import fuzz, fuzz_splitter, fuzz_stream
from webvoice_mcp.errors import InvalidResponse

Check = Callable[[list[bytes]], None]
SUBJECTS = [
    pytest.param(each.check, each.SEEDS, each.WORDS, id=name)
    for name, each in {"splitter": fuzz_splitter, "stream": fuzz_stream}.items()
]


@pytest.mark.parametrize(("check", "seeds", "words"), SUBJECTS)
def test_the_seeds_hold(check: Check, seeds: list[bytes], words: list[bytes]) -> None:
    for seed in seeds:
        check(fuzz.pieces(seed))


@pytest.mark.parametrize(("check", "seeds", "words"), SUBJECTS)
def test_spoilt_seeds_hold(check: Check, seeds: list[bytes], words: list[bytes]) -> None:
    dice = random.Random(1)
    for _ in range(200):
        data = dice.choice(seeds)
        for _ in range(dice.randint(1, 4)):
            place = dice.randint(0, len(data))
            data = data[:place] + dice.choice([*words, b""]) + data[place + dice.choice([0, 0, 1, 5]) :]
        check(fuzz.pieces(data))


def test_pieces_are_cut_and_repeated_by_bytes_that_are_no_text() -> None:
    assert fuzz.pieces(b"a\xffbc\xfed") == [b"a", b"bc" * 100, b"d", b""]
    assert sum(map(len, fuzz.pieces(b"x" * 1000 + b"\xfe" + b"y" * 1000 + b"\xfe"))) <= 128 << 10


SPLIT = fuzz_splitter.Answer("{'audio': None}", [("audio", 0, 1, "")], {("audio", 0): b"x"})
HEARD = fuzz_stream.Answer('{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}', ["Hi"])
STREAM = b'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n'


def test_what_is_right_is_judged_right() -> None:
    fuzz_splitter.judge(b'{"audio":"eA"}', SPLIT)
    fuzz_stream.judge(STREAM, HEARD)


@pytest.mark.parametrize(
    ("body", "result"),
    [
        (b'{"audio":"eA"}', SPLIT._replace(sinks={("audio", 0): b"y"})),
        (b'{"audio":"eA"}', SPLIT._replace(media=[])),
        (b'{"audio":"eA"}', SPLIT._replace(document="{}")),
        (b'{"audio":"eA"}', fuzz_splitter.Refusal("No.")),
        (b'{"audio":"eA","audio":"eA"}', SPLIT),
        (b'{"audio":"eA"', SPLIT),
        (b'{"audio":"e!"}', SPLIT),
        (b'{"x":"\n"}', fuzz_splitter.Answer(repr({"x": "\n"}), [], {})),
    ],
)
def test_what_the_splitter_must_not_do_is_judged_wrong(
    body: bytes, result: fuzz_splitter.Answer | fuzz_splitter.Refusal
) -> None:
    with pytest.raises(AssertionError):
        fuzz_splitter.judge(body, result)


@pytest.mark.parametrize(
    ("body", "result"),
    [
        (STREAM, HEARD._replace(heard=["H"])),
        (STREAM.replace(b"Hi", b"Ho"), HEARD),
        (STREAM.replace(b"stop", b""), HEARD),
        (STREAM.replace(b"{", b""), HEARD),
        (STREAM.replace(b'"choices"', b'"error":1,"choices"'), HEARD),
        (STREAM, fuzz_stream.Refusal(InvalidResponse, "No.", [])),
        (STREAM.replace(b'"content"', b'"tool_calls":[{"function":{"arguments":"{}"}}],"content"'), HEARD),
    ],
)
def test_what_the_reader_of_a_stream_must_not_do_is_judged_wrong(
    body: bytes, result: fuzz_stream.Answer | fuzz_stream.Refusal
) -> None:
    with pytest.raises(AssertionError):
        fuzz_stream.judge(body, result)


@pytest.mark.skipif(importlib.util.find_spec("atheris") is not None, reason="Atheris is installed")
def test_without_atheris_the_program_says_what_it_needs() -> None:
    ended = subprocess.run([sys.executable, fuzz.__file__, "stream"], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "-m pip install atheris" in ended.stderr
