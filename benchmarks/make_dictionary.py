"""Train papers/records/paper.zdict, the compression dictionary of stored papers.

    python -m benchmarks.make_dictionary PAPERS.jsonl.gz

A dictionary trained on abstracts would contain pieces of them. This one is trained on nonsense
text: random words from sequences that at least `COMMON` papers share, so that it contains common
phrases ("in this paper, we propose a novel") and no paper's own text.
"""

from __future__ import annotations

import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import zstandard

from benchmarks.corpus import read_sightings
from papers.model.arxiv_id import ArxivId
from papers.model.categories import CATEGORIES
from papers.model.merge import merge
from papers.model.paper import Channel, Sighting

COMMON = 20
SAMPLES = 6000
SIZE = 64 * 1024


class NonsenseText:
    """A Markov chain over word sequences that many abstracts share."""

    def __init__(self, abstracts: Iterable[str], names: Iterable[str], seed: int) -> None:
        self.random = random.Random(seed)
        triples: Counter[tuple[str, str, str]] = Counter()
        for abstract in abstracts:
            words = ["", "", *abstract.split(), "\n"]
            triples.update(set(zip(words, words[1:], words[2:], strict=False)))
        self.after_two: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        self.after_one: dict[str, Counter[str]] = defaultdict(Counter)
        self.words: Counter[str] = Counter()
        for (first, second, third), count in triples.items():
            if count >= COMMON:
                self.after_two[first, second][third] += count
                self.after_one[second][third] += count
                self.words[third] += count
        parts = Counter(part for name in names for part in name.split())
        self.names = Counter({part: n for part, n in parts.items() if n >= COMMON})

    def draw_weighted(self, counts: Counter[str]) -> str:
        """Draw one of the keys, weighted by count."""
        return self.random.choices(list(counts), list(counts.values()))[0]

    def text(self, length: int) -> str:
        """Generate a text of `length` words."""
        words: list[str] = []
        first, second = "", ""
        while len(words) < length:
            choices = self.after_two.get((first, second)) or self.after_one.get(second)
            word = self.draw_weighted(
                choices if choices and self.random.random() < 0.9 else self.words
            )
            first, second = ("", "") if word == "\n" else (second, word)
            if word != "\n":
                words.append(word)
        return " ".join(words)

    def sighting(self, number: int) -> Sighting:
        """Generate a paper."""
        draw = self.random
        moment = datetime(2025, 3, 1, tzinfo=UTC) + timedelta(minutes=number)
        return Sighting(
            id=ArxivId(202503, number + 1),
            source="arxiv",
            channel=draw.choice([Channel.API, Channel.ANNOUNCEMENT]),
            as_of=moment,
            version=1,
            title=self.text(draw.randint(6, 14)).title(),
            abstract=self.text(draw.randint(100, 230)),
            authors=tuple(
                f"{self.draw_weighted(self.names)} {self.draw_weighted(self.names)}"
                for _ in range(draw.randint(2, 8))
            ),
            categories=tuple(dict.fromkeys(draw.choices(list(CATEGORIES), k=2))),
            comment=draw.choice(
                ["", f"{draw.randint(4, 40)} pages, {draw.randint(1, 20)} figures"]
            ),
            submitted_at=moment,
            revised_at=moment,
        )


def main(path: Path) -> None:
    """Train the dictionary and write it to papers/model."""
    target = Path(__file__).resolve().parents[1] / "papers" / "records" / "paper.zdict"
    if not target.exists():
        target.write_bytes(b"")
    from papers.records.packing import serialize  # it reads the file at import

    real = list(read_sightings(path))
    nonsense = NonsenseText(
        (s.abstract for s in real), (n for s in real for n in s.authors), seed=7
    )
    generated = [nonsense.sighting(number) for number in range(SAMPLES)]
    samples: list[Any] = [serialize(merge(None, sighting)) for sighting in generated]
    target.write_bytes(zstandard.train_dictionary(SIZE, samples).as_bytes())
    print(f"{target}: {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
