"""Import of keywords: saves many at once, in one transaction per block.

A keyword that exists is never changed, so an import may be repeated, or go on where it stopped.
The initial fetches are left to the scheduler (`papers.state.initial_fetches`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

from redis import Redis

from papers.errors import BadInput
from papers.query.parser import Query, parse_query
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from papers.state.keyword_record import Keyword
from papers.state.keywords import Keywords
from papers.state.slugs import slug_of

BLOCK_SIZE: Final = 500


@dataclass(frozen=True, slots=True)
class ImportEntry:
    """A keyword of a list; `line` is its line, or its number in a list without lines.

    `query` is None for an entry that is not Paperwire's, or that cannot be read for the reason in
    `problem`. `is_guessed` if the query is made from the name.
    """

    line: int
    name: str
    query: Query | None = None
    problem: str = ""
    is_guessed: bool = False


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """The outcome of one entry: `saved`, `known`, `foreign` or `refused`; `said` is the reason."""

    line: int
    name: str
    outcome: str
    said: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.name}: {self.outcome}" + (
            f", {self.said}" if self.said else ""
        )


def import_keywords(
    redis: Redis, entries: Iterable[ImportEntry], *, now: datetime
) -> Iterator[list[ImportOutcome]]:
    """Save the keywords of a list; yield the outcomes of each block when it is saved.

    Raises StoreError, and what reading the list raises.
    """
    left = iter(entries)
    while block := list(islice(left, BLOCK_SIZE)):
        yield _import_block(redis, block, now)


def _import_block(
    redis: Redis, entries: Sequence[ImportEntry], now: datetime
) -> list[ImportOutcome]:
    """Save what is new. What another process saves meanwhile stays as it has saved it."""
    slugs = [_checked_slug(entry) for entry in entries]
    known = _read_known(redis, [slug for slug in slugs if isinstance(slug, str)])
    saved: dict[str, Keyword] = {}
    outcomes: list[ImportOutcome | None] = []
    for entry, slug in zip(entries, slugs, strict=True):
        if isinstance(slug, ImportOutcome):
            outcomes.append(slug)
        elif existing := known.get(slug) or saved.get(slug):
            outcomes.append(_known_outcome(entry, existing))
        else:
            assert entry.query
            saved[slug] = Keyword(slug, entry.name, entry.query.display_text, now)
            outcomes.append(None)
    overtaken = set(saved) - Keywords(redis).save_new([*saved.values()])
    raced = _read_known(redis, sorted(overtaken))
    return [
        outcome or _saved_outcome(entry, raced.get(str(slug)))
        for entry, slug, outcome in zip(entries, slugs, outcomes, strict=True)
    ]


def _checked_slug(entry: ImportEntry) -> str | ImportOutcome:
    """Return the slug of an entry's name, or the outcome of one that gives no keyword."""
    if entry.problem:
        return ImportOutcome(entry.line, entry.name, "refused", entry.problem)
    if entry.query is None:
        return ImportOutcome(entry.line, entry.name, "foreign", "not a Paperwire feed")
    try:
        return slug_of(entry.name)
    except BadInput as error:
        return ImportOutcome(entry.line, entry.name, "refused", str(error))


def _read_known(redis: Redis, slugs: Sequence[str]) -> dict[str, Keyword]:
    """Return the saved ones of some keywords, by slug."""
    if not slugs:
        return {}
    with translate_store_errors(redis):
        stored: Any = redis.hmget(keys.KEYWORDS, list(slugs))
    found = zip(slugs, stored, strict=True)
    return {slug: Keyword.decode(slug, value) for slug, value in found if value is not None}


def _saved_outcome(entry: ImportEntry, raced: Keyword | None) -> ImportOutcome:
    """Return the outcome of a new keyword, or of one that another process has just saved."""
    if raced:
        return _known_outcome(entry, raced)
    assert entry.query
    text = entry.query.display_text
    said = f"{text} (derived from the name)" if entry.is_guessed else text
    return ImportOutcome(entry.line, entry.name, "saved", said)


def _known_outcome(entry: ImportEntry, existing: Keyword) -> ImportOutcome:
    if entry.is_guessed or parse_query(existing.query) == entry.query:
        return ImportOutcome(entry.line, entry.name, "known", "")
    said = f"{existing.name!r} is saved with another query, {existing.query}; not changed"
    return ImportOutcome(entry.line, entry.name, "refused", said)
