"""The query tree of a keyword: what is evaluated, explained and printed.

    Text        words, a phrase or a prefix in one field
    Author      a person
    Label       a category, an archive, a source, an announce type, a flag or a link
    IdFilter    one paper by id
    MinVotes    papers with a minimum of votes
    DateRange   papers first announced in a range of days
    And         all of some nodes and none of others
    Or          any of some nodes

`all_of` and `any_of` build trees in normal form (flat, sorted, without duplicates), so equivalent
spellings of a keyword are equal trees and print the same. `MinVotes`, `DateRange` and some labels
have no syntax in the keyword language: they come from the parameters beside it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from papers.model.arxiv_id import ArxivId
from papers.model.labels import RESOURCE_FLAGS
from papers.text.compounds import spellings
from papers.text.names.person_match import person_readings
from papers.text.names.person_names import NameReading
from papers.text.plurals import singularize, writable_phrase

_NEVER_SINGULARS: Final = frozenset("the and for are but not can has our its was".split())
"""Words that do not count as a prefix's singular: `thes*` is about theses, not `the`."""


class Field(enum.StrEnum):
    """The field that words are searched in; the value is its prefix in the keyword language.

    Words of authors are names: their leaf is an `Author`, no `Text`.
    """

    ANY = ""
    TITLE = "ti"
    ABSTRACT = "abs"
    AUTHOR = "au"
    COMMENT = "comment"
    ORGANIZATION = "org"


@dataclass(frozen=True, slots=True)
class Text:
    """A folded word or phrase in one field; with `is_prefix`, the beginning of a word.

    A word or phrase stands for all `spellings` of it: "multi modal" also for multimodal, gpt4 also
    for "gpt 4". With `is_literal` it is that spelling alone: a query plan consists of these.

    A prefix keeps its plural: `models*` matches `modelscope`. It also matches `model`, as the word
    "models" of a paper is folded to that.
    """

    field: Field
    words: tuple[str, ...]
    is_prefix: bool = False
    is_literal: bool = False

    @property
    def is_phrase(self) -> bool:
        """Whether there are several words."""
        return len(self.words) > 1

    @property
    def implied_word(self) -> str:
        """The singular of a prefix, which it matches as well: `model` for `models*`."""
        (stem,) = self.words
        word = singularize(stem)
        return stem if len(word) < 3 or word in _NEVER_SINGULARS else word

    def matches_word(self, word: str) -> bool:
        """Return whether the prefix matches a folded word."""
        return word.startswith(self.words[0]) or word == self.implied_word

    @property
    def spellings(self) -> tuple[tuple[str, ...], ...]:
        """The word sequences that the text stands for, its own first; names have no other."""
        is_fixed = self.is_literal or self.is_prefix or self.field is Field.AUTHOR
        return (self.words,) if is_fixed else spellings(self.words)

    def __str__(self) -> str:
        field = f"{self.field}:" if self.field else ""
        if self.is_prefix:
            return f"{field}{self.words[0]}*"
        is_name = self.field is Field.AUTHOR
        body = " ".join(self.words if is_name else writable_phrase(self.words))
        is_quoted = " " in body or (not field and self.words in _SMALL_OPERATORS)
        literal = LITERAL_MARK if self.is_literal else ""
        return f'{literal}{field}"{body}"' if is_quoted else f"{literal}{field}{body}"


@dataclass(frozen=True, slots=True)
class Author:
    """Papers of a person: the words of a name, given names first.

    `papers.text.names.person_names` says how it is read.
    """

    words: tuple[str, ...]

    @property
    def readings(self) -> tuple[NameReading, ...]:
        """The given names and surnames that may be meant."""
        return person_readings(self.words)

    def __str__(self) -> str:
        body = " ".join(self.words)
        return f'{Field.AUTHOR}:"{body}"' if " " in body else f"{Field.AUTHOR}:{body}"


LITERAL_MARK: Final = "="
"""Printed before a literal text; the keyword language has no syntax for it."""
ARCHIVE_SUFFIX: Final = ".*"
"""Follows the name of an archive: all of its categories."""
_SMALL_OPERATORS: Final = (("or",), ("and",))
"""Words that are printed in quotes, because they are operators without them."""


