from __future__ import annotations

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.cache.disk_tier import DiskTier


def test_what_is_kept_is_read_by_another(tmp_path: Path) -> None:
    DiskTier(tmp_path / "new").put("a", "1", b"body", is_custom=False)
    assert DiskTier(tmp_path / "new").get("a", is_custom=False) == b"body"
    assert DiskTier(tmp_path / "new").get("a", is_custom=True) is None


def test_the_same_answer_is_written_once(tmp_path: Path) -> None:
    kept = DiskTier(tmp_path)
    kept.put("a", "1", b"body", is_custom=False)
    (tmp_path / "a").unlink()
    kept.put("a", "1", b"body", is_custom=False)
    assert not (tmp_path / "a").exists()
    kept.put("a", "2", b"other", is_custom=False)
    assert (tmp_path / "a").read_bytes() == b"other"


def test_the_oldest_custom_ones_go_first(tmp_path: Path) -> None:
    kept = DiskTier(tmp_path, max_files=3)
    for age, (name, custom) in enumerate([("s", False), ("c1", True), ("c2", True)]):
        kept.put(name, "1", b"x", is_custom=custom)
        os.utime(tmp_path / (f"custom-{name}" if custom else name), (age, age))
    kept.put("c3", "1", b"x", is_custom=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["custom-c2", "custom-c3", "s"]


def test_a_full_folder_is_looked_through_once_in_many_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, scan = [], os.scandir

    def scanned(folder: Path) -> object:
        looked.append(folder)
        return scan(folder)

    monkeypatch.setattr("os.scandir", scanned)
    kept = DiskTier(tmp_path, max_files=100)
    for number in range(300):
        kept.put(f"{number:03}", "1", b"x", is_custom=True)
        assert len(os.listdir(tmp_path)) <= 102
    names = sorted(os.listdir(tmp_path))
    assert names == [f"custom-{number:03}" for number in range(300 - len(names), 300)]
    assert len(names) >= 90
    assert len(looked) == 150


def test_no_half_written_file_is_left(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    DiskTier(tmp_path).put("a", "1", b"x", is_custom=False)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_disk_that_fails_is_told_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_bytes(b"")
    kept = DiskTier(tmp_path / "file" / "folder")
    with caplog.at_level(logging.WARNING):
        kept.put("a", "1", b"x", is_custom=False)
        assert kept.get("a", is_custom=False) is None
    assert "not kept" in caplog.text


def test_several_may_drop_the_oldest_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def keep(thread: int) -> None:
        kept = DiskTier(tmp_path, max_files=20)
        for n in range(30):
            kept.put(f"{thread}-{n}", "1", b"x", is_custom=True)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(keep, range(4)))
    assert caplog.text == ""
    assert 0 < len(list(tmp_path.iterdir())) <= 20
