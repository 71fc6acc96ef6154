"""Ingest of a day's announcement, and matching against ten thousand saved keywords.

    python -m benchmarks.announcement [--short]

Ingests 4,000 generated papers (see `benchmarks.corpus.generate_months`) into a store with 21,000 of
the same month, in one batch, like an announcement of all categories, and finds which of 10,000
saved keywords each matches. Prints seconds for both, and for the baseline of trying every keyword
on every paper, measured with one keyword in fifty, which must match the same papers. Then ingests
new versions of 1,600 papers of a compacted month, with ten changed words in each abstract.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import zip_longest

from benchmarks.corpus import DEFAULT_CORPUS, generate_months, read_sightings
from benchmarks.keyword_classes import keywords_by_class
from benchmarks.keywords import NOW
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
    """Run the benchmark and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--short", action="store_true", help="use a tenth of the papers and keywords"
    )
    options = parser.parse_args()
    if not DEFAULT_CORPUS.exists():
        print(f"no papers to generate others from: {DEFAULT_CORPUS} does not exist")
        return
    paper_count, keyword_count = (
        n // 10 if options.short else n for n in (NEW_PAPERS, SAVED_KEYWORDS)
    )
    past, month = generate_months(50_000 if not options.short else 27_500)
    keywords = draw_keywords(keyword_count)
    with (
        tempfile.TemporaryDirectory() as folder,
        embedded_store.open_embedded_store(embedded_store.StorePaths.in_data_dir(folder)) as url,
    ):
        redis = connect(url, retry=True)
        store = Store(redis)
        store.ingest([*past, *month[:-paper_count]], now=NOW)
        Compactor(redis).compact_before(month[0].id.month)
        ingesting = seconds_taken(lambda: store.ingest(month[-paper_count:], now=NOW))
        revised = [
            revised_sighting(known, other)
            for known, other in zip(past[: paper_count * 2 // 5], month, strict=False)
        ]
        revising = seconds_taken(lambda: store.ingest(revised, now=NOW))
    matching, trying = measure_matching(month[-paper_count:], keywords)
    print(f"{paper_count:,} papers ingested              {ingesting:7.2f} s")
    print(f"matched against {len(keywords):,} keywords  {matching:7.2f} s")
    print(f"total of an announcement           {ingesting + matching:7.2f} s")
    print(f"every keyword tried on every paper {trying:7.2f} s, {trying / matching:.0f} times")
    print(f"{len(revised):,} new versions of papers of compacted months {revising:5.2f} s")


def measure_matching(month: Sequence[Sighting], keywords: Sequence[Query]) -> tuple[float, float]:
    """Return the seconds to match papers against keywords: by percolator, and by the baseline.

    The baseline is measured on a sample and extrapolated; its results must be the same.
    """
    papers = [paper_from_sighting(sighting) for sighting in month]
    trees = [query.tree for query in keywords]
    percolator = Percolator(enumerate(trees))
    matches: list[tuple[int, list[Paper]]] = []
    matching = seconds_taken(lambda: matches.extend(percolator.percolate(papers)))
    folded = [FoldedPaper(paper) for paper in papers]
    sample = range(0, len(trees), BASELINE_STEP)
    expected: dict[int, list[ArxivId]] = {}
    trying = BASELINE_STEP * seconds_taken(
        lambda: expected.update((n, matching_ids(trees[n], folded)) for n in sample)
    )
    found = {n: [paper.id for paper in matched] for n, matched in matches}
    assert all(found.get(n, []) == ids for n, ids in expected.items())
    return matching, trying


def revised_sighting(known: Sighting, other: Sighting) -> Sighting:
    """Return a new version of a paper; the last words of its abstract come from another's."""
    kept, new = known.abstract.split()[:-CHANGED_WORDS], other.abstract.split()[:CHANGED_WORDS]
    return known._replace(version=known.version + 1, abstract=" ".join([*kept, *new]), as_of=NOW)


def matching_ids(tree: Node, papers: Sequence[FoldedPaper]) -> list[ArxivId]:
    """Return the papers that match a query, by trying each."""
    return [folded.paper.id for folded in papers if matches_node(tree, folded)]


def draw_keywords(count: int) -> Sequence[Query]:
    """Draw `count` distinct queries, from the classes in turn."""
    turns = zip_longest(*keywords_by_class(list(read_sightings()), count // 10).values())
    drawn = dict.fromkeys(query for turn in turns for query in turn if query)
    return list(drawn)[:count]


def seconds_taken(do: Callable[[], object]) -> float:
    """Call a function; return the elapsed seconds."""
    start = time.perf_counter()
    do()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
