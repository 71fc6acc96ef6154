"""Whether a keyword matches a paper: the tree evaluated over one paper's own text.

The index answers for millions; this is the truth it is checked against, and what verifies its
candidates (phrases).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from functools import cached_property, lru_cache
from typing import Final

from papers.model.categories import archive_of
from papers.model.merge import published_at
from papers.model.packing import LazyPaper
from papers.model.paper import AnnounceType, Paper
from papers.query.ast import (
    And,
    DateRange,
    Field,
    IdFilter,
    Label,
    LabelKind,
    MinVotes,
    Node,
    Or,
    Text,
)
from papers.query.parser import Query
from papers.text.folding import fold_to_ascii, tokenize, tokenize_unstemmed
from papers.text.phrases import phrase_pattern

_TEXT_SEPARATOR: Final = " \0 "
"""Between two texts that are looked through at once: no words in a row reach across."""

MAX_MONTH_SPAN: Final = timedelta(days=60)
"""Papers of a month count under one of this many days from its first, and no later one."""


class Flag:
    """The values of `Kind.FLAG` labels."""

    WITHDRAWN: Final = "withdrawn"
    PICKED: Final = "picked"
    CODE: Final = "code"


def matches(query: Query, paper: Paper) -> bool:
    """Whether the keyword matches the paper."""
    return matches_node(query.tree, FoldedPaper(paper))


def matches_node(node: Node, paper: FoldedPaper) -> bool:
    """Whether a tree is true of a paper."""
    if isinstance(node, And):
        return all(matches_node(child, paper) for child in node.required) and not any(
            matches_node(child, paper) for child in node.excluded
        )
    if isinstance(node, Or):
        return any(matches_node(child, paper) for child in node.alternatives)
    return _LEAF_MATCHERS[type(node)](node, paper)


class FoldedPaper:
    """A paper with its text folded, each field once and only when asked for.

    Folded fields are strings like `" reward model "`, so that words and phrases are found as
    substrings and never match inside a word. `written` has the texts as they are written.
    """

    def __init__(self, paper: Paper | LazyPaper) -> None:
        self.original = paper

    @property
    def paper(self) -> Paper:
        """The paper itself."""
        return self.original.paper if isinstance(self.original, LazyPaper) else self.original

    @cached_property
    def title(self) -> str:
        """The title's words."""
        return _pad_words(tokenize(self.original.title))

    @cached_property
    def abstract(self) -> str:
        """The abstract's words."""
        return _pad_words(tokenize(self.original.abstract))

    @cached_property
    def comment(self) -> str:
        """The comment's words."""
        return _pad_words(tokenize(self.paper.comment))

    @cached_property
    def organization(self) -> str:
        """The organization's words."""
        return _pad_words(tokenize(self.paper.organization))


def _fold_names(texts: Sequence[str]) -> str | None:
    """Texts together, as `folding.flattened` has them; None where folding each must tell."""
    apart = any("\0" in text for text in texts)
    return None if apart else fold_to_ascii(_TEXT_SEPARATOR.join(texts))


def _pad_words(folded: Iterable[str]) -> str:
    return f" {' '.join(folded)} "


def _text_matches(text: Text, paper: FoldedPaper) -> bool:
    if text.field is Field.AUTHOR:
        return _occurs_in_any_name(text, paper.original.authors)
    return any(_occurs(text, getattr(paper, name)) for name in FIELD_ATTRIBUTES[text.field])


def _occurs_in_any_name(text: Text, names: Sequence[str]) -> bool:
    """Whether words stand in one name; names are looked through all at once, hardly folded.

    Of names there are no prefixes.
    """
    flat = _fold_names(names)
    if flat is not None:
        return phrase_pattern(text.words, with_plurals=False).occurs_in(flat)
    return any(_occurs(text, _pad_words(tokenize_unstemmed(name))) for name in names)


def _occurs(text: Text, folded: str) -> bool:
    if text.is_prefix:
        return f" {text.words[0]}" in folded or f" {text.implied_word} " in folded
    return f" {' '.join(text.words)} " in folded


def _label_matches(label: Label, paper: FoldedPaper) -> bool:
    return label.value in _LABEL_VALUES[label.kind](paper.paper)


def announce_type_name(paper: Paper) -> str:
    """How the paper counts for `types=`: as new, unless arXiv has only said otherwise."""
    return (paper.announce_type or AnnounceType.NEW).label


def paper_flags(paper: Paper) -> list[str]:
    """The flags a paper bears."""
    return [
        *([Flag.WITHDRAWN] if paper.withdrawn else []),
        *([Flag.PICKED] if paper.picks else []),
        *([Flag.CODE] if paper.code else []),
    ]


@lru_cache(maxsize=1024)
def month_day_range(month: int) -> tuple[date, date]:
    """The first and last day that papers of a month (YYYYMM) count under."""
    first = date(month // 100, month % 100, 1)
    return first, first + MAX_MONTH_SPAN


def indexed_day(paper: Paper) -> date:
    """The UTC day a paper counts under: of its first announcement, or the nearest near its month.

    A paper that waited on hold, or that only a community knows, may be dated years off.
    """
    first, last = month_day_range(paper.id.month)
    return min(max(published_at(paper).date(), first), last)


def _date_range_matches(days: DateRange, paper: FoldedPaper) -> bool:
    day = indexed_day(paper.paper)
    return (days.since is None or day >= days.since) and (days.until is None or day <= days.until)


FIELD_ATTRIBUTES: Final = {
    Field.ANY: ("title", "abstract"),
    Field.TITLE: ("title",),
    Field.ABSTRACT: ("abstract",),
    Field.AUTHOR: ("authors",),
    Field.COMMENT: ("comment",),
    Field.ORGANIZATION: ("organization",),
}
"""The attributes of a paper that hold a field's text."""

_LABEL_VALUES: Final[dict[LabelKind, Callable[[Paper], Iterable[str]]]] = {
    LabelKind.CATEGORY: lambda paper: paper.categories,
    LabelKind.ARCHIVE: lambda paper: [archive_of(category) for category in paper.categories],
    LabelKind.SOURCE: lambda paper: [source.casefold() for source in paper.sources],
    LabelKind.TYPE: lambda paper: [announce_type_name(paper)],
    LabelKind.FLAG: paper_flags,
}
_LEAF_MATCHERS: Final[dict[type, Callable[..., bool]]] = {
    Text: _text_matches,
    Label: _label_matches,
    IdFilter: lambda named, paper: paper.paper.id == named.id,
    MinVotes: lambda voted, paper: (paper.paper.votes or 0) >= voted.minimum,
    DateRange: _date_range_matches,
}