class LabelKind(enum.StrEnum):
    """The kinds of labels; the value is the prefix in the keyword language if there is one."""

    CATEGORY = "cat"
    ARCHIVE = "archive"
    SOURCE = "source"
    TYPE = "type"
    PRIMARY = "primary"
    FLAG = "flag"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Label:
    """Papers with a label: a category, an archive, a source, an announce type, a flag or a link.

    The value of a primary category is a category, or an archive and `.*`; that of a link is a host
    in normal form, or one with the beginning of a path (`papers.text.link_names`).
    """

    kind: LabelKind
    value: str

    def __str__(self) -> str:
        if self.kind is LabelKind.ARCHIVE:
            return f"{LabelKind.CATEGORY}:{self.value}{ARCHIVE_SUFFIX}"
        if self.kind is LabelKind.FLAG:
            return f"{'has' if self.value in RESOURCE_FLAGS else 'is'}:{self.value}"
        return f"{self.kind}:{self.value}"


@dataclass(frozen=True, slots=True)
class IdFilter:
    """The paper with an id."""

    id: ArxivId

    def __str__(self) -> str:
        return f"id:{self.id}"


@dataclass(frozen=True, slots=True)
class MinVotes:
    """Papers for which some community counts at least `minimum` votes."""

    minimum: int

    def __str__(self) -> str:
        return f"votes>={self.minimum}"


@dataclass(frozen=True, slots=True)
class DateRange:
    """Papers first announced from `since` to `until`, UTC days, inclusive; None means open."""

    since: date | None
    until: date | None

    def __str__(self) -> str:
        return f"days:{self.since or ''}..{self.until or ''}"

    def contains(self, first: date, last: date) -> bool:
        """Return whether all days from `first` to `last` are in the range."""
        return (self.since or first) <= first and (self.until or last) >= last

    def overlaps(self, first: date, last: date) -> bool:
        """Return whether any day from `first` to `last` is in the range."""
        return (self.since or first) <= last and (self.until or last) >= first


@dataclass(frozen=True, slots=True)
class And:
    """All of `required` (never empty) and none of `excluded`. Build it with `all_of`."""

    required: tuple[Node, ...]
    excluded: tuple[Node, ...] = ()

    def __str__(self) -> str:
        required = [f"({node})" if isinstance(node, Or) else str(node) for node in self.required]
        excluded = [f"-({node})" if isinstance(node, And) else f"-{node}" for node in self.excluded]
        return " ".join(required + excluded)


@dataclass(frozen=True, slots=True)
class Or:
    """Any of two or more alternatives. Build it with `any_of`."""

    alternatives: tuple[Node, ...]

    def __str__(self) -> str:
        return " OR ".join(str(node) for node in self.alternatives)


Leaf = Text | Author | Label | IdFilter | MinVotes | DateRange
Node = Leaf | And | Or


def all_of(required: Iterable[Node], excluded: Iterable[Node] = ()) -> Node:
    """Return the normal form of "all of these and none of those"; `required` must not be empty."""
    first, *others = required
    excluded = tuple(excluded)
    if not others and not excluded:
        return first
    flat_required: list[Node] = []
    flat_excluded: list[Node] = []
    for node in (first, *others):
        flat_required.extend(node.required if isinstance(node, And) else [node])
        flat_excluded.extend(node.excluded if isinstance(node, And) else [])
    for node in excluded:
        flat_excluded.extend(node.alternatives if isinstance(node, Or) else [node])
    # The nodes of one tree alone are in normal form as they are.
    all_required = _unique_sorted(flat_required) if others else tuple(flat_required)
    normal = And(all_required, _unique_sorted(flat_excluded))
    return normal.required[0] if len(normal.required) == 1 and not normal.excluded else normal


def any_of(nodes: Iterable[Node]) -> Node:
    """Return the normal form of "any of these"; `nodes` must not be empty."""
    flat: list[Node] = []
    for node in nodes:
        flat.extend(node.alternatives if isinstance(node, Or) else [node])
    normal = _unique_sorted(flat)
    return normal[0] if len(normal) == 1 else Or(normal)


def leaves(node: Node) -> Iterator[Leaf]:
    """Yield the leaves of a tree, those that exclude papers among them."""
    if isinstance(node, And):
        for child in (*node.required, *node.excluded):
            yield from leaves(child)
    elif isinstance(node, Or):
        for child in node.alternatives:
            yield from leaves(child)
    else:
        yield node


def map_children(node: Node, change: Callable[[Node], Node]) -> Node:
    """Return a node with each of its children changed; a leaf has none and stays as it is."""
    if isinstance(node, And):
        required, excluded = tuple(map(change, node.required)), tuple(map(change, node.excluded))
        return And(required, excluded)
    return Or(tuple(map(change, node.alternatives))) if isinstance(node, Or) else node


def _unique_sorted(nodes: Sequence[Node]) -> tuple[Node, ...]:
    return tuple(sorted(set(nodes), key=str)) if len(nodes) > 1 else tuple(nodes)
