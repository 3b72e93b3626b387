"""The check that runs after every test sees what it is to see."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.canary import leaks
from tests.support import CANARY


def found(tmp_path: Path, *sections: tuple[str, str]) -> list[str]:
    item, report = SimpleNamespace(funcargs={"tmp_path": tmp_path}), SimpleNamespace(sections=list(sections))
    return leaks(cast("pytest.Item", item), cast("Any", report))


def test_a_key_in_a_stream_or_a_file_is_found_and_one_in_the_store_is_not(tmp_path: Path) -> None:
    assert found(tmp_path, ("Captured log call", "nothing")) == []
    assert found(tmp_path, ("Captured log call", f"sent {CANARY}")) == ["Captured log call"]
    (tmp_path / "state").mkdir()
    for name in ("credentials.json", "credentials.json.damaged-1", "history.db"):
        (tmp_path / "state" / name).write_bytes(b"\0" + CANARY.encode())
    assert found(tmp_path) == [str(tmp_path / "state" / "history.db")]
    assert leaks(cast("pytest.Item", SimpleNamespace()), cast("Any", SimpleNamespace(sections=[]))) == []
    (tmp_path / "state" / "history.db").unlink()
