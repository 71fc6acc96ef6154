"""Rows of the indexes of listings: what the newest picks have in common, with counts."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from papers.model.paper import Paper
from papers.text.stop_words import STOP_WORDS
from service.markup.clean import single_line
from service.markup.paper_text import author_names

MIN_PAPERS: Final = 2
"""An author, organization or phrase of one paper is no row."""
_WORD: Final = re.compile(r"[^\W\d_][\w-]*")
_PHRASE_BREAK: Final = re.compile(r"[^\w\s-]+")


class IndexRow(NamedTuple):
    """A listing in an index: the name in its URL, its label, and how many papers it has."""

    name: str
    label: str
    papers: int


def author_rows(papers: Iterable[Paper], limit: int) -> list[IndexRow]:
    """Return the authors of the most papers, most first."""
    return _most_common((name for paper in papers for name in {*author_names(paper)}), limit)


def organization_rows(papers: Iterable[Paper], limit: int) -> list[IndexRow]:
    """Return the organizations of the most papers, most first."""
    return _most_common((single_line(p.organization) for p in papers if p.organization), limit)


def topic_rows(papers: Iterable[Paper], limit: int) -> list[IndexRow]:
    """Return the phrases that most titles have, most first, as most titles write them."""
    written: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for paper in papers:
        phrases = {phrase.casefold(): phrase for phrase in title_phrases(single_line(paper.title))}
        for folded, phrase in phrases.items():
            written[folded][phrase] += 1
    rows = [
        IndexRow(folded, max(forms, key=lambda form: (forms[form], form)), forms.total())
        for folded, forms in written.items()
        if forms.total() >= MIN_PAPERS
    ]
    longest = _without_parts(rows)
    return sorted(longest, key=lambda row: (-row.papers, row.name))[:limit]


def title_phrases(title: str) -> Iterator[str]:
    """Yield the runs of two and three words of a title without function words between them."""
    for part in _PHRASE_BREAK.split(title):
        words = part.split()
        for pair in pairwise(words):
            if all(map(_is_topical, pair)):
                yield " ".join(pair)
        for three in zip(words, words[1:], words[2:], strict=False):
            if all(map(_is_topical, three)):
                yield " ".join(three)


def _is_topical(word: str) -> bool:
    return bool(_WORD.fullmatch(word)) and word.casefold() not in STOP_WORDS


def _without_parts(rows: Sequence[IndexRow]) -> list[IndexRow]:
    """Leave out the phrases that are a part of a longer one in as many titles."""
    parts = {
        (" ".join(part), row.papers)
        for row in rows
        for words in [row.name.split()]
        if len(words) > 2
        for part in (words[:-1], words[1:])
    }
    return [row for row in rows if (row.name, row.papers) not in parts]


def _most_common(names: Iterable[str], limit: int) -> list[IndexRow]:
    counted = [item for item in Counter(names).items() if item[0] and item[1] >= MIN_PAPERS]
    ordered = sorted(counted, key=lambda item: (-item[1], item[0]))
    return [IndexRow(name, name, papers) for name, papers in ordered[:limit]]
