"""List the compounds of a file of papers: what joined words gain, and gains to be judged.

    python -m benchmarks.list_compounds [PAPERS.jsonl.gz] [--sample 300] [--seed 1]

A gain is a paper that a keyword finds only because a hyphenated pair is also read as one word:

    closed    ab finds a paper that writes a-b alone
    open      a-b finds a paper that writes ab alone

Only pairs count that papers write in either form, as nobody types the others; as keywords with a
hyphen, those that four or more hyphenate: that of fewer is mostly a line's end. A sample
is drawn of the gains of each sort, with the text around them; a gain is false if the two forms mean
different things there. Such pairs belong into `papers/text/never_joined.txt`. Without a sample the
pairs are listed, those first that are hyphenated in fewest of their papers: the candidates.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple

from benchmarks.corpus import DEFAULT_CORPUS, read_sightings
from papers.text.folding import TokenSpan
from papers.text.text_readings import span_readings

_MIN_HYPHENATED = 4
_CONTEXT = 90
_LISTED = 400


class Gain(NamedTuple):
    """A paper, by its place in the file, that a keyword finds because of a joined word."""

    keyword: str
    joined: str
    paper: int


@dataclass(slots=True)
class CompoundUse:
    """The papers that write a joined word as a hyphenated pair, as two words, and closed."""

    pair: tuple[str, str]
    hyphenated: set[int] = field(default_factory=set)
    separate: set[int] = field(default_factory=set)
    closed: set[int] = field(default_factory=set)

    def gains(self, joined: str) -> Iterator[Gain]:
        """Yield the papers that either keyword gains."""
        yield from (Gain(joined, joined, n) for n in sorted(self.hyphenated - self.closed))
        if len(self.hyphenated) < _MIN_HYPHENATED:
            return
        only_closed = self.closed - self.hyphenated - self.separate
        yield from (Gain("-".join(self.pair), joined, n) for n in sorted(only_closed))


def find_compounds(papers: Sequence[Iterable[str]]) -> dict[str, CompoundUse]:
    """Return the words that some papers write closed and others with a hyphen, by joined word."""
    readings = [[span_readings(text) for text in texts] for texts in papers]
    found = dict[str, CompoundUse]()
    for number, texts in enumerate(readings):
        for opened, *closed in texts:
            for joined, pair in _joined_pairs(opened, closed):
                found.setdefault(joined, CompoundUse(pair)).hyphenated.add(number)
    by_pair = defaultdict[tuple[str, str], list[CompoundUse]](list)
    for use in found.values():
        by_pair[use.pair].append(use)
    for number, texts in enumerate(readings):
        words = [[span.word for span in opened] for opened, *_ in texts]
        for word in {word for text in words for word in text} & found.keys():
            found[word].closed.add(number)
        for pair in {pair for text in words for pair in pairwise(text)} & by_pair.keys():
            for use in by_pair[pair]:
                use.separate.add(number)
    return {joined: use for joined, use in sorted(found.items()) if use.closed}


def _joined_pairs(
    opened: Sequence[TokenSpan], closed: Iterable[Sequence[TokenSpan]]
) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the joined words of a text, each with its two words."""
    for reading in closed:
        at = 0
        for span in reading:
            if span.is_joined:
                yield span.word, (opened[at].word, opened[at + 1].word)
            at += 1 + span.is_joined


def excerpt(joined: str, texts: Iterable[str]) -> str:
    """Return the text around a word, closed or as a hyphenated pair."""
    for text in texts:
        for span in (span for reading in span_readings(text) for span in reading):
            if span.word == joined:
                start, end = max(span.start - _CONTEXT, 0), span.end + _CONTEXT
                marked = f"{text[start : span.start]}[{text[span.start : span.end]}]"
                return " ".join((marked + text[span.end : end]).split())
    return ""


def main() -> None:
    """Print the numbers of gains, and a sample of them or the candidates of the table."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("papers", type=Path, nargs="?", default=DEFAULT_CORPUS)
    arguments.add_argument("--sample", type=int, default=0)
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    papers = [(s.title, s.abstract) for s in read_sightings(options.papers)]
    compounds = find_compounds(papers)
    gains = [gain for joined, use in compounds.items() for gain in use.gains(joined)]
    closed = [gain for gain in gains if gain.keyword == gain.joined]
    hyphenated = [gain for gain in gains if gain.keyword != gain.joined]
    print(f"{len(papers):,} papers, {len(compounds):,} words in either form")
    print(f"gains: {len(closed):,} of closed keywords, {len(hyphenated):,} of hyphenated ones")
    draw = random.Random(options.seed)
    for found in (closed, hyphenated):
        for keyword, joined, number in draw.sample(found, min(options.sample, len(found))):
            print(f"{keyword}\t{number}\t{excerpt(joined, papers[number])}")
    if not options.sample:
        ranked = sorted(compounds.values(), key=lambda use: len(use.hyphenated) / len(use.closed))
        for use in islice(ranked, _LISTED):
            print("-".join(use.pair), len(use.hyphenated), len(use.closed))


if __name__ == "__main__":
    main()
