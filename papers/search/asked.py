"""What a tree asks of a store, found once a question: walking trees takes as long as answering."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

from papers.index.term_months import term_months_fields
from papers.query.ast import Leaf, Node, Text, leaves
from papers.search.evaluate import is_exact


class QueryLeaves(NamedTuple):
    """A tree and what is in it, each once.

    `terms` are those whose spread tells where it may be met. `is_exact`: postings alone tell who
    matches.
    """

    tree: Node
    leaves: Sequence[Leaf]
    texts: Sequence[Text]
    prefixes: Sequence[Text]
    dictionary_terms: Sequence[bytes]
    is_exact: bool

    @classmethod
    def of(cls, tree: Node) -> Self:
        """What a tree asks."""
        every = tuple(dict.fromkeys(leaves(tree)))
        texts = [leaf for leaf in every if isinstance(leaf, Text)]
        prefixes = [text for text in texts if text.is_prefix]
        terms = dict.fromkeys(term for text in texts for term in term_months_fields(text))
        return cls(tree, every, texts, prefixes, tuple(terms), is_exact(tree))
