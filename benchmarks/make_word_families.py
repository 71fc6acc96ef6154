"""Make papers/suggestions/word_families.txt: words of one family, from a file of papers.

    python -m benchmarks.make_word_families [PAPERS.jsonl.gz]

Two words are a family if they differ by an ending of `_ENDINGS` (morphology, morphological), both
are in some papers, and those that have one have the other much more often than by chance: so
`important` is no family of `importance`, as both are everywhere. Read the list before you commit
it: words whose relative means something else belong into `_DIFFERENT`.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from benchmarks.corpus import DEFAULT_CORPUS, read_sightings
from papers.suggestions import related_words
from papers.text.text_readings import token_readings

_OUTPUT: Final = Path(related_words.__file__).with_name(related_words.FAMILY_TABLE)
_ENDINGS: Final = tuple(
    pair.split("/")
    for pair in (
        "logy/logical metry/metric graphy/graphic nomy/nomic pathy/pathic trophy/trophic"
        " scopy/scopic phony/phonic ics/ical ity/ic ism/istic is/ic sis/tic y/ic m/mic"
        " tolerance/tolerant dependence/dependent dependency/dependent variance/variant"
        " invariance/invariant covariance/covariant resistance/resistant redundancy/redundant"
        " coherence/coherent sparsity/sparse convexity/convex continuity/continuous"
        " periodicity/periodic ergodicity/ergodic elasticity/elastic plasticity/plastic"
        " toxicity/toxic anisotropy/anisotropic isotropy/isotropic robot/robotic quantum/quantal"
        " chromosome/chromosomal neuron/neuronal genome/genomic genomics/genomic"
        " polynomial/polynomially entropy/entropic ontology/ontological symmetry/symmetric"
        " asymmetry/asymmetric hierarchy/hierarchical probability/probabilistic"
        " topology/topological geometry/geometric geometry/geometrical spectrum/spectral"
        " matrix/matricial stochasticity/stochastic causality/causal linearity/linear"
        " nonlinearity/nonlinear monotonicity/monotone submodularity/submodular"
        " modularity/modular regularity/regular singularity/singular"
    ).split()
)
_MIN_PAPERS: Final = 4
_MIN_LIFT: Final = 4.0
_MIN_LETTERS: Final = 7
_DIFFERENT: Final = frozenset(
    "academy discontinuity economy genesis harmony history linearity m mechanics physics"
    " probability regularity spectrum statistics".split()
)
"""Words whose relative is another subject, or too general to be looked for."""
_RARE: Final = (
    ("supersymmetry", "supersymmetric"),
    ("optics", "optical"),
    ("ferromagnetism", "ferromagnetic"),
    ("paleontology", "paleontological"),
    ("endocrinology", "endocrinological"),
    ("immunology", "immunological"),
    ("archaeology", "archaeological"),
)
"""Families of which one word is rare, or short, in the file."""


class CoOccurrence:
    """In how many papers words are, alone and together."""

    def __init__(self, papers: Iterable[Iterable[str]]) -> None:
        self.texts = [{w for text in texts for w in token_readings(text).words} for texts in papers]
        self.counts = Counter(word for words in self.texts for word in words)

    def lift(self, first: str, second: str) -> float:
        """Return how many times as often two words meet in a paper as by chance."""
        together = sum(first in words and second in words for words in self.texts)
        return together * len(self.texts) / (self.counts[first] * self.counts[second])


def families(counts: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Yield the pairs of words that differ by an ending and are both in some papers."""
    known = {w for w, n in counts.items() if n >= _MIN_PAPERS and w.isalpha() and w.isascii()}
    for word in sorted(known):
        for ending, other in _ENDINGS:
            related = word.removesuffix(ending) + other
            is_long = len(word) >= _MIN_LETTERS or word == ending
            if word.endswith(ending) and is_long and related in known and related != word:
                yield word, related


def main() -> None:
    """Read the papers and write the table."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_CORPUS
    found = CoOccurrence((paper.title, paper.abstract) for paper in read_sightings(path))
    pairs = dict.fromkeys(families(found.counts))
    kept = [pair for pair in pairs if pair[0] not in _DIFFERENT and found.lift(*pair) >= _MIN_LIFT]
    kept = sorted({*kept, *_RARE})
    lines = ["# made by: python -m benchmarks.make_word_families", *map(" ".join, kept)]
    _OUTPUT.write_text("\n".join(lines) + "\n", "utf-8")
    print(f"{len(kept):,} of {len(pairs):,} pairs")


if __name__ == "__main__":
    main()
