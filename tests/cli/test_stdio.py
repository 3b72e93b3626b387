"""What becomes of the wire when nobody listens any more."""

import io
import os

import pytest

from webvoice_mcp.cli._stdout import _Wire


def test_a_wire_that_broke_is_told_once_and_takes_what_is_left_in_silence() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    told: list[bool] = []
    with io.BufferedWriter(_Wire(writer, lambda: told.append(True))) as wire:
        wire.write(b"an answer\n")
        with pytest.raises(BrokenPipeError):
            wire.flush()
    assert told == [True]
