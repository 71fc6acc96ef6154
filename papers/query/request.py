"""A question to the store and its answer: a keyword with the parameters beside it, and a page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from typing import Final, Literal

from papers.model.arxiv_id import ArxivId
from papers.model.paper import AnnounceType, Paper
from papers.query.ast import Between, Kind, Label, Node, Voted, all_of, any_of
from papers.query.parser import Query

TYPES: Final = tuple(announced.label for announced in sorted(AnnounceType, reverse=True))
"""Every type of announcement, strongest first: new, cross, replace, replace-cross."""

DEFAULT_TYPES: Final = frozenset({"new", "cross"})
EVERY_TYPE: Final = frozenset({"new", "cross", "replace"})
WORK_BOUND: Final = 5_000
"""Papers whose text one question may have verified; an answer cut by it says so."""

Order = Literal["announced", "picked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What is asked of the store.

    `before` is the cursor of the page before, an id; empty for the first page. `since` and `until`
    are UTC days, both included: of the first announcement, or with order `picked` of the pick.
    `types` are names from `TYPES`; `replace` stands for `replace-cross` too.
    """

    query: Query
    limit: int = 100
    before: str = ""
    order: Order = "announced"
    types: frozenset[str] = DEFAULT_TYPES
    min_votes: int = 0
    since: date | None = None
    until: date | None = None
    source: str = ""

    @property
    def tree(self) -> Node:
        """The keyword and its filters as one tree."""
        wanted: list[Node] = [self.query.tree]
        if self.min_votes > 0:
            wanted.append(Voted(self.min_votes))
        if self.source:
            wanted.append(Label(Kind.SOURCE, self.source.casefold()))
        if self.order == "picked":
            wanted.append(Label(Kind.FLAG, "picked"))
        elif self.since or self.until:
            wanted.append(Between(self.since, self.until))
        of_types, barred = _of_types(self.types)
        return all_of([*wanted, *of_types], barred)


@dataclass(frozen=True, slots=True)
class Page:
    """Papers in order, newest first.

    `next` is the cursor for the page after, None at the end. `complete` is False where the bound on
    work cut the answer: then `next` leads on. `examined` counts the texts that were verified.
    """

    papers: tuple[Paper, ...]
    next: str | None
    complete: bool
    examined: int


@dataclass(frozen=True)
class Found:
    """What answers a question, in its order, as places (`papers.model.arxiv_id.ArxivId.place`).

    Besides: how many texts were looked at, and whether the bound did not cut the answer.
    """

    places: tuple[int, ...]
    examined: int
    complete: bool
    last: int | None
    """The last candidate looked at: where to go on."""

    @cached_property
    def ids(self) -> tuple[ArxivId, ...]:
        """The same as ids; made once, as the same is asked again."""
        return tuple(map(ArxivId.at, self.places))


@lru_cache(maxsize=64)
def _of_types(types: frozenset[str]) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
    """What a choice of types asks for, and what it bars.

    Papers announced as new bear no label, so a choice without `new` asks for the others.
    """
    widened = types | {"replace-cross"} if "replace" in types else types
    if "new" in types:
        return (), tuple(Label(Kind.TYPE, name) for name in TYPES[1:] if name not in widened)
    return (any_of(Label(Kind.TYPE, name) for name in sorted(widened)),), ()
