"""What a keyword says, as a tree: the form that is evaluated, explained and printed.

    Text      words, a phrase or a prefix in one field
    Label     a category, an archive, a source, a type of announcement or a flag
    Named     one paper by id
    Voted     papers with at least so many votes
    Between   papers first announced in a span of days
    And       all of these and none of those
    Or        any of these

Trees are built normal (flat, sorted, without repetition), so equal keywords are equal trees and
print the same. The last two leaves and most labels have no spelling in the keyword language: they
are the parameters beside it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from papers.model.arxiv_id import ArxivId
from papers.text.plurals import singularize

_NEVER_SINGULARS: Final = frozenset("the and for are but not can has our its was".split())
"""Words that no prefix is the plural of: `thes*` is about theses."""


class Field(enum.StrEnum):
    """Where words are looked for; the value is the prefix in the keyword language."""

    ANY = ""
    TITLE = "ti"
    ABSTRACT = "abs"
    AUTHOR = "au"
    COMMENT = "comment"
    ORGANIZATION = "org"


@dataclass(frozen=True, slots=True)
class Text:
    """Folded words that stand side by side in one field; with `prefix`, the one word's start.

    Of a prefix plurals are kept: `models*` begins `modelscope`. Papers that say models are folded
    to `model`, so it stands for that word, too.
    """

    field: Field
    words: tuple[str, ...]
    is_prefix: bool = False

    @property
    def is_phrase(self) -> bool:
        """Whether it is of several words."""
        return len(self.words) > 1

    @property
    def implied_word(self) -> str:
        """The word that a prefix stands for though it may not begin it: `model` for `models*`."""
        (stem,) = self.words
        word = singularize(stem)
        return stem if len(word) < 3 or word in _NEVER_SINGULARS else word

    def matches_word(self, word: str) -> bool:
        """Whether a folded word is one that the prefix stands for."""
        return word.startswith(self.words[0]) or word == self.implied_word

    def __str__(self) -> str:
        field = f"{self.field}:" if self.field else ""
        body = " ".join(self.words)
        return (
            f"{field}{body}*"
            if self.is_prefix
            else f'{field}"{body}"'
            if " " in body
            else field + body
        )


class LabelKind(enum.StrEnum):
    """What a label says; the value is the prefix in the keyword language, where it has one."""

    CATEGORY = "cat"
    ARCHIVE = "archive"
    SOURCE = "source"
    TYPE = "type"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Label:
    """A mark that a paper bears or does not."""

    kind: LabelKind
    value: str

    def __str__(self) -> str:
        return (
            f"cat:{self.value}.*" if self.kind is LabelKind.ARCHIVE else f"{self.kind}:{self.value}"
        )


@dataclass(frozen=True, slots=True)
class IdFilter:
    """One paper."""

    id: ArxivId

    def __str__(self) -> str:
        return f"id:{self.id}"


@dataclass(frozen=True, slots=True)
class MinVotes:
    """Papers for which some community counts at least this many votes."""

    minimum: int

    def __str__(self) -> str:
        return f"votes>={self.minimum}"


@dataclass(frozen=True, slots=True)
class DateRange:
    """Papers first announced on one of these UTC days, both ends included; None is open."""

    since: date | None
    until: date | None

    def __str__(self) -> str:
        return f"days:{self.since or ''}..{self.until or ''}"

    def contains(self, first: date, last: date) -> bool:
        """Whether all days from `first` to `last` are in the span."""
        return (self.since or first) <= first and (self.until or last) >= last

    def overlaps(self, first: date, last: date) -> bool:
        """Whether any day from `first` to `last` is in the span."""
        return (self.since or first) <= last and (self.until or last) >= first


@dataclass(frozen=True, slots=True)
class And:
    """All of `all` and none of `none`; `all` is never empty. Build it with `all_of`."""

    required: tuple[Node, ...]
    excluded: tuple[Node, ...] = ()

    def __str__(self) -> str:
        wanted = [f"({node})" if isinstance(node, Or) else str(node) for node in self.required]
        barred = [f"-({node})" if isinstance(node, And) else f"-{node}" for node in self.excluded]
        return " ".join(wanted + barred)


@dataclass(frozen=True, slots=True)
class Or:
    """Any of two or more. Build it with `any_of`."""

    alternatives: tuple[Node, ...]

    def __str__(self) -> str:
        return " OR ".join(str(node) for node in self.alternatives)


Leaf = Text | Label | IdFilter | MinVotes | DateRange
Node = Leaf | And | Or


def all_of(required: Iterable[Node], excluded: Iterable[Node] = ()) -> Node:
    """The normal form of "all of these and none of those". `wanted` must not be empty."""
    first, *others = required
    excluded = tuple(excluded)
    if not others and not excluded:
        return first
    all_: list[Node] = []
    none: list[Node] = []
    for node in (first, *others):
        all_.extend(node.required if isinstance(node, And) else [node])
        none.extend(node.excluded if isinstance(node, And) else [])
    for node in excluded:
        none.extend(node.alternatives if isinstance(node, Or) else [node])
    normal = And(_unique_sorted(all_), _unique_sorted(none))
    return normal.required[0] if len(normal.required) == 1 and not normal.excluded else normal


def any_of(nodes: Iterable[Node]) -> Node:
    """The normal form of "any of these". `nodes` must not be empty."""
    flat: list[Node] = []
    for node in nodes:
        flat.extend(node.alternatives if isinstance(node, Or) else [node])
    normal = _unique_sorted(flat)
    return normal[0] if len(normal) == 1 else Or(normal)


def leaves(node: Node, *, include_excluded: bool = True) -> Iterator[Leaf]:
    """Every leaf of a tree; with `barred` also those that must not hold."""
    if isinstance(node, And):
        for child in (*node.required, *(node.excluded if include_excluded else ())):
            yield from leaves(child, include_excluded=include_excluded)
    elif isinstance(node, Or):
        for child in node.alternatives:
            yield from leaves(child, include_excluded=include_excluded)
    else:
        yield node


def _unique_sorted(nodes: Iterable[Node]) -> tuple[Node, ...]:
    return tuple(sorted(set(nodes), key=str))
