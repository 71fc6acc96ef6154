"""What a tree asks of a store, found once a question: walking trees takes as long as answering."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

from papers.spread import spread_terms
from papers.tree import Leaf, Node, Text, leaves


class Asked(NamedTuple):
    """A tree; its leaves, each once; and the terms whose spread tells where it may be met."""

    tree: Node
    leaves: Sequence[Leaf]
    terms: Sequence[bytes]

    @classmethod
    def of(cls, tree: Node) -> Self:
        """What a tree asks."""
        every = dict.fromkeys(leaves(tree))
        terms = dict.fromkeys(term for leaf in every for term in spread_terms(leaf))
        return cls(tree, tuple(every), tuple(terms))

    @property
    def texts(self) -> list[Text]:
        """The words and phrases."""
        return [leaf for leaf in self.leaves if isinstance(leaf, Text)]
