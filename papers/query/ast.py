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
from papers.text.plurals import singular

_COMMON: Final = frozenset("the and for are but not can has our its was".split())
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
    prefix: bool = False

    @property
    def is_phrase(self) -> bool:
        """Whether it is of several words."""
        return len(self.words) > 1

    @property
    def whole(self) -> str:
        """The word that a prefix stands for though it may not begin it: `model` for `models*`."""
        (stem,) = self.words
        word = singular(stem)
        return stem if len(word) < 3 or word in _COMMON else word

    def begins(self, word: str) -> bool:
        """Whether a folded word is one that the prefix stands for."""
        return word.startswith(self.words[0]) or word == self.whole

    def __str__(self) -> str:
        field = f"{self.field}:" if self.field else ""
        body = " ".join(self.words)
        return (
            f"{field}{body}*"
            if self.prefix
            else f'{field}"{body}"'
            if " " in body
            else field + body
        )


class Kind(enum.StrEnum):
    """What a label says; the value is the prefix in the keyword language, where it has one."""

    CATEGORY = "cat"
    ARCHIVE = "archive"
    SOURCE = "source"
    TYPE = "type"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Label:
    """A mark that a paper bears or does not."""

    kind: Kind
    value: str

    def __str__(self) -> str:
        return f"cat:{self.value}.*" if self.kind is Kind.ARCHIVE else f"{self.kind}:{self.value}"


@dataclass(frozen=True, slots=True)
class Named:
    """One paper."""

    id: ArxivId

    def __str__(self) -> str:
        return f"id:{self.id}"


@dataclass(frozen=True, slots=True)
class Voted:
    """Papers for which some community counts at least this many votes."""

    least: int

    def __str__(self) -> str:
        return f"votes>={self.least}"


@dataclass(frozen=True, slots=True)
class Between:
    """Papers first announced on one of these UTC days, both ends included; None is open."""

    since: date | None
    until: date | None

    def __str__(self) -> str:
        return f"days:{self.since or ''}..{self.until or ''}"

    def spans(self, first: date, last: date) -> bool:
        """Whether all days from `first` to `last` are in the span."""
        return (self.since or first) <= first and (self.until or last) >= last

    def meets(self, first: date, last: date) -> bool:
        """Whether any day from `first` to `last` is in the span."""
        return (self.since or first) <= last and (self.until or last) >= first


@dataclass(frozen=True, slots=True)
class And:
    """All of `all` and none of `none`; `all` is never empty. Build it with `all_of`."""

    all: tuple[Node, ...]
    none: tuple[Node, ...] = ()

    def __str__(self) -> str:
        wanted = [f"({node})" if isinstance(node, Or) else str(node) for node in self.all]
        barred = [f"-({node})" if isinstance(node, And) else f"-{node}" for node in self.none]
        return " ".join(wanted + barred)


@dataclass(frozen=True, slots=True)
class Or:
    """Any of two or more. Build it with `any_of`."""

    any: tuple[Node, ...]

    def __str__(self) -> str:
        return " OR ".join(str(node) for node in self.any)


Leaf = Text | Label | Named | Voted | Between
Node = Leaf | And | Or


def all_of(wanted: Iterable[Node], barred: Iterable[Node] = ()) -> Node:
    """The normal form of "all of these and none of those". `wanted` must not be empty."""
    first, *others = wanted
    barred = tuple(barred)
    if not others and not barred:
        return first
    all_: list[Node] = []
    none: list[Node] = []
    for node in (first, *others):
        all_.extend(node.all if isinstance(node, And) else [node])
        none.extend(node.none if isinstance(node, And) else [])
    for node in barred:
        none.extend(node.any if isinstance(node, Or) else [node])
    normal = And(_normal(all_), _normal(none))
    return normal.all[0] if len(normal.all) == 1 and not normal.none else normal


def any_of(nodes: Iterable[Node]) -> Node:
    """The normal form of "any of these". `nodes` must not be empty."""
    flat: list[Node] = []
    for node in nodes:
        flat.extend(node.any if isinstance(node, Or) else [node])
    normal = _normal(flat)
    return normal[0] if len(normal) == 1 else Or(normal)


def leaves(node: Node, *, barred: bool = True) -> Iterator[Leaf]:
    """Every leaf of a tree; with `barred` also those that must not hold."""
    if isinstance(node, And):
        for child in (*node.all, *(node.none if barred else ())):
            yield from leaves(child, barred=barred)
    elif isinstance(node, Or):
        for child in node.any:
            yield from leaves(child, barred=barred)
    else:
        yield node


def _normal(nodes: Iterable[Node]) -> tuple[Node, ...]:
    return tuple(sorted(set(nodes), key=str))
