"""Why a result is empty: a word that no paper has, or two that no paper has together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, Final

from papers.query.ast import And, Author, Field, IdFilter, Node, Or, Text, all_of
from papers.query.parser import Query
from papers.query.request import SearchRequest
from papers.store import Store

MAX_EXAMINED: Final = 5
"""Required terms that are searched for one by one and in twos: fifteen searches at most."""
_IN_FIELD: Final = {
    Field.TITLE: " in its title",
    Field.ABSTRACT: " in its abstract",
    Field.COMMENT: " in its comment",
    Field.ORGANIZATION: " as its organization",
}
_Finds = Callable[[Node], bool]


def explain_empty(store: Store, request: SearchRequest) -> str:
    """Return why no paper matches, as a sentence without a full stop. Raises StoreUnavailable."""

    def finds(node: Node) -> bool:
        hits = store.find_hits(replace(request, query=Query(node), limit=1, before=""), 1)
        return bool(hits.doc_ids) or not hits.is_complete

    plain = SearchRequest(query=request.query)
    is_filtered = request.tree != plain.tree or bool(request.listed)
    if is_filtered and store.find_hits(plain, 1).doc_ids:
        return "papers match, but none with these filters"
    reason = describe_missing(request.query.tree, finds)
    return f"{reason} with these filters" if is_filtered else reason


def describe_missing(tree: Node, finds: _Finds) -> str:
    """Return which part of a tree no paper has; `finds` says whether any paper matches a tree."""
    if not isinstance(tree, And):
        return f"no paper {_describe(tree)}"
    terms = tree.required[:MAX_EXAMINED]
    for term in terms:
        if not finds(term):
            return f"no paper {_describe(term)}"
    for left, right in combinations(terms, 2):
        if not finds(all_of((left, right))):
            return f"no paper has {_name(left)} and {_name(right)} together"
    if tree.excluded and finds(all_of(tree.required)):
        return f"every paper that matches the rest has {_join(tree.excluded)}"
    return f"no paper has {_join(tree.required)} together"


def _describe(node: Node) -> str:
    describe = _DESCRIPTIONS.get(type(node), lambda node: f"matches {_name(node)}")
    return describe(node)


def _name(node: Node) -> str:
    return _NAMES.get(type(node), lambda node: f"“{node}”")(node)


def _text_name(text: Text) -> str:
    words, place = " ".join(text.words), _IN_FIELD.get(text.field, "")
    return f"{'a word that begins with ' if text.is_prefix else ''}“{words}”{place}"


_NAMES: Final[dict[type, Callable[[Any], str]]] = {
    Text: _text_name,
    Author: lambda author: f"“{' '.join(author.words)}”",
    And: lambda node: f"({node})",
    Or: lambda node: f"({node})",
}
"""Node types that are not named by their canonical text in quotes."""
_DESCRIPTIONS: Final[dict[type, Callable[[Any], str]]] = {
    Text: lambda text: f"has {_name(text)}",
    Author: lambda author: f"is by {_name(author)}",
    IdFilter: lambda node: f"here has the id {node.id}",
    Or: lambda node: f"has any of {_join(node.alternatives)}",
}
"""What a paper does that matches a node, where there is a better word than "matches"."""


def _join(nodes: Sequence[Node]) -> str:
    return ", ".join(map(_name, nodes))
