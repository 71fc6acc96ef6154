from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from redis import Redis

from papers.errors import BadParameter, SourceGarbled, StoreBusy
from papers.model.json_rows import paper_to_row
from papers.model.merge import paper_from_sighting
from papers.state.task_states import TaskStates
from papers.store import Store
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from tests.papers.fingerprint import fingerprint
from tests.service.made import make_pick, make_sighting
from tests.workers.bulk.test_snapshot import ROW
from workers.bulk import loader, portions, processes
from workers.bulk.loader import MAX_QUARANTINED, BulkLoader, LoadPosition, load_task_name
from workers.bulk.record_splitter import SplitRecord

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def row(id: str, **said: Any) -> str:
    return json.dumps(ROW | {"id": id} | said)


def months(count: int, each: int = 5) -> list[str]:
    """Lines of so many papers in each of so many months."""
    return [
        row(f"{1001 + month // 12 * 100 + month % 12}.{n:04}", title=f"Paper {n} of {month}")
        for month in range(count)
        for n in range(1, each + 1)
    ]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Portions of a few records, so that a test's file has many."""
    monkeypatch.setattr(portions, "MIN_PORTION_RECORDS", 4)
    monkeypatch.setattr(portions, "MAX_PORTION_RECORDS", 8)


class Desk:
    """Loads into the emptied store, in this process."""

    def __init__(self, redis: Redis, url: str, folder: Path) -> None:
        self.redis, self.url, self.folder = redis, url, folder
        self.states = TaskStates(redis)

    def write(self, lines: Iterable[str], name: str = "papers.json") -> str:
        path = self.folder / name
        path.write_text("".join(f"{line}\n" for line in lines))
        return str(path)

    def load(self, *names: str, again: bool = False, stop_after: int = 1_000) -> list[LoadPosition]:
        """Load files, at most so many moments of each."""
        ends = []
        with processes.load_executor(self.url, 1) as here:
            load = BulkLoader(self.redis, here, 1, lambda: NOW)
            for name in names:
                moments = load.load(name, restart=again)
                *_, end = (at for _, at in zip(range(stop_after), moments, strict=False))
                moments.close()  # type: ignore[attr-defined]
                ends.append(end.position)
        return ends

    def set_aside(self, name: str = "papers.json") -> list[str]:
        aside = self.states.list_quarantined(1_000)[::-1]
        return [record.reason for record in aside if record.task == load_task_name(name)]


@pytest.fixture
def desk(redis: Redis, store_url: str, tmp_path: Path) -> Desk:
    return Desk(redis, store_url, tmp_path)


def test_a_file_is_loaded_once(desk: Desk) -> None:
    name = desk.write(months(7))
    (end,) = desk.load(name)
    assert (end.records, end.new, end.changed, end.ended) == (35, 35, 0, True)
    assert Store(desk.redis).count_papers() == 35
    assert desk.states.list_progress() == []
    desk.redis.delete(*desk.redis.keys("{*}*:papers"))
    (after,) = desk.load(name)
    assert after == end
    assert Store(desk.redis).count_papers() == 0, "nothing was read again"


def test_again_begins_at_the_beginning(desk: Desk) -> None:
    name = desk.write(months(3))
    desk.load(name)
    (end,) = desk.load(name, again=True)
    assert (end.records, end.new, end.changed) == (15, 0, 0)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_stopped_load_goes_on_where_it_was(desk: Desk, compressed: bool) -> None:
    name = desk.write(months(7))
    if compressed:
        Path(name).write_bytes(gzip.compress(Path(name).read_bytes()))
    (before,) = desk.load(name, stop_after=3)
    assert (before.records, before.line, before.ended) == (10, 10, False)
    renamed = str(Path(name).rename(desk.folder / "moved"))
    (end,) = desk.load(renamed)
    assert (end.records, end.new, end.ended) == (35, 30, True)
    stopped = fingerprint(desk.redis)
    desk.redis.flushall()
    desk.load(renamed)
    assert fingerprint(desk.redis) == stopped


