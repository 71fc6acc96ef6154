"""A day's announcement comes in, and is held against ten thousand saved keywords.

    python -m benchmarks.announcement [--short]

Ingests 4,000 made papers (see `benchmarks.corpus.made`) of one month into a store that holds 21,000
of the same month, in one batch as an announcement of all categories is, and finds for each which of
10,000 saved keywords it meets. Prints seconds for both, and beside the second what it takes to try
every keyword on every paper: measured with one of fifty, which must be met by the same. Then come
new versions of 1,600 papers of a month that is closed, with ten other words in each abstract.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import zip_longest

from benchmarks.corpus import DEFAULT, made, sightings
from benchmarks.keywords import NOW
from benchmarks.questions import classes
from papers.index.compaction.compactor import Closing
from papers.model.arxiv_id import ArxivId
from papers.model.merge import lift
from papers.model.paper import Paper, Sighting
from papers.query.ast import Node
from papers.query.match import Folded, holds
from papers.query.parser import Query
from papers.redis_backend.connection import connect
from papers.search.percolate import Percolator
from papers.store import Store
from paperwire.run import embedded_store

ROWS = 4_000
SAVED = 10_000
TRIED = 50
CHANGED = 10


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a tenth of the papers and keywords")
    options = parser.parse_args()
    if not DEFAULT.exists():
        print(f"no papers to make others from: {DEFAULT} is not there")
        return
    rows, saved = (n // 10 if options.short else n for n in (ROWS, SAVED))
    past, month = made(50_000 if not options.short else 27_500)
    keywords = draw(saved)
    with (
        tempfile.TemporaryDirectory() as folder,
        embedded_store.borrowed(embedded_store.place(folder)) as url,
    ):
        redis = connect(url, patient=True)
        store = Store(redis)
        store.ingest([*past, *month[:-rows]], now=NOW)
        Closing(redis).close_before(month[0].id.month)
        ingesting = timed(lambda: store.ingest(month[-rows:], now=NOW))
        revised = [revision(*two) for two in zip(past[: rows * 2 // 5], month, strict=False)]
        revising = timed(lambda: store.ingest(revised, now=NOW))
    papers = [lift(sighting) for sighting in month[-rows:]]
    trees = [query.tree for query in keywords]
    percolator = Percolator(enumerate(trees))
    met: list[tuple[int, list[Paper]]] = []
    matching = timed(lambda: met.extend(percolator.met(papers)))
    folded = [Folded(paper) for paper in papers]
    tried = range(0, len(trees), TRIED)
    plain: dict[int, list[ArxivId]] = {}
    trying = timed(lambda: plain.update((n, holding(trees[n], folded)) for n in tried)) * TRIED
    found = {n: [paper.id for paper in some] for n, some in met}
    assert all(found.get(n, []) == ids for n, ids in plain.items())
    print(f"{rows:,} papers ingested              {ingesting:7.2f} s")
    print(f"held against {len(trees):,} keywords     {matching:7.2f} s")
    print(f"an announcement in all             {ingesting + matching:7.2f} s")
    print(f"every keyword tried on every paper {trying:7.2f} s, {trying / matching:.0f} times")
    print(f"{len(revised):,} new versions of papers of closed months {revising:5.2f} s")


def revision(known: Sighting, other: Sighting) -> Sighting:
    """A new version of a paper, whose abstract ends with words of another's."""
    kept, new = known.abstract.split()[:-CHANGED], other.abstract.split()[:CHANGED]
    return known._replace(version=known.version + 1, abstract=" ".join([*kept, *new]), as_of=NOW)


def holding(tree: Node, papers: Sequence[Folded]) -> list[ArxivId]:
    """The papers a tree holds of, by trying."""
    return [folded.paper.id for folded in papers if holds(tree, folded)]


def draw(count: int) -> Sequence[Query]:
    """So many different keywords, of every class by turns."""
    turns = zip_longest(*classes(list(sightings()), count // 10).values())
    drawn = dict.fromkeys(query for turn in turns for query in turn if query)
    return list(drawn)[:count]


def timed(do: Callable[[], object]) -> float:
    """Seconds."""
    start = time.perf_counter()
    do()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
