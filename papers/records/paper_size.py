"""The size limit of a paper: far above any real one, far below what slows others down.

The record of a collaboration with 5,000 authors has about 100,000 characters. One of millions would
be read, unpacked and rendered with every page that lists it.
"""

from __future__ import annotations

from typing import Final

from papers.model.paper import Paper, Sighting

MAX_PAPER_CHARACTERS: Final = 500_000

ABSURD_SIZE: Final = "absurd size"
"""How the reason for setting such a record aside begins."""


def size_problem(record: Sighting | Paper) -> str:
    """Return why a record is too large to be stored; "" if it is not."""
    names = (*record.authors, *record.categories)
    texts = (record.title, record.abstract, record.comment, record.journal_ref, record.doi)
    count = sum(map(len, names)) + sum(map(len, texts)) + len(record.code) + len(record.project)
    if count <= MAX_PAPER_CHARACTERS:
        return ""
    return f"{ABSURD_SIZE}: {count:,} characters, and {MAX_PAPER_CHARACTERS:,} are the most"