def test_forms_give_the_same_papers(desk: Desk) -> None:
    said = [paper_from_sighting(one) for one in (make_sighting(1), make_sighting(2), make_pick(3))]
    ours = desk.write([json.dumps(paper_to_row(paper)) for paper in said], "ours.jsonl")
    mixed = desk.write([row("2611.00004"), *Path(ours).read_text().splitlines()], "mixed.jsonl")
    (end,) = desk.load(mixed)
    assert end.new == 4
    assert Store(desk.redis).get_papers([paper.id for paper in said]) == said


BAD = (
    ("{", "the line is no JSON"),
    ("[1]", "no JSON object"),
    (row("2611.1"), "'2611.1' is no arXiv id"),
    (row("1002.0001", title=""), "no title"),
    ('{"paperwire": 2}', "format 2"),
    ('{"paperwire": 1, "id": "2611.00001", "mood": 1}', "does not know mood"),
    ("\xff", "no JSON"),
    ("[" * 100_000, "no JSON"),
)


def test_bad_lines_are_set_aside_with_line_and_reason(desk: Desk) -> None:
    good = months(3)
    lines = [good[0], *(line for bad, _ in BAD for line in (bad, "")), *good[1:]]
    (end,) = desk.load(desk.write(lines))
    assert (end.new, end.set_aside, end.records) == (15, len(BAD), 15 + len(BAD))
    said = desk.set_aside()
    assert len(said) == len(BAD)
    for place, (reason, (_, expected)) in enumerate(zip(said, BAD, strict=True)):
        assert reason.startswith(f"line {2 + 2 * place}: ")
        assert expected in reason


def test_of_many_bad_lines_some_are_kept_and_all_counted(desk: Desk) -> None:
    (end,) = desk.load(desk.write([*months(1), *(f"bad {n}" for n in range(MAX_QUARANTINED + 50))]))
    assert end.set_aside == MAX_QUARANTINED + 50
    assert len(desk.set_aside()) == MAX_QUARANTINED


