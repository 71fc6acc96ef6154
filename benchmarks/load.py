"""Bulk-load rate with one process and with two.

    python -m benchmarks.load [--papers N] [--short] [--processes 1,2] [PAPERS.jsonl.gz]

Writes 90,000 papers (--short: 8,000) as lines of arXiv's metadata snapshot, with unique ids in four
months. Without a file of real papers, papers are generated. Then loads them into an empty embedded
store with each number of processes, and again into the full store. Prints papers per second; the
CPU time per paper of all processes except the store, and of the store, which is what counts on a
busy machine; how many processors both keep busy, which bounds what more processes can gain; and the
peak memory of the largest process. "reading alone" is splitting, parsing and
converting records without storing them.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from textwrap import fill
from typing import Any, Final

from redis import Redis

from benchmarks.corpus import DEFAULT_CORPUS, read_sightings
from papers.model.paper import Sighting
from paperwire.run import embedded_store
from paperwire.simulator.world.generate import PaperGenerator
from paperwire.simulator.world.manuscripts import Manuscript
from workers.bulk.bulk_file import find_bulk_file
from workers.bulk.loader import BulkLoader
from workers.bulk.portions import read_records, split_portions
from workers.bulk.processes import load_executor

PAPERS: Final = 90_000
SHORT_PAPERS: Final = 8_000
MONTHS: Final = 4


def main() -> None:
    """Run the benchmark and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=DEFAULT_CORPUS)
    parser.add_argument("--papers", type=int, default=PAPERS)
    parser.add_argument("--short", action="store_true", help=f"use {SHORT_PAPERS:,} papers")
    parser.add_argument("--processes", default="1,2", help="numbers of processes to measure")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "snapshot.json"
        count = SHORT_PAPERS if options.short else options.papers
        write_snapshot(path, options.file, count)
        megabytes = path.stat().st_size / 1e6
        print(f"{count:,} papers, {megabytes:.0f} MB, {MONTHS} months")
        measure_reading(path)
        for processes in map(int, options.processes.split(",")):
            measure_load(path, processes)


def write_snapshot(path: Path, real: Path, count: int) -> None:
    """Write `count` papers in the format of the snapshot, sorted by id."""
    with path.open("w", encoding="utf-8") as out:
        for number, text in enumerate(islice(_papers(real), count)):
            month, index = divmod(number, count // MONTHS)
            out.write(json.dumps(_row(f"15{month + 1:02}.{index + 1:05}", text)) + "\n")


def measure_reading(path: Path) -> None:
    """Measure everything except storing."""
    clock = CpuClock()
    with find_bulk_file(str(path)).open_reader() as reader:
        count = sum(
            len(read_records(portion.records)[0]) for portion in split_portions(reader.records())
        )
    print(f"{'reading alone':22} {clock.summary(count)}")


class CpuClock:
    """Elapsed and CPU time since creation, of this process and its finished children."""

    def __init__(self) -> None:
        self._start, self._cpu_start = time.perf_counter(), _cpu_seconds()

    def summary(self, papers: int, store_seconds: float = 0.0) -> str:
        """Render papers per second, microseconds of CPU per paper, and processors kept busy."""
        elapsed, cpu = time.perf_counter() - self._start, _cpu_seconds() - self._cpu_start
        return (
            f"{papers / elapsed:8,.0f} papers/s, {cpu / papers * 1e6:5,.0f} µs CPU per paper, "
            f"{store_seconds / papers * 1e6:4,.0f} of the store, "
            f"{(cpu + store_seconds) / elapsed:.2f} processors busy"
        )


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def measure_load(path: Path, processes: int) -> None:
    """Measure a load into an empty store, and again into the full one."""
    with (
        tempfile.TemporaryDirectory() as folder,
        embedded_store.open_embedded_store(embedded_store.StorePaths.in_data_dir(folder)) as url,
    ):
        for suffix, again in (("", False), (", again", True)):
            clock, redis = CpuClock(), Redis.from_url(url)
            store_start = _store_cpu_seconds(redis)
            with load_executor(url, processes) as pool:
                loader = BulkLoader(Redis.from_url(url), pool, processes, lambda: datetime.now(UTC))
                *_, end = loader.load(str(path), restart=again)
                peak = max(map(_peak_megabytes, _process_ids(pool)))
            name = f"{processes} process{'es' if processes > 1 else ''}{suffix}"
            records, new = end.position.records, end.position.new
            summary = clock.summary(records, _store_cpu_seconds(redis) - store_start)
            print(f"{name:22} {summary}, {new:6,} new, {peak} MB", flush=True)


def _store_cpu_seconds(redis: Redis) -> float:
    info: Any = redis.info("cpu")
    return float(info["used_cpu_user"]) + float(info["used_cpu_sys"])


def _papers(real: Path) -> Iterator[Sighting | Manuscript]:
    """Yield real papers, repeated if there are too few, or generated ones."""
    if not real.exists():
        print(f"generated papers: {real} does not exist")
    generator = PaperGenerator(1)
    while True:
        if real.exists():
            yield from read_sightings(real)
        else:
            yield generator.manuscript()


def _row(id: str, text: Sighting | Manuscript) -> dict[str, Any]:
    """Return a row of the snapshot, with its members, spaces and line ends.

    A paper has one to three versions, depending on its number.
    """
    versions = 1 + int(id[-2:]) % 3
    return {
        "id": id,
        "submitter": next(iter(text.authors), None),
        "authors": _wrapped(", ".join(text.authors)),
        "title": _wrapped(text.title),
        "comments": text.comment or None,
        "journal-ref": text.journal_ref or None,
        "doi": text.doi or None,
        "report-no": None,
        "categories": " ".join(text.categories or ("cs.CL",)),
        "license": text.license or None,
        "abstract": f"  {fill(text.abstract, 79)}\n",
        "versions": [
            {"version": f"v{n}", "created": f"Mon, {5 + 7 * n} Jan 2015 10:0{n}:42 GMT"}
            for n in range(1, versions + 1)
        ],
        "update_date": f"2015-02-{1 + int(id[-2:]) % 28:02}",
        "authors_parsed": [
            [*name.split()[-1:], " ".join(name.split()[:-1]), ""] for name in text.authors
        ],
    }


def _wrapped(text: str) -> str:
    return fill(text, 79, subsequent_indent="  ")


def _process_ids(pool: Executor) -> list[int]:
    return [os.getpid(), *getattr(pool, "_processes", {})]


def _peak_megabytes(pid: int) -> int:
    """Return the peak memory of a process in MB; 0 where it is not known."""
    status = Path(f"/proc/{pid}/status")
    match = re.search(r"VmHWM:\s*(\d+) kB", status.read_text()) if status.exists() else None
    return int(match[1]) // 1024 if match else 0


if __name__ == "__main__":
    main()
