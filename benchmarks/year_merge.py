"""How long an ingest waits while a year that has ended is merged, beside the merge in one piece.

    python -m benchmarks.year_merge [--papers N] [--short]

A worker merges a year slice by slice, and ingests run between two slices: one waits for at most the
longest slice. Ingests N generated papers of a year (300,000 by default, as many as arXiv has in a
year), merges the year in slices, and merges an equal year in one piece. Prints seconds by the clock
and of the processor, the store's excluded.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Final, NamedTuple

from redis import Redis

from benchmarks import corpus
from benchmarks.corpus import DEFAULT_CORPUS, NEWEST_MONTH, generate_months
from benchmarks.pages import ingest_batches
from papers.index.compaction.compactor import Compactor
from papers.index.layout import MONTHS_PER_YEAR
from papers.maintenance import migrations
from paperwire.run import embedded_store

YEAR_PAPERS: Final = 300_000
SHORT_PAPERS: Final = 6_000


class Duration(NamedTuple):
    """Seconds of one step."""

    clock: float
    processor: float


def main() -> None:
    """Run the benchmark and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--papers", type=int, default=YEAR_PAPERS)
    parser.add_argument("--short", action="store_true", help=f"{SHORT_PAPERS:,} papers")
    options = parser.parse_args()
    if not DEFAULT_CORPUS.exists():
        print(f"no papers to measure with: {DEFAULT_CORPUS} does not exist")
        return
    papers = SHORT_PAPERS if options.short else options.papers
    for name, merge in (("slices", merge_in_slices), ("one piece", merge_in_one_piece)):
        with store_with_year(papers) as redis:
            durations = list(time_steps(merge(Compactor(redis), NEWEST_MONTH // 100 * 100 + 1)))
        print(format_durations(name, papers, durations), flush=True)


@contextmanager
def store_with_year(papers: int) -> Iterator[Redis]:
    """Yield a store with that many papers of the last year that has ended, in open months."""
    corpus.PAPERS_PER_MONTH = papers // MONTHS_PER_YEAR
    months_since = NEWEST_MONTH % 100
    with (
        tempfile.TemporaryDirectory() as folder,
        embedded_store.open_embedded_store(embedded_store.StorePaths.in_data_dir(folder)) as url,
    ):
        redis = Redis.from_url(url)
        migrations.prepare_store(redis)
        months = generate_months((MONTHS_PER_YEAR + months_since) * corpus.PAPERS_PER_MONTH)
        ingest_batches(url, islice(months, MONTHS_PER_YEAR))
        yield redis


def merge_in_slices(compactor: Compactor, first: int) -> Iterator[None]:
    """Merge the year as a worker does, one slice at a time."""
    while compactor.compact_slice(first).has_more:
        yield
    yield


def merge_in_one_piece(compactor: Compactor, first: int) -> Iterator[None]:
    """Merge the year at once, as a bulk load does."""
    compactor.compact_before(first)
    yield


def time_steps(steps: Iterable[None]) -> Iterator[Duration]:
    """Yield the duration of each step."""
    clock, processor = time.perf_counter(), time.process_time()
    for _ in steps:
        yield Duration(time.perf_counter() - clock, time.process_time() - processor)
        clock, processor = time.perf_counter(), time.process_time()


def format_durations(name: str, papers: int, durations: list[Duration]) -> str:
    """Return a line: how many steps, the longest, and all together."""
    longest, total = max(durations), sum(each.clock for each in durations)
    return (
        f"a year of {papers:,} papers in {name:10}: {len(durations):3} steps, the longest "
        f"{longest.clock:.2f} s ({longest.processor:.2f} of the processor), {total:.1f} s in all"
    )


if __name__ == "__main__":
    main()
