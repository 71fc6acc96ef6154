from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from redis import Redis

from papers.errors import BadParameter, SourceGarbled, StoreBusy
from papers.model.merge import paper_from_sighting
from papers.records.json_rows import paper_to_row
from papers.store import Store
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from tests.papers.fingerprint import fingerprint
from tests.service.made import make_pick, make_sighting
from tests.workers.bulk.loading import NOW, Harness, months, row
from workers.bulk import portions, processes
from workers.bulk.loader import MAX_QUARANTINED, BulkLoader


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make portions small, so that a test's file has many."""
    monkeypatch.setattr(portions, "MIN_PORTION_RECORDS", 4)
    monkeypatch.setattr(portions, "MAX_PORTION_RECORDS", 8)


@pytest.fixture
def harness(redis: Redis, store_url: str, tmp_path: Path) -> Harness:
    return Harness(redis, store_url, tmp_path)


def test_file_is_loaded_once(harness: Harness) -> None:
    name = harness.write(months(7))
    (end,) = harness.load(name)
    assert (end.records, end.new, end.changed, end.ended) == (35, 35, 0, True)
    assert Store(harness.redis).count_papers() == 35
    assert harness.states.list_progress() == []
    harness.redis.delete(*harness.redis.keys("{*}*:papers"))
    (after,) = harness.load(name)
    assert after == end
    assert Store(harness.redis).count_papers() == 0, "nothing was read again"


def test_restart_begins_at_offset_zero(harness: Harness) -> None:
    name = harness.write(months(3))
    harness.load(name)
    (end,) = harness.load(name, restart=True)
    assert (end.records, end.new, end.changed) == (15, 0, 0)


@pytest.mark.parametrize("compressed", [False, True])
def test_interrupted_load_resumes(harness: Harness, compressed: bool) -> None:
    name = harness.write(months(7))
    if compressed:
        Path(name).write_bytes(gzip.compress(Path(name).read_bytes()))
    (before,) = harness.load(name, stop_after=3)
    assert (before.records, before.line, before.ended) == (10, 10, False)
    renamed = str(Path(name).rename(harness.folder / "moved"))
    (end,) = harness.load(renamed)
    assert (end.records, end.new, end.ended) == (35, 30, True)
    stopped = fingerprint(harness.redis)
    harness.redis.flushall()
    harness.load(renamed)
    assert fingerprint(harness.redis) == stopped


def test_all_formats_give_the_same_papers(harness: Harness) -> None:
    loaded = [
        paper_from_sighting(one) for one in (make_sighting(1), make_sighting(2), make_pick(3))
    ]
    ours = harness.write([json.dumps(paper_to_row(paper)) for paper in loaded], "ours.jsonl")
    mixed = harness.write([row("2611.00004"), *Path(ours).read_text().splitlines()], "mixed.jsonl")
    (end,) = harness.load(mixed)
    assert end.new == 4
    assert Store(harness.redis).get_papers([paper.id for paper in loaded]) == loaded


BAD = (
    ("{", "the line is not JSON"),
    ("[1]", "not a JSON object"),
    (row("2611.1"), "'2611.1' is no arXiv id"),
    (row("1002.0001", title=""), "no title"),
    ('{"paperwire": 2}', "format 2"),
    ('{"paperwire": 1, "id": "2611.00001", "mood": 1}', "does not know mood"),
    ("\xff", "not JSON"),
    ("[" * 100_000, "not JSON"),
)


def test_bad_lines_are_quarantined_with_line_and_reason(harness: Harness) -> None:
    good = months(3)
    lines = [good[0], *(line for bad, _ in BAD for line in (bad, "")), *good[1:]]
    (end,) = harness.load(harness.write(lines))
    assert (end.new, end.set_aside, end.records) == (15, len(BAD), 15 + len(BAD))
    reasons = harness.set_aside()
    assert len(reasons) == len(BAD)
    for index, (reason, (_, expected)) in enumerate(zip(reasons, BAD, strict=True)):
        assert reason.startswith(f"line {2 + 2 * index}: ")
        assert expected in reason


def test_quarantine_of_a_file_is_limited_but_all_are_counted(harness: Harness) -> None:
    (end,) = harness.load(
        harness.write([*months(1), *(f"bad {n}" for n in range(MAX_QUARANTINED + 50))])
    )
    assert end.set_aside == MAX_QUARANTINED + 50
    assert len(harness.set_aside()) == MAX_QUARANTINED


