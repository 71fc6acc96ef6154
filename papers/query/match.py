"""The reference matcher: evaluates a query tree over the text of one paper.

The index answers for millions of papers; this defines what its answers must be. It verifies the
candidates that postings alone cannot decide, such as phrases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from itertools import chain
from typing import Any, Final, NamedTuple

from papers.model.categories import archives_of
from papers.model.labels import announce_type_name, indexed_day, paper_flags, paper_links
from papers.model.paper import Paper
from papers.query.ast import (
    ARCHIVE_SUFFIX,
    And,
    Author,
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
from papers.records.packing import PaperRecord, unpacked
from papers.text.names.person_match import is_person
from papers.text.text_readings import token_readings

_READING_SEPARATOR: Final = "\n"


def matches(query: Query, paper: Paper) -> bool:
    """Return whether a keyword matches a paper."""
    return matches_node(query.tree, FoldedPaper(paper))


def matches_node(node: Node, paper: FoldedPaper) -> bool:
    """Return whether a query tree matches a paper."""
    return NODE_MATCHERS[type(node)].matches(node, paper)


def marked_leaves(node: Node) -> Sequence[Text | Author]:
    """Return the words and names that a paper matches a node by, which pages highlight."""
    return NODE_MATCHERS[type(node)].marks(node)


class FoldedPaper:
    """A paper with folded text; each field is folded on first use.

    Folded fields are strings like `" reward model "`: words and phrases are found as substrings,
    and never match inside a word. The closed readings of a field, in which hyphenated words are
    one, follow after a separator. `original` is the paper as it is written.
    """

    def __init__(self, paper: PaperRecord) -> None:
        self.original = paper

    @property
    def paper(self) -> Paper:
        """The paper, unpacked if it was not."""
        return unpacked(self.original)

    @cached_property
    def title(self) -> str:
        """The folded title."""
        return _fold_readings(self.original.title)

    @cached_property
    def abstract(self) -> str:
        """The folded abstract."""
        return _fold_readings(self.original.abstract)

    @cached_property
    def comment(self) -> str:
        """The folded comment."""
        return _fold_readings(self.paper.comment)

    @cached_property
    def organization(self) -> str:
        """The folded organization."""
        return _fold_readings(self.paper.organization)


def _fold_readings(text: str) -> str:
    words, closed = token_readings(text)
    if not closed:
        return _pad_words(words)
    return _READING_SEPARATOR.join(map(_pad_words, (words, *closed)))


def _pad_words(words: Iterable[str]) -> str:
    return f" {' '.join(words)} "


def _and_matches(node: And, paper: FoldedPaper) -> bool:
    return all(matches_node(child, paper) for child in node.required) and not any(
        matches_node(child, paper) for child in node.excluded
    )


def _or_matches(node: Or, paper: FoldedPaper) -> bool:
    return any(matches_node(child, paper) for child in node.alternatives)


def _text_matches(text: Text, paper: FoldedPaper) -> bool:
    names = FIELD_ATTRIBUTES[text.field]
    if text.is_prefix:
        return any(_prefix_occurs(text, getattr(paper, name)) for name in names)
    folded = [getattr(paper, name) for name in names]
    needles = map(_pad_words, text.spellings)
    return any(needle in field for needle in needles for field in folded)


def _prefix_occurs(text: Text, folded: str) -> bool:
    return f" {text.words[0]}" in folded or f" {text.implied_word} " in folded


def _label_matches(label: Label, paper: FoldedPaper) -> bool:
    return label.value in _LABEL_VALUES[label.kind](paper.paper)


def _primary_labels(paper: Paper) -> list[str]:
    """Return the values of `primary:` that a paper has: its category, and its archives."""
    if paper.primary not in paper.categories:  # not stated, or not what the index knows
        return []
    return [paper.primary, *(name + ARCHIVE_SUFFIX for name in archives_of(paper.primary))]


def _date_range_matches(days: DateRange, paper: FoldedPaper) -> bool:
    day = indexed_day(paper.paper)
    return days.contains(day, day)


FIELD_ATTRIBUTES: Final = {
    Field.ANY: ("title", "abstract"),
    Field.TITLE: ("title",),
    Field.ABSTRACT: ("abstract",),
    Field.COMMENT: ("comment",),
    Field.ORGANIZATION: ("organization",),
}
"""The attributes of a paper that hold a field's text."""

_LABEL_VALUES: Final[dict[LabelKind, Callable[[Paper], Iterable[str]]]] = {
    LabelKind.CATEGORY: lambda paper: paper.categories,
    LabelKind.ARCHIVE: lambda paper: chain.from_iterable(map(archives_of, paper.categories)),
    LabelKind.PRIMARY: _primary_labels,
    LabelKind.SOURCE: lambda paper: [source.casefold() for source in paper.sources],
    LabelKind.TYPE: lambda paper: [announce_type_name(paper)],
    LabelKind.FLAG: paper_flags,
    LabelKind.LINK: paper_links,
}


def _no_marks(node: Node) -> Sequence[Text | Author]:
    return ()


def _marks_of_all(nodes: Iterable[Node]) -> Sequence[Text | Author]:
    return [leaf for node in nodes for leaf in marked_leaves(node)]


class NodeMatcher(NamedTuple):
    """The row of a node type: whether it matches a paper, and by which words and names."""

    matches: Callable[[Any, FoldedPaper], bool]
    marks: Callable[[Any], Sequence[Text | Author]] = _no_marks


NODE_MATCHERS: Final[dict[type[Node], NodeMatcher]] = {
    Text: NodeMatcher(_text_matches, lambda node: [node]),
    Author: NodeMatcher(
        lambda node, paper: is_person(node.readings, paper.original.authors), lambda node: [node]
    ),
    Label: NodeMatcher(_label_matches),
    IdFilter: NodeMatcher(lambda node, paper: paper.paper.id == node.id),
    MinVotes: NodeMatcher(lambda node, paper: (paper.paper.votes or 0) >= node.minimum),
    DateRange: NodeMatcher(_date_range_matches),
    And: NodeMatcher(_and_matches, lambda node: _marks_of_all(node.required)),
    Or: NodeMatcher(_or_matches, lambda node: _marks_of_all(node.alternatives)),
}
"""One row per node type."""
