"""Author queries in the syntax of arXiv's API, which knows words of names and no persons.

    au:"geoffrey hinton"    papers with an author's word Hinton, and one Geoffrey
    au:"g. hinton"          papers with an author's word Hinton
    au:deluca               … DeLuca, De Luca, De-Luca

Everybody whom the keyword finds here is found there as well: a name that may be written as two
words is in the query in each way. So is a first given name, alone or joined to the second one; the
others may be initials, so they are left out.

https://info.arxiv.org/help/api/user-manual.html#query_details
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from papers.query.ast import Author
from papers.text.names.person_match import MAX_UNSPACED_NAME, joined_runs
from papers.text.names.person_names import (
    PARTICLES,
    NameReading,
    is_compound,
    is_initial,
    is_unspaced,
)


def author_query(author: Author) -> str:
    """Return the API's query for the papers of a person, or a superset of them."""
    clauses = dict.fromkeys(map(_reading_query, author.readings))
    return join_clauses(" OR ", list(clauses))


def _reading_query(reading: NameReading) -> str:
    surname = _any_spelling([reading.surname])
    if not reading.given or is_initial(reading.given[0]):
        return surname
    return join_clauses(" AND ", [surname, _any_spelling(joined_runs(reading.given))])


def _any_spelling(keys: Sequence[str]) -> str:
    spellings = dict.fromkeys(spelling for key in keys for spelling in _spellings(key))
    clauses = [f'au:"{words}"' if " " in words else f"au:{words}" for words in spellings]
    return join_clauses(" OR ", clauses)


def _spellings(key: str) -> Iterator[str]:
    """Yield the words that a name or a surname with its particles may be written as."""
    if is_unspaced(key):
        yield from _unspaced_spellings(key)
        return
    yield key
    for index in range(1, len(key)):
        first, rest = key[:index], key[index:]
        if is_compound((first, rest)):
            yield f"{first} {rest}"
        if first in PARTICLES:
            yield from (f"{first} {words}" for words in _spellings(rest))


def _unspaced_spellings(key: str) -> Iterator[str]:
    """Yield the ways to put blanks into a name of Chinese, Japanese or Korean letters."""
    yield f"{key}*" if len(key) < MAX_UNSPACED_NAME else key
    is_short = len(key) <= MAX_UNSPACED_NAME
    for index in range(1, len(key)):
        others = _unspaced_spellings(key[index:]) if is_short else [key[index:]]
        yield from (f"{key[:index]} {words}" for words in others)


def join_clauses(operator: str, clauses: Sequence[str]) -> str:
    """Return clauses joined by an operator, in parentheses if there are several."""
    return clauses[0] if len(clauses) == 1 else f"({operator.join(clauses)})"
