"""Authors of the recorded papers, typed in six forms, beside a matcher that knows only plain rules.

The other matcher takes the last word as the surname, with particles in small letters before it, and
compares given names word by word. What it finds must be found; what is found besides is counted.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from papers.query.parser import parse_query
from papers.search.percolate import Percolator
from papers.text.latex import accents_to_unicode

AUTHORS = 200
PARTICLES = frozenset(
    "de da do dos du des del della di der den van von la le les el al bin".split()
)
SUFFIXES = ("jr", "sr", "ii", "iii", "iv")
UNDECOMPOSED = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe"})


class PlainName(NamedTuple):
    """Given names, and the surname with its particles joined."""

    given: tuple[str, ...]
    surname: str

    @classmethod
    def of(cls, name: str) -> PlainName:
        words = [word for word in re.split(r"[\s.,~]+", plain(name)) if re.search(r"\w", word)]
        while len(words) > 1 and words[-1] in SUFFIXES:
            words.pop()
        start = len(words) - 1
        while start > 1 and words[start - 1] in PARTICLES:
            start -= 1
        return cls(tuple(words[: max(start, 0)]), letters("".join(words[max(start, 0) :])))

    def finds(self, author: PlainName) -> bool:
        """Return whether an author may be this person."""
        if not author.given or self.surname != author.surname:
            return False
        if len(self.given[0]) == 1:
            first, names = self.given[0], re.split(r"[-'’ ]+", " ".join(author.given))
            is_first = names[0][:1] == first
        else:
            first, names = letters(self.given[0]), [letters(word) for word in author.given]
            is_first = names[0] == first
        return is_first and in_order([letters(word) for word in self.given[1:]], names[1:])


def in_order(typed: Sequence[str], names: Sequence[str]) -> bool:
    """Return whether names fit typed ones in their order, with others between them."""
    left = iter(names)
    return all(any(are_compatible(word, name) for name in left) for word in typed)


def plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", accents_to_unicode(name)).casefold()
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return bare.translate(UNDECOMPOSED)


def letters(word: str) -> str:
    return re.sub(r"\W", "", word)


def are_compatible(typed: str, written: str) -> bool:
    return typed == written or (1 in (len(typed), len(written)) and typed[0] == written[0])


def forms_of(name: str) -> Iterator[tuple[str, str, PlainName]]:
    """Yield the forms in which a name may be typed: what each is called, the text, who is meant."""
    person = PlainName.of(name)
    given, surname = person
    first, initial = person._replace(given=given[:1]), person._replace(given=(given[0][0],))
    yield "as written", name, person
    yield "surname first", f"{surname}, {' '.join(given)}", person
    yield "first given name", f"{given[0]} {surname}", first
    yield "initial", f"{given[0][0]}. {surname}", initial
    yield "surname, initial", f"{surname}, {given[0][0]}.", initial
    yield "without accents and hyphens", plain(name).replace("-", " "), person


def recorded_papers(folder: Path) -> list[Paper]:
    with gzip.open(folder / "papers.jsonl.gz", "rt") as lines:
        authors = [tuple(json.loads(line).get("authors") or ()) for line in lines]
    return [Paper(ArxivId(202501, n), title="T", authors=of) for n, of in enumerate(authors, 1)]


def drawn_authors(papers: Sequence[Paper]) -> list[str]:
    """Draw authors, four in ten of them with more than two plain words."""
    names = sorted({name for paper in papers for name in paper.authors})
    usual = [n for n in names if re.sub(r"[ .-]", "", n).isalpha() and PlainName.of(n).given]
    odd = [n for n in usual if len(n.split()) > 2 or "-" in n or not n.isascii()]
    draw = random.Random(20)
    return draw.sample(usual, AUTHORS * 6 // 10) + draw.sample(odd, AUTHORS * 4 // 10)


def test_recorded_authors_are_found_in_every_form(recorded: Path) -> None:
    papers = recorded_papers(recorded)
    by_surname = defaultdict[str, list[tuple[PlainName, Paper]]](list)
    for paper in papers:
        for name in map(PlainName.of, paper.authors):
            by_surname[name.surname].append((name, paper))
    typed = [form for name in drawn_authors(papers) for form in forms_of(name)]
    queries = [(n, parse_query(f'au:"{text}"').tree) for n, (_, text, _) in enumerate(typed)]
    found = {n: set(hits) for n, hits in Percolator(queries).percolate(papers)}
    meant, also_found, besides = Counter[str](), Counter[str](), Counter[str]()
    for number, (form, _, person) in enumerate(typed):
        others = by_surname[person.surname]
        expected = {paper for author, paper in others if person.finds(author)}
        hits = found.get(number, set())
        meant[form] += len(expected)
        also_found[form] += len(expected & hits)
        besides[form] += len(hits - expected)
    print(f"{'typed':30}{'meant':>8}{'found':>8}{'besides':>8}")
    for form, count in meant.items():
        print(f"{form:30}{count:8}{also_found[form]:8}{besides[form]:8}")
    assert also_found.total() >= 0.99 * meant.total()
    assert besides.total() <= 0.02 * meant.total()