def test_what_cannot_be_stored_is_set_aside_with_its_line(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest = Store.ingest

    def picky(self: Store, said: Any, **more: Any) -> Any:
        if any(one.title == "Paper 2 of 1" for one in said):
            raise ValueError("it is poison")
        return ingest(self, said, **more)

    monkeypatch.setattr(Store, "ingest", picky)
    (end,) = desk.load(desk.write(months(3)))
    assert (end.new, end.set_aside) == (14, 1)
    assert desk.set_aside() == ["line 7: cannot be stored: ValueError('it is poison')"]


def test_a_busy_store_is_asked_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ingest, busy = Store.ingest, iter([True, True, *[False] * 100])

    def crowded(self: Store, said: Any, **more: Any) -> Any:
        if next(busy):
            raise StoreBusy("others are faster")
        return ingest(self, said, **more)

    monkeypatch.setattr(Store, "ingest", crowded)
    (end,) = desk.load(desk.write(months(2)))
    assert end.new == 10


WRONG = (
    (["a line", "another"], r"none of its first 2 records can be read \(line 1: the line is no"),
    (['{"name": "x"}'] * 20, "none of its first 8 records"),
)


@pytest.mark.parametrize(("lines", "said"), WRONG)
def test_a_wrong_file_is_refused_and_nothing_kept(desk: Desk, lines: list[str], said: str) -> None:
    with pytest.raises(BadParameter, match=said):
        desk.load(desk.write(lines))
    assert desk.set_aside() == []
    assert desk.redis.hlen("loads") == 0
    assert desk.states.list_progress() == []


def test_a_damaged_file_keeps_what_is_whole(desk: Desk) -> None:
    name = desk.write(months(7))
    Path(name).write_bytes(gzip.compress(Path(name).read_bytes())[:-20])
    with pytest.raises(SourceGarbled, match=r"papers\.json: damaged, or cut short"):
        desk.load(name)
    assert Store(desk.redis).count_papers() > 20


def test_an_empty_file_is_loaded(desk: Desk) -> None:
    (end,) = desk.load(desk.write([]))
    assert (end.records, end.ended) == (0, True)


def test_months_that_are_too_old_are_passed_over(desk: Desk) -> None:
    name = desk.write([*months(14), row("hep-th/9901001")])
    with processes.load_executor(desk.url, 1) as here:
        *_, end = BulkLoader(desk.redis, here, 1, lambda: NOW, first_month=201101).load(name)
    assert (end.position.new, end.position.too_old, end.position.records) == (10, 61, 71)
    assert Store(desk.redis).count_papers() == 10
    assert desk.redis.zrange("months", 0, -1) == [b"1101", b"1102"]


# OAI-PMH, as the simulator answers


@pytest.fixture
def world() -> Iterator[Upstream]:
    with Upstream(oai_page=3) as world:
        yield world


def pages(world: Upstream) -> list[bytes]:
    """All answers of one list."""
    url = f"{world.url}/oai"
    asked = {"verb": "ListRecords", "metadataPrefix": "arXivRaw"}
    found = []
    while True:
        found.append(requests.get(url, asked, timeout=10).content)
        token = found[-1].partition(b"<resumptionToken")[2].partition(b">")[2].partition(b"<")[0]
        if not token:
            return found
        asked = {"verb": "ListRecords", "resumptionToken": token.decode()}


def test_dumps_are_loaded_on_end_or_one_by_one(desk: Desk, world: Upstream) -> None:
    ids = [world.announce(Manuscript(title=f"Paper {n}")) for n in range(8)]
    world.next_day()
    world.withdraw(ids[2])
    dumped = pages(world)
    assert len(dumped) == 3
    names = []
    for number, page in enumerate(dumped):
        path = desk.folder / f"{number}.xml"
        path.write_bytes(page)
        names.append(str(path))
    ends = desk.load(*names)
    assert [end.new for end in ends] == [3, 3, 2]
    one_by_one = fingerprint(desk.redis)
    desk.redis.flushall()
    whole = desk.folder / "whole.xml.gz"
    whole.write_bytes(gzip.compress(b"".join(dumped)))
    (end,) = desk.load(str(whole))
    assert (end.new, end.set_aside) == (8, 0)
    assert fingerprint(desk.redis) == one_by_one
    (withdrawn,) = Store(desk.redis).get_papers([ids[2]])
    assert withdrawn is not None
    assert withdrawn.withdrawn


def test_a_dump_goes_on_where_it_was(desk: Desk, world: Upstream) -> None:
    for n in range(30):
        world.announce(Manuscript(title=f"Paper {n}"))
    path = desk.folder / "dump.xml"
    path.write_bytes(b"".join(pages(world)))
    (before,) = desk.load(str(path), stop_after=3)
    assert 0 < before.records < 30
    (end,) = desk.load(str(path))
    assert end.records == Store(desk.redis).count_papers() == 30


def test_a_cut_dump_and_an_error_are_told(desk: Desk, world: Upstream) -> None:
    for n in range(6):
        world.announce(Manuscript(title=f"Paper {n}"))
    first, second = pages(world)
    error = requests.get(f"{world.url}/oai", {"verb": "Identify"}, timeout=10).content
    path = desk.folder / "dump.xml"
    path.write_bytes(first[:-400] + second + error)
    (end,) = desk.load(str(path))
    assert (end.new, end.set_aside) == (5, 2)
    cut, refused = desk.set_aside("dump.xml")
    assert "the record does not end" in cut
    assert "OAI-PMH said badVerb here" in refused


def test_recorded_dumps_are_read_whole(
    desk: Desk, recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portions, "MIN_PORTION_RECORDS", 2_000)
    monkeypatch.setattr(portions, "MAX_PORTION_RECORDS", 2_000)
    dumps = {"mispy_arXivRaw_1000.xml": 1_000, "shishir_cs_001.xml": 1_000}
    for name in dumps:
        (end,) = desk.load(str(recorded / "oai" / name))
        assert end.set_aside == 0, desk.set_aside(name)
        assert end.records - end.deleted >= 600


# portions


def piece(number: int, text: str) -> SplitRecord:
    return SplitRecord(number, number * 10, text.encode())


def test_portions_end_where_the_month_does() -> None:
    lines = [*months(2, 7), *months(1, 2)]
    found = list(portions.split_portions(piece(n, line) for n, line in enumerate(lines, 1)))
    assert [(len(one.records), one.month) for one in found] == [
        (7, b"1001"),
        (7, b"1002"),
        (2, b"1001"),
    ]
    assert [(one.end_offset, one.last_line) for one in found] == [(70, 7), (140, 14), (160, 16)]


def test_small_months_share_a_portion_and_large_ones_are_parted() -> None:
    found = list(
        portions.split_portions(
            piece(n, line) for n, line in enumerate(months(4, 2) + months(1, 20))
        )
    )
    assert [(len(one.records), one.month) for one in found] == [
        (4, b""),
        (4, b""),
        (8, b"1001"),
        (8, b"1001"),
        (4, b"1001"),
    ]


class Crowd(Executor):
    """Remembers what was under way at once: the first month of each portion, in their order."""

    def __init__(self) -> None:
        self.open: list[Slow] = []
        self.seen: list[list[str]] = []

    def submit(self, call: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = Slow(self, args[0])
        self.open.append(future)
        self.seen.append([one.month for one in self.open])
        return future


class Slow(Future[Any]):
    """Done once somebody asks for what became of it."""

    def __init__(self, crowd: Crowd, records: Sequence[portions.RecordTuple]) -> None:
        super().__init__()
        self._crowd, self._count = crowd, len(records)
        _, text, _ = records[0]
        self.month = json.loads(text)["id"][:4]

    def result(self, timeout: float | None = None) -> Any:
        if not self.done():
            self._crowd.open.remove(self)
            self.set_result(portions.PortionResult(self._count, 0, 0, 0, ()))
        return super().result()


def crowded(desk: Desk, lines: list[str], processes: int) -> list[list[str]]:
    """What was under way at once in a load of these lines by so many processes."""
    crowd, name = Crowd(), desk.write(lines)
    *_, end = BulkLoader(desk.redis, crowd, processes, lambda: NOW).load(name)
    assert (end.position.records, end.position.new) == (len(lines), len(lines))
    assert (end.position.line, end.position.offset) == (len(lines), Path(name).stat().st_size)
    return crowd.seen


def test_few_portions_are_in_memory(desk: Desk) -> None:
    assert max(map(len, crowded(desk, months(20), 3))) == 4


def test_one_portion_of_a_month_is_stored_at_a_time_and_other_months_meanwhile(desk: Desk) -> None:
    seen = crowded(desk, months(3, 20), 2)
    assert len(seen) == 9
    assert all(len(set(at_once)) == len(at_once) for at_once in seen)
    assert {month for at_once in seen if len(at_once) > 1 for month in at_once} == {
        *("1001", "1002", "1003"),
    }


def test_of_one_month_few_portions_are_in_memory(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut: list[int] = []

    def counted(pieces: Iterable[SplitRecord]) -> Iterator[portions.Portion]:
        for portion in portions.split_portions(pieces):
            cut.append(portion.last_line)
            yield portion

    monkeypatch.setattr(loader, "split_portions", counted)
    name = desk.write(months(1, 160))
    for at in BulkLoader(desk.redis, Crowd(), 2, lambda: NOW).load(name):
        assert sum(line > at.position.line for line in cut) <= 4
    assert len(cut) == 20


def test_processes_end_with_their_starter(desk: Desk) -> None:
    name = desk.write(months(7))
    with processes.load_executor(desk.url, 2) as pool:
        *_, end = BulkLoader(desk.redis, pool, 2, lambda: NOW).load(name)
        assert end.position.new == 35
        children = [process.pid for process in pool._processes.values()]  # type: ignore[attr-defined]
    assert 1 <= len(children) <= 2
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in children):
        assert time.monotonic() < deadline
        time.sleep(0.02)
