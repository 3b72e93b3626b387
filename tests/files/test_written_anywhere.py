"""A file that is written at any position before it gets its name."""

import io
import os
from pathlib import Path

import pytest

from tests.support import MakeSettings
from webvoice_mcp.errors import InvalidResponse
from webvoice_mcp.files import Files, Output


async def test_a_pending_file_can_be_written_at_any_position(make_settings: MakeSettings, out: Path) -> None:
    files = Files(make_settings())
    target = await files.resolve(Output("a.mp4", "a", "a", (".mp4",), "video"))
    async with files.create(target) as pending:
        file = pending.as_file()
        assert (file.writable(), file.seekable(), file.readable()) == (True, True, False)
        assert file.truncate() == 0
        assert (file.write(b"abcd"), file.seek(-3, os.SEEK_END), file.write(b"XYZW")) == (4, 1, 4)
        assert (pending.size, file.seek(0, os.SEEK_CUR), file.seek(0), file.write(b"A")) == (5, 5, 0, 1)
        with pytest.raises(io.UnsupportedOperation):
            file.truncate(2)
        pending.write(b"!")
        await pending.publish(".mp4")
    assert (out / "a.mp4").read_bytes() == b"AXYZW!"


async def test_only_what_makes_a_file_longer_counts_for_its_largest_size(
    make_settings: MakeSettings, out: Path
) -> None:
    files = Files(make_settings(MAX_FILE_MB=1 / 1024))
    async with files.create(await files.resolve(Output("a.mp4", "a", "a", (".mp4",), "video"))) as pending:
        file = pending.as_file()
        for _ in range(3):
            file.seek(0)
            file.write(bytes(1000))
        with pytest.raises(InvalidResponse):
            file.write(bytes(1000))
        assert pending.size == 1000
