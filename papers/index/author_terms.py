"""Author terms: what the index has of an author's name, and what a typed name looks up.

    ahinton              a word of the name, or a surname with its particles: `alecun` of Le Cun
    ngeoffrey hinton     a given name and the surname, `njunyan zhu` for Jun-Yan
    ng hinton            the first initial and the surname
    ng e hinton          two initials and the surname

A typed name with one given name is one posting, however common the surname; for one with several,
the postings leave few papers whose authors have to be matched (`papers.text.names.person_match`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from pyroaring import BitMap

from papers.index.bitmaps import unite_bitmaps
from papers.query.ast import Author
from papers.text.names.person_match import joined_runs, name_forms
from papers.text.names.person_names import UNUSUAL_WORDS, NameReading, is_initial

_TWO_WORDS: Final = re.compile(r"[A-Z][a-z]+ [A-Z][a-z]+")


class ReadingTerms(NamedTuple):
    """The terms of one reading of a typed name.

    A matching author has one of the `alternatives`, or all of the `pair` unless it is empty. If
    `is_exact`, every author with these terms matches. `dictionary` has the terms whose months are
    known, all of them required.
    """

    alternatives: tuple[bytes, ...]
    pair: tuple[bytes, ...]
    dictionary: tuple[bytes, ...]
    is_exact: bool

    @property
    def anchors(self) -> frozenset[bytes]:
        """Terms of which an author has at least one."""
        return frozenset((*self.alternatives, *self.pair[:1]))

    @property
    def all_terms(self) -> tuple[bytes, ...]:
        """Every term to look up."""
        return (*self.alternatives, *self.pair)


def name_terms(name: str) -> list[str]:
    """Return the terms of an author's name; most names are two plain words."""
    if _TWO_WORDS.fullmatch(name):
        given, surname = name.lower().split(" ")
        if given not in UNUSUAL_WORDS and surname not in UNUSUAL_WORDS:
            first = f"n{given[0]} {surname}"
            return [f"a{given}", f"a{surname}", f"n{given} {surname}", first]
    forms = name_forms(name)
    return [
        *[f"a{word}" for word in forms.words],
        *[f"n{given} {surname}" for given, surname in forms.given],
        *[f"n{first} {then} {surname}" for first, then, surname in forms.initials],
    ]


@lru_cache(maxsize=1024)
def author_query_terms(author: Author) -> tuple[ReadingTerms, ...]:
    """Return the terms of each reading of a typed name."""
    return tuple(map(_reading_terms, author.readings))


def author_doc_ids(author: Author, bitmap_of: Callable[[bytes], BitMap]) -> tuple[BitMap, BitMap]:
    """Return the papers that are a person's for certain, and those that may be.

    One object if both are equal.
    """
    exact, possible = list[BitMap](), list[BitMap]()
    for terms in author_query_terms(author):
        found = list(map(bitmap_of, terms.alternatives))
        if terms.pair:
            found.append(BitMap.intersection(*map(bitmap_of, terms.pair)))
        possible += found
        exact += found if terms.is_exact else ()
    united = unite_bitmaps(possible)
    return united if len(exact) == len(possible) else unite_bitmaps(exact), united


def is_exact_author(author: Author) -> bool:
    """Return True if postings alone decide which papers a person has."""
    return all(terms.is_exact for terms in author_query_terms(author))


def _reading_terms(reading: NameReading) -> ReadingTerms:
    given, surname, _ = reading
    word = f"a{surname}".encode()
    if not given:
        return ReadingTerms((word,), (), (word,), is_exact=True)
    first = given[0] if is_initial(given[0]) else joined_runs(given)[0]
    term = _given_term(first, surname)
    if len(given) == 1:
        words = () if is_initial(first) else (f"a{first}".encode(),)
        return ReadingTerms((term,), (), (word, *words), is_exact=True)
    initials = _given_term(f"{first[0]} {given[1][0]}", surname)
    if is_initial(first):
        return ReadingTerms((), (initials,), (word,), is_exact=False)
    joined = tuple(_given_term(run, surname) for run in joined_runs(given)[1:])
    return ReadingTerms(joined, (initials, term), (word,), is_exact=False)


def _given_term(given: str, surname: str) -> bytes:
    return f"n{given} {surname}".encode()