def test_poison_record_is_quarantined_with_its_line(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest = Store.ingest

    def failing_ingest(self: Store, records: Any, **more: Any) -> Any:
        if any(record.title == "Paper 2 of 1" for record in records):
            raise ValueError("it is poison")
        return ingest(self, records, **more)

    monkeypatch.setattr(Store, "ingest", failing_ingest)
    (end,) = harness.load(harness.write(months(3)))
    assert (end.new, end.set_aside) == (14, 1)
    assert harness.set_aside() == ["line 7: cannot be stored: ValueError('it is poison')"]


def test_busy_store_is_retried(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    ingest, busy = Store.ingest, iter([True, True, *[False] * 100])

    def busy_ingest(self: Store, records: Any, **more: Any) -> Any:
        if next(busy):
            raise StoreBusy("others are faster")
        return ingest(self, records, **more)

    monkeypatch.setattr(Store, "ingest", busy_ingest)
    (end,) = harness.load(harness.write(months(2)))
    assert end.new == 10


WRONG = (
    (["a line", "another"], r"none of its first 2 records can be read \(line 1: the line is no"),
    (['{"name": "x"}'] * 20, "none of its first 8 records"),
)


@pytest.mark.parametrize(("lines", "message"), WRONG)
def test_unreadable_file_is_refused_and_nothing_stored(
    harness: Harness, lines: list[str], message: str
) -> None:
    with pytest.raises(BadParameter, match=message):
        harness.load(harness.write(lines))
    assert harness.set_aside() == []
    assert harness.redis.hlen("loads") == 0
    assert harness.states.list_progress() == []


def test_complete_records_of_damaged_file_are_stored(harness: Harness) -> None:
    name = harness.write(months(7))
    Path(name).write_bytes(gzip.compress(Path(name).read_bytes())[:-20])
    with pytest.raises(SourceGarbled, match=r"papers\.json: damaged, or cut short"):
        harness.load(name)
    assert Store(harness.redis).count_papers() > 20


def test_empty_file_is_loaded(harness: Harness) -> None:
    (end,) = harness.load(harness.write([]))
    assert (end.records, end.ended) == (0, True)


def test_expired_months_are_skipped(harness: Harness) -> None:
    name = harness.write([*months(14), row("hep-th/9901001")])
    with processes.load_executor(harness.url, 1) as here:
        *_, end = BulkLoader(harness.redis, here, 1, lambda: NOW, first_month=201101).load(name)
    assert (end.position.new, end.position.too_old, end.position.records) == (10, 61, 71)
    assert Store(harness.redis).count_papers() == 10
    assert harness.redis.zrange("months", 0, -1) == [b"1101", b"1102"]


# OAI-PMH, as the simulator serves it


@pytest.fixture
def world() -> Iterator[Upstream]:
    with Upstream(oai_page=3) as world:
        yield world


def pages(world: Upstream) -> list[bytes]:
    """Return all pages of one list."""
    url = f"{world.url}/oai"
    request = {"verb": "ListRecords", "metadataPrefix": "arXivRaw"}
    found = []
    while True:
        found.append(requests.get(url, request, timeout=10).content)
        token = found[-1].partition(b"<resumptionToken")[2].partition(b">")[2].partition(b"<")[0]
        if not token:
            return found
        request = {"verb": "ListRecords", "resumptionToken": token.decode()}


def test_dumps_load_concatenated_or_one_by_one(harness: Harness, world: Upstream) -> None:
    ids = [world.announce(Manuscript(title=f"Paper {n}")) for n in range(8)]
    world.next_day()
    world.withdraw(ids[2])
    dumped = pages(world)
    assert len(dumped) == 3
    names = []
    for number, page in enumerate(dumped):
        path = harness.folder / f"{number}.xml"
        path.write_bytes(page)
        names.append(str(path))
    ends = harness.load(*names)
    assert [end.new for end in ends] == [3, 3, 2]
    one_by_one = fingerprint(harness.redis)
    harness.redis.flushall()
    complete = harness.folder / "whole.xml.gz"
    complete.write_bytes(gzip.compress(b"".join(dumped)))
    (end,) = harness.load(str(complete))
    assert (end.new, end.set_aside) == (8, 0)
    assert fingerprint(harness.redis) == one_by_one
    (withdrawn,) = Store(harness.redis).get_papers([ids[2]])
    assert withdrawn is not None
    assert withdrawn.withdrawn


def test_interrupted_dump_resumes(harness: Harness, world: Upstream) -> None:
    for n in range(30):
        world.announce(Manuscript(title=f"Paper {n}"))
    path = harness.folder / "dump.xml"
    path.write_bytes(b"".join(pages(world)))
    (before,) = harness.load(str(path), stop_after=3)
    assert 0 < before.records < 30
    (end,) = harness.load(str(path))
    assert end.records == Store(harness.redis).count_papers() == 30


def test_truncated_dump_and_protocol_error_are_reported(harness: Harness, world: Upstream) -> None:
    for n in range(6):
        world.announce(Manuscript(title=f"Paper {n}"))
    first, second = pages(world)
    error = requests.get(f"{world.url}/oai", {"verb": "Identify"}, timeout=10).content
    path = harness.folder / "dump.xml"
    path.write_bytes(first[:-400] + second + error)
    (end,) = harness.load(str(path))
    assert (end.new, end.set_aside) == (5, 2)
    cut, refused = harness.set_aside("dump.xml")
    assert "the record does not end" in cut
    assert "OAI-PMH said badVerb here" in refused


def test_recorded_dumps_parse_completely(
    harness: Harness, recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portions, "MIN_PORTION_RECORDS", 2_000)
    monkeypatch.setattr(portions, "MAX_PORTION_RECORDS", 2_000)
    dumps = {"mispy_arXivRaw_1000.xml": 1_000, "shishir_cs_001.xml": 1_000}
    for name in dumps:
        (end,) = harness.load(str(recorded / "oai" / name))
        assert end.set_aside == 0, harness.set_aside(name)
        assert end.records - end.deleted >= 600
