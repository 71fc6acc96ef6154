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
from papers.model.packing import Opened
from papers.model.paper import AnnounceType, Paper
from papers.query.ast import And, Between, Field, Kind, Label, Named, Node, Or, Text, Voted
from papers.query.parser import Query
from papers.text.folding import flattened, unstemmed, words
from papers.text.phrases import row_of

_APART: Final = " \0 "
"""Between two texts that are looked through at once: no words in a row reach across."""

LONGEST_MONTH: Final = timedelta(days=60)
"""Papers of a month count under one of this many days from its first, and no later one."""


class Flag:
    """The values of `Kind.FLAG` labels."""

    WITHDRAWN: Final = "withdrawn"
    PICKED: Final = "picked"
    CODE: Final = "code"


def matches(query: Query, paper: Paper) -> bool:
    """Whether the keyword matches the paper."""
    return holds(query.tree, Folded(paper))


def holds(node: Node, paper: Folded) -> bool:
    """Whether a tree is true of a paper."""
    if isinstance(node, And):
        return all(holds(child, paper) for child in node.all) and not any(
            holds(child, paper) for child in node.none
        )
    if isinstance(node, Or):
        return any(holds(child, paper) for child in node.any)
    return _LEAVES[type(node)](node, paper)


class Folded:
    """A paper with its text folded, each field once and only when asked for.

    Folded fields are strings like `" reward model "`, so that words and phrases are found as
    substrings and never match inside a word. `written` has the texts as they are written.
    """

    def __init__(self, paper: Paper | Opened) -> None:
        self.written = paper

    @property
    def paper(self) -> Paper:
        """The paper itself."""
        return self.written.paper if isinstance(self.written, Opened) else self.written

    @cached_property
    def title(self) -> str:
        """The title's words."""
        return _joined(words(self.written.title))

    @cached_property
    def abstract(self) -> str:
        """The abstract's words."""
        return _joined(words(self.written.abstract))

    @cached_property
    def comment(self) -> str:
        """The comment's words."""
        return _joined(words(self.paper.comment))

    @cached_property
    def organization(self) -> str:
        """The organization's words."""
        return _joined(words(self.paper.organization))


def _flat(texts: Sequence[str]) -> str | None:
    """Texts together, as `folding.flattened` has them; None where folding each must tell."""
    apart = any("\0" in text for text in texts)
    return None if apart else flattened(_APART.join(texts))


def _joined(folded: Iterable[str]) -> str:
    return f" {' '.join(folded)} "


def _text_holds(text: Text, paper: Folded) -> bool:
    if text.field is Field.AUTHOR:
        return _stands_in_names(text, paper.written.authors)
    return any(_stands(text, getattr(paper, name)) for name in FIELDS[text.field])


def _stands_in_names(text: Text, names: Sequence[str]) -> bool:
    """Whether words stand in one name; names are looked through all at once, hardly folded.

    Of names there are no prefixes.
    """
    flat = _flat(names)
    if flat is not None:
        return row_of(text.words, plurals=False).stands_in(flat)
    return any(_stands(text, _joined(unstemmed(name))) for name in names)


def _stands(text: Text, folded: str) -> bool:
    if text.prefix:
        return f" {text.words[0]}" in folded or f" {text.whole} " in folded
    return f" {' '.join(text.words)} " in folded


def _label_holds(label: Label, paper: Folded) -> bool:
    return label.value in _LABELS[label.kind](paper.paper)


def announce_label(paper: Paper) -> str:
    """How the paper counts for `types=`: as new, unless arXiv has only said otherwise."""
    return (paper.announce_type or AnnounceType.NEW).label


def flags(paper: Paper) -> list[str]:
    """The flags a paper bears."""
    return [
        *([Flag.WITHDRAWN] if paper.withdrawn else []),
        *([Flag.PICKED] if paper.picks else []),
        *([Flag.CODE] if paper.code else []),
    ]


@lru_cache(maxsize=1024)
def month_days(month: int) -> tuple[date, date]:
    """The first and last day that papers of a month (YYYYMM) count under."""
    first = date(month // 100, month % 100, 1)
    return first, first + LONGEST_MONTH


def day_of(paper: Paper) -> date:
    """The UTC day a paper counts under: of its first announcement, or the nearest near its month.

    A paper that waited on hold, or that only a community knows, may be dated years off.
    """
    first, last = month_days(paper.id.month)
    return min(max(published_at(paper).date(), first), last)


def _between_holds(days: Between, paper: Folded) -> bool:
    day = day_of(paper.paper)
    return (days.since is None or day >= days.since) and (days.until is None or day <= days.until)


FIELDS: Final = {
    Field.ANY: ("title", "abstract"),
    Field.TITLE: ("title",),
    Field.ABSTRACT: ("abstract",),
    Field.AUTHOR: ("authors",),
    Field.COMMENT: ("comment",),
    Field.ORGANIZATION: ("organization",),
}
"""The attributes of a paper that hold a field's text."""

_LABELS: Final[dict[Kind, Callable[[Paper], Iterable[str]]]] = {
    Kind.CATEGORY: lambda paper: paper.categories,
    Kind.ARCHIVE: lambda paper: [archive_of(category) for category in paper.categories],
    Kind.SOURCE: lambda paper: [source.casefold() for source in paper.sources],
    Kind.TYPE: lambda paper: [announce_label(paper)],
    Kind.FLAG: flags,
}
_LEAVES: Final[dict[type, Callable[..., bool]]] = {
    Text: _text_holds,
    Label: _label_holds,
    Named: lambda named, paper: paper.paper.id == named.id,
    Voted: lambda voted, paper: (paper.paper.votes or 0) >= voted.least,
    Between: _between_holds,
}
