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

from benchmarks.corpus import DEFAULT_CORPUS, generate_months, read_sightings
from benchmarks.keywords import NOW
from benchmarks.questions import keywords_by_class
from papers.index.compaction.compactor import Compactor
from papers.model.arxiv_id import ArxivId
from papers.model.merge import paper_from_sighting
from papers.model.paper import Paper, Sighting
from papers.query.ast import Node
from papers.query.match import FoldedPaper, matches_node
from papers.query.parser import Query
from papers.redis_backend.connection import connect
from papers.search.percolate import Percolator
from papers.store import Store
from paperwire.run import embedded_store

NEW_PAPERS = 4_000
SAVED_KEYWORDS = 10_000
BASELINE_STEP = 50
CHANGED_WORDS = 10


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a tenth of the papers and keywords")
    options = parser.parse_args()
    if not DEFAULT_CORPUS.exists():
        print(f"no papers to make others from: {DEFAULT_CORPUS} is not there")
        return
    rows, saved = (n // 10 if options.short else n for n in (NEW_PAPERS, SAVED_KEYWORDS))
    past, month = generate_months(50_000 if not options.short else 27_500)
    keywords = draw_keywords(saved)
    with (
        tempfile.TemporaryDirectory() as folder,
        embedded_store.open_embedded_store(embedded_store.StorePaths.in_data_dir(folder)) as url,
    ):
        redis = connect(url, retry=True)
        store = Store(redis)
        store.ingest([*past, *month[:-rows]], now=NOW)
        Compactor(redis).compact_before(month[0].id.month)
        ingesting = seconds_taken(lambda: store.ingest(month[-rows:], now=NOW))
        revised = [
            revised_sighting(*two) for two in zip(past[: rows * 2 // 5], month, strict=False)
        ]
        revising = seconds_taken(lambda: store.ingest(revised, now=NOW))
    papers = [paper_from_sighting(sighting) for sighting in month[-rows:]]
    trees = [query.tree for query in keywords]
    percolator = Percolator(enumerate(trees))
    met: list[tuple[int, list[Paper]]] = []
    matching = seconds_taken(lambda: met.extend(percolator.percolate(papers)))
    folded = [FoldedPaper(paper) for paper in papers]
    tried = range(0, len(trees), BASELINE_STEP)
    plain: dict[int, list[ArxivId]] = {}
    trying = (
        seconds_taken(lambda: plain.update((n, matching_ids(trees[n], folded)) for n in tried))
        * BASELINE_STEP
    )
    found = {n: [paper.id for paper in some] for n, some in met}
    assert all(found.get(n, []) == ids for n, ids in plain.items())
    print(f"{rows:,} papers ingested              {ingesting:7.2f} s")
    print(f"held against {len(trees):,} keywords     {matching:7.2f} s")
    print(f"an announcement in all             {ingesting + matching:7.2f} s")
    print(f"every keyword tried on every paper {trying:7.2f} s, {trying / matching:.0f} times")
    print(f"{len(revised):,} new versions of papers of closed months {revising:5.2f} s")


def revised_sighting(known: Sighting, other: Sighting) -> Sighting:
    """A new version of a paper, whose abstract ends with words of another's."""
    kept, new = known.abstract.split()[:-CHANGED_WORDS], other.abstract.split()[:CHANGED_WORDS]
    return known._replace(version=known.version + 1, abstract=" ".join([*kept, *new]), as_of=NOW)


def matching_ids(tree: Node, papers: Sequence[FoldedPaper]) -> list[ArxivId]:
    """The papers a tree holds of, by trying."""
    return [folded.paper.id for folded in papers if matches_node(tree, folded)]


def draw_keywords(count: int) -> Sequence[Query]:
    """So many different keywords, of every class by turns."""
    turns = zip_longest(*keywords_by_class(list(read_sightings()), count // 10).values())
    drawn = dict.fromkeys(query for turn in turns for query in turn if query)
    return list(drawn)[:count]


def seconds_taken(do: Callable[[], object]) -> float:
    """Seconds."""
    start = time.perf_counter()
    do()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
