"""Whether what may match does: the texts of many papers looked through at once.

Nearly every candidate does match, and nearly all of these so plainly that folding cannot change it:
as `reward models`, say, with a blank before and a stop behind. Those are found by one expression
over the bytes of all texts together. Only the others are looked at one by one (`papers.matching`).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Final, NamedTuple

from pyroaring import BitMap

from papers.codec import Opened
from papers.matching import Folded, any_spelling, holds, shared_start
from papers.singular import surfaces
from papers.tree import And, Field, Node, Or, Text


def standing(tree: Node, papers: Mapping[int, Opened]) -> BitMap:
    """The places, of those of some papers, whose paper is an answer.

    One that nobody has described is none, not even by its id.
    """
    found = _Texts(papers).surely(tree)
    for place, paper in papers.items():
        if place not in found and paper.title and holds(tree, Folded(paper)):
            found.add(place)
    return found


class _Texts:
    """The titles and abstracts of papers as one text, lower-case."""

    def __init__(self, papers: Mapping[int, Opened]) -> None:
        self._places = list(papers)
        texts = [text for paper in papers.values() for text in paper.texts]
        self._starts = list(accumulate([len(text) + len(_APART) for text in texts], initial=0))
        self._text = b" " + _APART.join([*texts, b""]).lower()

    def surely(self, node: Node) -> BitMap:
        """The places of papers that a tree surely holds for; of others nothing is said."""
        if isinstance(node, And) and not node.none:
            return BitMap.intersection(*map(self.surely, node.all))
        if isinstance(node, Or):
            return BitMap.union(*map(self.surely, node.any))
        if isinstance(node, Text) and node.field in _FIELDS and not node.prefix:
            return BitMap(self._with(node.words, _FIELDS[node.field]))
        return BitMap()

    def _with(self, words: tuple[str, ...], fields: Sequence[int]) -> set[int]:
        """The places of papers with words in a row."""
        found = set()
        for start in _plainly(words).starts(self._text):
            paper, field = divmod(bisect_right(self._starts, start - 1) - 1, 2)
            if field in fields:
                found.add(self._places[paper])
        return found


_APART: Final = b" \0 "
"""Between two texts: no words in a row reach across."""
_FIELDS: Final = {Field.ANY: (0, 1), Field.TITLE: (0,), Field.ABSTRACT: (1,)}
"""Which of a paper's two texts are a field's."""


class _Row(NamedTuple):
    """How most write folded words in a row, and what all of that begins with."""

    begin: bytes
    expression: re.Pattern[bytes]

    def starts(self, text: bytes) -> Iterator[int]:
        """Where in a text it stands. What it begins with is found ten times as fast."""
        if not self.begin:
            yield from (match.start() for match in self.expression.finditer(text))
            return
        start = text.find(self.begin)
        while start >= 0:
            if self.expression.match(text, start):
                yield start
            start = text.find(self.begin, start + 1)


@lru_cache(maxsize=1024)
def _plainly(words: tuple[str, ...]) -> _Row:
    row = r"[\s(),.;:!?/\"-]+".join(any_spelling(surfaces(word)) for word in words)
    begin = shared_start(surfaces(words[0]))
    tex = r"(?<!\\.)(?<!\\..)(?<!\\...)"
    written = rf"(?<=[\s(/\"-]){tex}{row}(?=[\s,.;:!?)/\"-])"
    return _Row(begin.encode(), re.compile(written.encode(), re.DOTALL))
