"""The check that follows every test finds a key."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.canary import find_leaks
from tests.support import CANARY


def leaks(tmp_path: Path, *sections: tuple[str, str]) -> list[str]:
    item, report = SimpleNamespace(funcargs={"tmp_path": tmp_path}), SimpleNamespace(sections=list(sections))
    return find_leaks(cast("pytest.Item", item), cast("Any", report))


def test_a_key_is_found_everywhere_but_in_the_store(tmp_path: Path) -> None:
    assert leaks(tmp_path, ("Captured log call", "nothing")) == []
    assert leaks(tmp_path, ("Captured log call", f"sent {CANARY}")) == ["Captured log call"]
    (tmp_path / "state").mkdir()
    history = tmp_path / "state/history.db"
    for name in ("credentials.json", "credentials.json.damaged-1", "history.db"):
        (tmp_path / "state" / name).write_bytes(b"\0" + CANARY.encode())
    assert leaks(tmp_path) == [str(history)]
    without_folder = find_leaks(cast("pytest.Item", SimpleNamespace()), cast("Any", SimpleNamespace(sections=[])))
    assert without_folder == []
    history.unlink()  # or this test fails by its own rule
