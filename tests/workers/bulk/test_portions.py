from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tests.workers.bulk.loading import Harness, months
from workers.bulk import loader, portions, processes
from workers.bulk.loader import BulkLoader
from workers.bulk.record_splitter import SplitRecord

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make portions small, so that a test's file has many."""
    monkeypatch.setattr(portions, "MIN_PORTION_RECORDS", 4)
    monkeypatch.setattr(portions, "MAX_PORTION_RECORDS", 8)


@pytest.fixture
def harness(redis: Redis, store_url: str, tmp_path: Path) -> Harness:
    return Harness(redis, store_url, tmp_path)


def split_record(number: int, text: str) -> SplitRecord:
    return SplitRecord(number, number * 10, text.encode())


def test_portions_end_where_the_month_changes() -> None:
    lines = [*months(2, 7), *months(1, 2)]
    found = list(portions.split_portions(split_record(n, line) for n, line in enumerate(lines, 1)))
    assert [(len(one.records), one.month) for one in found] == [
        (7, b"1001"),
        (7, b"1002"),
        (2, b"1001"),
    ]
    assert [(one.end_offset, one.last_line) for one in found] == [(70, 7), (140, 14), (160, 16)]


def test_small_months_share_a_portion_and_large_ones_are_split() -> None:
    found = list(
        portions.split_portions(
            split_record(n, line) for n, line in enumerate(months(4, 2) + months(1, 20))
        )
    )
    assert [(len(one.records), one.month) for one in found] == [
        (4, b""),
        (4, b""),
        (8, b"1001"),
        (8, b"1001"),
        (4, b"1001"),
    ]


class RecordingExecutor(Executor):
    """Records which portions were in progress at once: the first month of each, in order."""

    def __init__(self) -> None:
        self.open: list[LazyFuture] = []
        self.seen: list[list[str]] = []

    def submit(self, call: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = LazyFuture(self, args[0])
        self.open.append(future)
        self.seen.append([one.month for one in self.open])
        return future


class LazyFuture(Future[Any]):
    """A future that is done once its result is requested."""

    def __init__(self, crowd: RecordingExecutor, records: Sequence[portions.RecordTuple]) -> None:
        super().__init__()
        self._crowd, self._count = crowd, len(records)
        _, text, _ = records[0]
        self.month = json.loads(text)["id"][:4]

    def result(self, timeout: float | None = None) -> Any:
        if not self.done():
            self._crowd.open.remove(self)
            self.set_result(portions.PortionResult(self._count, 0, 0, 0, ()))
        return super().result()


def portions_in_progress(harness: Harness, lines: list[str], processes: int) -> list[list[str]]:
    """Load these lines with so many processes; return which portions were in progress at once."""
    crowd, name = RecordingExecutor(), harness.write(lines)
    *_, end = BulkLoader(harness.redis, crowd, processes, lambda: NOW).load(name)
    assert (end.position.records, end.position.new) == (len(lines), len(lines))
    assert (end.position.line, end.position.offset) == (len(lines), Path(name).stat().st_size)
    return crowd.seen


def test_few_portions_are_in_memory(harness: Harness) -> None:
    assert max(map(len, portions_in_progress(harness, months(20), 3))) == 4


def test_portions_of_one_month_are_serialized_and_others_overtake(harness: Harness) -> None:
    seen = portions_in_progress(harness, months(3, 20), 2)
    assert len(seen) == 9
    assert all(len(set(at_once)) == len(at_once) for at_once in seen)
    assert {month for at_once in seen if len(at_once) > 1 for month in at_once} == {
        *("1001", "1002", "1003"),
    }


def test_few_portions_of_one_month_are_in_memory(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut: list[int] = []

    def counted(pieces: Iterable[SplitRecord]) -> Iterator[portions.Portion]:
        for portion in portions.split_portions(pieces):
            cut.append(portion.last_line)
            yield portion

    monkeypatch.setattr(loader, "split_portions", counted)
    name = harness.write(months(1, 160))
    for at in BulkLoader(harness.redis, RecordingExecutor(), 2, lambda: NOW).load(name):
        assert sum(line > at.position.line for line in cut) <= 4
    assert len(cut) == 20


def test_processes_end_with_their_parent(harness: Harness) -> None:
    name = harness.write(months(7))
    with processes.load_executor(harness.url, 2) as pool:
        *_, end = BulkLoader(harness.redis, pool, 2, lambda: NOW).load(name)
        assert end.position.new == 35
        children = [process.pid for process in pool._processes.values()]  # type: ignore[attr-defined]
    assert 1 <= len(children) <= 2
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in children):
        assert time.monotonic() < deadline
        time.sleep(0.02)
