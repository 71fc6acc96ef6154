from __future__ import annotations

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.cache.disk_tier import DiskTier


def test_another_process_reads_what_was_written(tmp_path: Path) -> None:
    DiskTier(tmp_path / "new").put("a", b"body", is_custom=False)
    assert DiskTier(tmp_path / "new").get("a", is_custom=False) == b"body"
    assert DiskTier(tmp_path / "new").get("a", is_custom=True) is None


def test_response_is_written_over_the_one_before(tmp_path: Path) -> None:
    tier = DiskTier(tmp_path)
    for body in (b"body", b"other"):
        tier.put("a", body, is_custom=False)
    assert (tmp_path / "a").read_bytes() == b"other"


def test_response_that_was_read_is_kept_longer(tmp_path: Path) -> None:
    tier = DiskTier(tmp_path, max_files=3)
    for age, name in enumerate("abc"):
        tier.put(name, b"x", is_custom=True)
        os.utime(tmp_path / f"custom-{name}", (age, age))
    assert tier.get("a", is_custom=True) == b"x"
    tier.put("d", b"x", is_custom=True)
    assert sorted(path.name[-1] for path in tmp_path.iterdir()) == ["a", "c", "d"]


def test_oldest_custom_responses_are_evicted_first(tmp_path: Path) -> None:
    tier = DiskTier(tmp_path, max_files=3)
    for age, (name, custom) in enumerate([("s", False), ("c1", True), ("c2", True)]):
        tier.put(name, b"x", is_custom=custom)
        os.utime(tmp_path / (f"custom-{name}" if custom else name), (age, age))
    tier.put("c3", b"x", is_custom=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["custom-c2", "custom-c3", "s"]


def test_as_many_files_as_are_allowed_stay_and_one_more_evicts_a_tenth(tmp_path: Path) -> None:
    tier = DiskTier(tmp_path, max_files=20)
    for number in range(20):
        tier.put(str(number), b"x", is_custom=True)
    assert len(os.listdir(tmp_path)) == 20
    tier.put("20", b"x", is_custom=True)
    assert len(os.listdir(tmp_path)) == 18


def test_full_folder_is_scanned_once_in_many_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scans, scandir = [], os.scandir

    def counted_scan(folder: Path) -> object:
        scans.append(folder)
        return scandir(folder)

    monkeypatch.setattr("os.scandir", counted_scan)
    tier = DiskTier(tmp_path, max_files=100)
    for number in range(300):
        tier.put(f"{number:03}", b"x", is_custom=True)
        assert len(os.listdir(tmp_path)) <= 102
    names = sorted(os.listdir(tmp_path))
    assert names == [f"custom-{number:03}" for number in range(300 - len(names), 300)]
    assert len(names) >= 90
    assert len(scans) == 150


def test_response_of_the_build_that_wrote_last_stands_in_for_a_missing_one(tmp_path: Path) -> None:
    """Whatever the age of that response, and in whatever order the system lists the files."""
    tier = DiskTier(tmp_path)
    for build, ages in (("a", [50, 60]), ("b", [40, 90]), ("c", [100] * 9 + [1] + [100] * 9)):
        for number, age in enumerate(ages):
            tier.put(str(number), build.encode(), is_custom=False, build=build)
            os.utime(tmp_path / f"{number}.{build}", (1_000_000 - age, 1_000_000 - age))
    another = DiskTier(tmp_path)
    assert another.get("0", is_custom=False, build="d") == b"c"
    (tmp_path / "0.c").unlink()
    assert another.get("0", is_custom=False, build="d") == b"b"
    assert another.get("0", is_custom=False, build="a") == b"a"
    assert another.get("nothing", is_custom=False, build="d") is None


def test_failed_write_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    DiskTier(tmp_path).put("a", b"x", is_custom=False)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_failing_disk_is_logged_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_bytes(b"")
    tier = DiskTier(tmp_path / "file" / "folder")
    with caplog.at_level(logging.WARNING):
        tier.put("a", b"x", is_custom=False)
        assert tier.get("a", is_custom=False) is None
    assert "not written" in caplog.text


def test_concurrent_evictions_are_harmless(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def write_thirty(thread: int) -> None:
        tier = DiskTier(tmp_path, max_files=20)
        for n in range(30):
            tier.put(f"{thread}-{n}", b"x", is_custom=True)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write_thirty, range(4)))
    assert caplog.text == ""
    assert 0 < len(list(tmp_path.iterdir())) <= 20
