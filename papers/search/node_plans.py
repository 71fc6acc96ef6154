"""What a search knows of each node type of a query before it reads any posting.

`NODE_PLANS` has a row per node type: the postings it needs, the months in which it can match, the
terms of which a matching paper has at least one, and the share of papers that is likely to match.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from math import prod
from typing import Any, Final, NamedTuple

from papers.index.author_terms import author_query_terms
from papers.index.probe_terms import rare_terms
from papers.index.term_months import listed_months
from papers.index.terms import label_terms, text_shingles, text_terms, title_terms
from papers.index.word_shares import is_rare_word, word_share
from papers.model.labels import month_day_range
from papers.query.ast import (
    And,
    Author,
    DateRange,
    Field,
    IdFilter,
    Label,
    LabelKind,
    Leaf,
    MinVotes,
    Node,
    Or,
    Text,
    map_children,
)
from papers.search.evaluate import (
    PICKED_TERM,
    PostingKey,
    PrefixExpansions,
    prefix_terms,
)
from papers.search.segments import Months

_MAX_WORD_SELECTIVITY: Final = 0.05
_RARE_WORD_SELECTIVITY: Final = 0.00003
_RARE_CONJUNCTION_SELECTIVITY: Final = 0.0003
_RARE_TITLE_WORD_SELECTIVITY: Final = 0.0001
_THIRD_WORD_SELECTIVITY: Final = 0.25
_SELECTIVITY_BESIDE_LABELS: Final = 0.005
_TITLE_SHARE: Final = 0.05
"""About how many of the papers with a word have it in the title, if they are few."""
_LABEL_SELECTIVITY: Final = 0.1
_SMALL_CATEGORY_SELECTIVITY: Final = 0.02
_CATEGORY_SELECTIVITIES: Final[Mapping[str, float]] = {
    **{"cs": 0.4, "math": 0.1, "cs.AI": 0.1, "cs.CL": 0.1, "cs.CV": 0.1, "cs.LG": 0.1},
    **dict.fromkeys(["astro-ph", "cond-mat", "eess", "physics", "quant-ph", "stat"], 0.05),
}
"""About the share of papers in the largest archives and categories of recent years."""
_PHRASE_SELECTIVITY: Final = 0.001
_RARE_PHRASE_SELECTIVITY: Final = 0.00003
_AUTHOR_SELECTIVITY: Final = 0.00003
_MonthsByTerm = Mapping[bytes, set[int] | None]


def expand_spellings(node: Node) -> Node:
    """Return a tree in which each text is any of its spellings, as literal texts."""
    if isinstance(node, Text) and not node.is_literal and len(found := node.spellings) > 1:
        return Or(tuple(Text(node.field, words, is_literal=True) for words in found))
    return map_children(node, expand_spellings)


def estimate_selectivity(node: Node) -> float:
    """Return the share of papers that is likely to match, before anything is known of its words.

    Too small an estimate reads postings in vain, too large a one costs a round trip more.
    """
    return NODE_PLANS[type(node)].selectivity(node)


def may_match_in_month(node: Node, month: int) -> bool:
    """Return False if ids and date ranges exclude every paper of a month (YYYYMM)."""
    return NODE_PLANS[type(node)].may_match(node, month)


def prune_months(root: Node, leaves: Sequence[Leaf], months: Months) -> Months:
    """Return the months in which a paper can match, by ids and date ranges alone."""
    if all(NODE_PLANS[type(leaf)].may_match is _any_month for leaf in leaves):
        return months
    return tuple(month for month in months if may_match_in_month(root, month))


def posting_keys(leaf: Leaf, expansions: PrefixExpansions) -> Sequence[PostingKey]:
    """Return the postings that a leaf needs of every month."""
    return NODE_PLANS[type(leaf)].posting_keys(leaf, expansions)


def dictionary_terms(leaf: Leaf) -> Sequence[bytes]:
    """Return the terms of a leaf in the term dictionary; prefixes, comments, labels have none."""
    return NODE_PLANS[type(leaf)].dictionary_terms(leaf)


def possible_months(tree: Node, term_months: Mapping[bytes, bytes | None]) -> set[int] | None:
    """Return the months (YYYYMM) that can match a query tree; None if any month can.

    `term_months` has the stored values of the dictionary terms of its leaves.
    """
    months = {term: listed_months(value) for term, value in term_months.items()}
    if all(listed is None for listed in months.values()):
        return None
    return _possible_for(tree, months)


def anchor_terms(node: Node) -> list[frozenset[bytes]]:
    """Return sets of terms; every matching paper has at least one term of each set.

    A percolator looks a query up by one of its sets. None is returned where the index does not
    know what a match must have: for prefixes, ids, votes and dates. Spellings are expanded.
    """
    return NODE_PLANS[type(node)].anchors(node)


def _possible_for(node: Node, months: _MonthsByTerm) -> set[int] | None:
    return NODE_PLANS[type(node)].months(node, months)


def _unite(found: Sequence[set[int] | None]) -> set[int] | None:
    known = [months for months in found if months is not None]
    return set().union(*known) if len(known) == len(found) else None


def _intersect(found: Iterable[set[int] | None]) -> set[int] | None:
    known = [months for months in found if months is not None]
    return reduce(set.__and__, known) if known else None


def _any_month(node: Node, month: int) -> bool:
    return True


def _no_keys(node: Node, expansions: PrefixExpansions) -> Sequence[PostingKey]:
    return ()


def _no_terms(node: Node) -> Sequence[bytes]:
    return ()


def _months_of_terms(node: Leaf, months: _MonthsByTerm) -> set[int] | None:
    return _intersect(months[term] for term in dictionary_terms(node))


def _no_anchors(node: Node) -> list[frozenset[bytes]]:
    return []


def _and_selectivity(node: And) -> float:
    """Two words that are searched together occur together, so the rarer decides; labels do not.

    Each further word leaves a part. Beside a rare word, the postings of frequent ones are long:
    fewer are read at first.
    """
    if _is_title_word(node.required[0]) and len(node.required) == 1:
        return max(estimate_selectivity(node.required[0]), _RARE_TITLE_WORD_SELECTIVITY)
    labels = [child for child in node.required if isinstance(child, Label)]
    floor = _SELECTIVITY_BESIDE_LABELS if labels else _RARE_CONJUNCTION_SELECTIVITY
    others = [_beside_others(child, floor) for child in node.required if child not in labels]
    rarity = _THIRD_WORD_SELECTIVITY ** max(len(others) - 2, 0)
    return min(others, default=1.0) * rarity * prod(map(_label_selectivity, labels))


def _is_title_word(node: Node) -> bool:
    return isinstance(node, Text) and node.field is Field.TITLE and not node.is_phrase


def _beside_others(node: Node, floor: float) -> float:
    is_words = (isinstance(node, Text) and not node.is_phrase) or isinstance(node, Or)
    return max(estimate_selectivity(node), floor) if is_words else estimate_selectivity(node)


def _label_selectivity(label: Label) -> float:
    if label.kind not in (LabelKind.ARCHIVE, LabelKind.CATEGORY):
        return _LABEL_SELECTIVITY
    return _CATEGORY_SELECTIVITIES.get(label.value, _SMALL_CATEGORY_SELECTIVITY)


def _or_selectivity(node: Or) -> float:
    return min(sum(map(estimate_selectivity, node.alternatives)), 1.0)


def _or_anchors(node: Or) -> list[frozenset[bytes]]:
    alternatives = [anchor_terms(child) for child in node.alternatives]
    if not all(alternatives):
        return []
    choices = range(max(map(len, alternatives)))
    return [
        frozenset().union(*[sets[min(choice, len(sets) - 1)] for sets in alternatives])
        for choice in choices
    ]


def _text_selectivity(text: Text) -> float:
    is_rare = not text.is_prefix and any(map(is_rare_word, text.words))
    if text.is_phrase:
        return _RARE_PHRASE_SELECTIVITY if is_rare else _PHRASE_SELECTIVITY
    if is_rare:
        return _RARE_WORD_SELECTIVITY
    share = _MAX_WORD_SELECTIVITY if text.is_prefix else word_share(text.words[0]) / 2
    share *= _TITLE_SHARE if text.field is Field.TITLE else 1
    return min(share, _MAX_WORD_SELECTIVITY)


def _text_keys(text: Text, expansions: PrefixExpansions) -> Sequence[PostingKey]:
    if text.is_prefix:
        return prefix_terms(text, expansions)
    if text.is_phrase and (shingles := text_shingles(text)):
        return (*shingles, *rare_terms(text))
    return text_terms(text) + (title_terms(text) if text.field is Field.ABSTRACT else ())


def _text_dictionary_terms(text: Text) -> Sequence[bytes]:
    if text.is_prefix or text.field in (Field.COMMENT, Field.ORGANIZATION):
        return ()
    return text_terms(Text(Field.ANY, text.words) if text.field is Field.TITLE else text)


def _text_anchors(text: Text) -> list[frozenset[bytes]]:
    if text.is_prefix:
        return []
    return [frozenset([term]) for term in dict.fromkeys(text_terms(text))]


def _author_keys(author: Author, expansions: PrefixExpansions) -> Sequence[PostingKey]:
    return [term for terms in author_query_terms(author) for term in terms.all_terms]


def _author_dictionary_terms(author: Author) -> Sequence[bytes]:
    terms = (term for of in author_query_terms(author) for term in of.dictionary)
    return tuple(dict.fromkeys(terms))


def _author_months(author: Author, months: _MonthsByTerm) -> set[int] | None:
    readings = author_query_terms(author)
    return _unite([_intersect(months[term] for term in of.dictionary) for of in readings])


class NodePlan(NamedTuple):
    """The row of a node type; see the functions of these names. The defaults restrict nothing."""

    selectivity: Callable[[Any], float]
    posting_keys: Callable[[Any, PrefixExpansions], Sequence[PostingKey]] = _no_keys
    may_match: Callable[[Any, int], bool] = _any_month
    dictionary_terms: Callable[[Any], Sequence[bytes]] = _no_terms
    months: Callable[[Any, _MonthsByTerm], set[int] | None] = _months_of_terms
    """The months in which the node can match, computed from the months of its terms."""
    anchors: Callable[[Any], list[frozenset[bytes]]] = _no_anchors


NODE_PLANS: Final[dict[type, NodePlan]] = {
    And: NodePlan(
        _and_selectivity,
        may_match=lambda node, month: all(may_match_in_month(n, month) for n in node.required),
        months=lambda node, months: _intersect(_possible_for(n, months) for n in node.required),
        anchors=lambda node: [terms for child in node.required for terms in anchor_terms(child)],
    ),
    Or: NodePlan(
        _or_selectivity,
        may_match=lambda node, month: any(may_match_in_month(n, month) for n in node.alternatives),
        months=lambda node, months: _unite([_possible_for(n, months) for n in node.alternatives]),
        anchors=_or_anchors,
    ),
    Text: NodePlan(
        _text_selectivity,
        _text_keys,
        dictionary_terms=_text_dictionary_terms,
        anchors=_text_anchors,
    ),
    Author: NodePlan(
        lambda _: _AUTHOR_SELECTIVITY,
        _author_keys,
        dictionary_terms=_author_dictionary_terms,
        months=_author_months,
        anchors=lambda node: [frozenset().union(*[of.anchors for of in author_query_terms(node)])],
    ),
    Label: NodePlan(
        _label_selectivity,
        lambda node, _: label_terms(node),
        anchors=lambda node: [frozenset(label_terms(node))],
    ),
    IdFilter: NodePlan(
        lambda _: _LABEL_SELECTIVITY, may_match=lambda node, month: node.id.month == month
    ),
    MinVotes: NodePlan(lambda _: _LABEL_SELECTIVITY, lambda *_: [PICKED_TERM]),
    DateRange: NodePlan(
        lambda _: 1.0, may_match=lambda node, month: node.overlaps(*month_day_range(month))
    ),
}
"""One row per node type. The postings of a date range differ by month (see `QueryPlan`)."""
