"""A keyword in the syntax of arXiv's API, for the first fill.

There, words side by side mean OR, and operators have no precedence and bind to the right: so every
word gets its field, and every pair its brackets. What the API has no words for (organisations,
sources) widens the query, never narrows it: the store matches exactly what comes.

https://info.arxiv.org/help/api/user-manual.html#query_details
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Final

from papers.query import Query
from papers.tree import And, Field, Kind, Label, Leaf, Named, Node, Or, Text

_FIELDS: Final = {
    Field.ANY: ("ti", "abs"),
    Field.TITLE: ("ti",),
    Field.ABSTRACT: ("abs",),
    Field.AUTHOR: ("au",),
    Field.COMMENT: ("co",),
}


def query_for(query: Query) -> str:
    """The API's query that finds at least these papers; "" where only "everything" would."""
    return _wide(query.tree) or ""


def _wide(node: Node) -> str | None:
    """A query that finds all of a node's papers and maybe more; None: it would be everything."""
    if isinstance(node, And):
        wanted = [said for each in node.all if (said := _wide(each))]
        barred = [said for each in node.none if (said := _exact(each))]
        return _joined("ANDNOT", [_joined("AND", wanted), *barred]) if wanted else None
    if isinstance(node, Or):
        return _all_or_none("OR", (_wide(each) for each in node.any))
    return _leaf(node)


def _exact(node: Node) -> str | None:
    """A query that finds just a node's papers: to exclude more would lose some. None: no words."""
    if isinstance(node, And):
        wanted = (_exact(each) for each in node.all)
        return None if node.none else _all_or_none("AND", wanted)
    if isinstance(node, Or):
        return _all_or_none("OR", (_exact(each) for each in node.any))
    return _leaf(node)


def _leaf(leaf: Leaf) -> str | None:
    if isinstance(leaf, Text) and leaf.field in _FIELDS:
        words = " ".join(leaf.words) + ("*" if leaf.prefix else "")
        words = f'"{words}"' if len(leaf.words) > 1 else words
        return _joined("OR", [f"{field}:{words}" for field in _FIELDS[leaf.field]])
    if isinstance(leaf, Label) and leaf.kind is Kind.CATEGORY:
        return f"cat:{leaf.value}"
    if isinstance(leaf, Label) and leaf.kind is Kind.ARCHIVE:
        return f"(cat:{leaf.value} OR cat:{leaf.value}.*)"
    return f"id:{leaf.id}" if isinstance(leaf, Named) else None


def _all_or_none(operator: str, queries: Iterable[str | None]) -> str | None:
    said = list(queries)
    known = [query for query in said if query is not None]
    return _joined(operator, known) if known and len(known) == len(said) else None


def _joined(operator: str, queries: Iterable[str]) -> str:
    """Queries joined pair by pair from the left, each pair in brackets."""
    return reduce(lambda left, right: f"({left} {operator} {right})", queries)
