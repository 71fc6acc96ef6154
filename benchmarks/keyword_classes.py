"""Queries for the benchmarks, by class, drawn from real papers."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Final

from papers.errors import BadQuery
from papers.index.shingle_hashing import is_content_word, word_hash
from papers.model.paper import Sighting
from papers.query.parser import Query, parse_query
from papers.text.folding import tokenize, tokenize_unstemmed

HARD_KEYWORDS = (
    '"of the"',
    '"the the"',
    '"we of"',
    "abs:model -ti:model",
    '"model the" OR "data the" OR "learning the" OR "method the"',
    '"method model" OR "model data" OR "data method" OR "learning of"',
    'the -"in this" -"this paper" -"we propose"',
    'au:"wei wang" OR au:"wang wei" OR au:"li li"',
    "con* pro* -ext*",
)
"""Queries for which postings are not selective."""


DEFAULT_SEED: Final = 7
"""Draws the keywords of every class, unless another seed is given."""


def keywords_by_class(
    real: Sequence[Sighting], per_class: int, seed: int = DEFAULT_SEED
) -> dict[str, list[Query]]:
    """Draw that many queries of each class from real papers; the same seed gives the same ones."""
    generators = _query_generators(real, random.Random(seed))
    drawn = {
        name: [_draw_query(generate) for _ in range(per_class)]
        for name, generate in generators.items()
    }
    return {**drawn, "hard on purpose": [parse_query(text) for text in HARD_KEYWORDS]}


def _draw_query(generate: Callable[[], str]) -> Query:
    """Draw until there is a keyword: the name of a real author may have a control character."""
    while True:
        with suppress(BadQuery):
            return parse_query(generate())


def _query_generators(
    real: Sequence[Sighting], draw: random.Random
) -> dict[str, Callable[[], str]]:
    counts = Counter(word for paper in real for word in set(tokenize(paper.abstract)))
    selective = sorted(filter(_is_selective, counts))
    share = {word: counts[word] / len(real) for word in selective}
    rare = [word for word in selective if 0.0001 < share[word] <= 0.002]
    mid = [word for word in selective if 0.002 < share[word] <= 0.02]
    common = [word for word in selective if share[word] > 0.02]
    shingles = _title_shingles(real, share)
    written, apart = _TextPhrases(real, draw), _PairsApart(shingles, draw)
    authors = [
        name for paper in real for name in paper.authors if len(tokenize_unstemmed(name)) == 2
    ]
    with_middle = [
        name for paper in real for name in paper.authors if len(tokenize_unstemmed(name)) == 3
    ]
    archives = ["cs.*", "math.*", "physics.*", "stat.*", "q-bio.*"]
    return {
        "rare word": lambda: draw.choice(rare),
        "mid word": lambda: draw.choice(mid),
        "common word": lambda: draw.choice(common),
        "two words": lambda: " ".join(draw.choice(shingles)),
        "OR of ten": lambda: " OR ".join(draw.sample(mid, 10)),
        "two words, NOT": lambda: f"{' '.join(draw.choice(shingles))} -{draw.choice(mid)}",
        "author": lambda: f'au:"{" ".join(tokenize_unstemmed(draw.choice(authors)))}"',
        "author by initial": lambda: 'au:"{[0]}. {}"'.format(
            *tokenize_unstemmed(draw.choice(authors))
        ),
        "author, middle name": lambda: f'au:"{draw.choice(with_middle)}"',
        "category and word": lambda: f"cat:{draw.choice(archives)} {draw.choice(mid)}",
        "prefix": lambda: f"{draw.choice(mid)[:6]}*",
        "phrase": lambda: '"{} {}"'.format(*draw.choice(shingles)),
        "phrase, OR group, NOT": lambda: '"{} {}" ({} OR {}) -{}'.format(
            *draw.choice(shingles), *draw.sample(common, 2), draw.choice(mid)
        ),
        "title word": lambda: f"ti:{draw.choice(mid)}",
        "abstract word": lambda: f"abs:{draw.choice(mid)}",
        "three common words": lambda: " ".join(draw.sample(common, 3)),
        "phrase of three": lambda: written.draw_phrase(3),
        "phrase of five": lambda: written.draw_phrase(5),
        "pairs that never meet": apart.draw_phrase,
        "phrase nobody wrote": lambda: '"{} {}"'.format(*draw.sample(mid, 2)),
    }


def _is_selective(word: str) -> bool:
    return is_content_word(word_hash(word)) and len(word) > 3 and word.isascii() and word.isalpha()


def _title_shingles(real: Sequence[Sighting], share: dict[str, float]) -> list[tuple[str, str]]:
    titles = (tokenize(paper.title) for paper in real)
    adjacent = (pair for title in titles for pair in pairwise(title))
    counts = Counter(pair for pair in adjacent if pair[0] in share and pair[1] in share)
    return [pair for pair, count in counts.items() if count >= 3]


class _TextPhrases:
    """Draws phrases as they are written in titles and abstracts, stop words included."""

    def __init__(self, real: Sequence[Sighting], draw: random.Random) -> None:
        self._real, self._draw = real, draw

    def draw_phrase(self, length: int) -> str:
        """Return some consecutive words of a sentence as a phrase; its ends are content words."""
        while True:
            paper = self._draw.choice(self._real)
            sentence = self._draw.choice([paper.title, *paper.abstract.split(". ")])
            words = sentence.split()
            start = self._draw.randrange(max(len(words) - length + 1, 1))
            phrase = words[start : start + length]
            if (
                len(phrase) == length
                and all(map(_is_plain, phrase))
                and _has_selective_ends(phrase)
            ):
                return f'"{" ".join(phrase)}"'


def _is_plain(word: str) -> bool:
    return word.isascii() and word.isalpha()


def _has_selective_ends(words: Sequence[str]) -> bool:
    return all(_is_selective(word.lower()) for word in (words[0], words[-1]))


class _PairsApart:
    """Draws phrases of three words whose pairs are each written, though hardly ever together."""

    def __init__(self, pairs: Sequence[tuple[str, str]], draw: random.Random) -> None:
        self._pairs, self._draw = pairs, draw
        self._by_first = defaultdict[str, list[str]](list)
        for first, second in pairs:
            self._by_first[first].append(second)

    def draw_phrase(self) -> str:
        """Return a phrase of two pairs that share their middle word."""
        while True:
            first, middle = self._draw.choice(self._pairs)
            if middle in self._by_first:
                return f'"{first} {middle} {self._draw.choice(self._by_first[middle])}"'
