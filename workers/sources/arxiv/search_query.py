"""A keyword as a query of arXiv's API: a superset of what the keyword matches.

The API knows neither joined words nor signs, and folds fewer plurals. So every spelling of a text
is searched: closed and open, irregular plurals, and each word as a hyphenated pair, wherever the
hyphen may be. What the API cannot express is left out, so that it returns more than needed, never
less. Matching is done here, as always.

https://info.arxiv.org/help/api/user-manual.html#query_details
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations, product
from math import prod
from typing import Any, Final

from papers.model.categories import ALIASES, CATEGORIES, aliased_categories
from papers.query.ast import (
    ARCHIVE_SUFFIX,
    And,
    Author,
    Field,
    Label,
    LabelKind,
    Leaf,
    Node,
    Or,
    Text,
    leaves,
)
from papers.text.compounds import may_join
from papers.text.plurals import surface_forms
from papers.text.signs import written_signs
from workers.sources.arxiv.author_query import author_query, join_clauses

MAX_QUERY_LENGTH: Final = 6_000
"""Characters of a query beyond which hyphenated pairs are not searched: it stands in a URL."""
_MAX_FORMS: Final = 12
"""The most phrases with other plurals; beyond, the words are searched in any order."""
_MAX_ACRONYM_LENGTH: Final = 5
_MIN_PREFIX_LENGTH: Final = 3
_Clause = tuple[tuple[str, ...], ...]
"""Groups of terms: one term of each group must occur in a field."""
_API_FIELDS: Final = {
    Field.ANY: ("ti", "abs"),
    Field.TITLE: ("ti",),
    Field.ABSTRACT: ("abs",),
    Field.COMMENT: ("co",),
}


def arxiv_query(tree: Node) -> str | None:
    """Return the API's query for a keyword or a superset of it; None if that were everything.

    The API's operators have no precedence, so every pair is in parentheses.
    """
    query = _node_query(tree, with_pairs=True)
    if query and len(query) > MAX_QUERY_LENGTH:
        query = _node_query(tree, with_pairs=False)
    return query


def _node_query(tree: Node, *, with_pairs: bool) -> str | None:
    build = _NODE_QUERIES.get(type(tree))
    return build(tree, with_pairs) if build else None


def _or_query(tree: Or, with_pairs: bool) -> str | None:
    clauses = [_node_query(node, with_pairs=with_pairs) for node in tree.alternatives]
    return None if None in clauses else join_clauses(" OR ", [c for c in clauses if c])


def _and_query(tree: And, with_pairs: bool) -> str | None:
    found = (_node_query(node, with_pairs=with_pairs) for node in tree.required)
    clauses = [clause for clause in found if clause]
    if not clauses:
        return None
    query = join_clauses(" AND ", clauses)
    for node in tree.excluded:
        if all(map(_is_exact, leaves(node))):  # else it would exclude too much
            query = f"({query} ANDNOT {_node_query(node, with_pairs=False)})"
    return query


def _text_query(text: Text, with_pairs: bool) -> str | None:
    fields = _API_FIELDS.get(text.field, ())
    clauses = list(dict.fromkeys(_text_clauses(text, with_pairs=with_pairs)))
    searched = [_clause_query(field, clause) for field in fields for clause in clauses]
    return join_clauses(" OR ", searched) if searched else None


def _clause_query(field: str, clause: _Clause) -> str:
    groups = [[f"{field}:{term}" for term in terms] for terms in clause]
    return join_clauses(" AND ", [join_clauses(" OR ", terms) for terms in groups])


def _text_clauses(text: Text, *, with_pairs: bool) -> Iterator[_Clause]:
    """Yield the clauses of a text; a paper that matches it satisfies one of them."""
    if text.is_prefix:
        yield from _prefix_clauses(text, with_pairs=with_pairs)
        return
    for words in text.spellings:
        yield from _phrase_clauses([_word_forms(word) for word in words])
        if with_pairs:
            yield from _hyphen_clauses(words)


def _prefix_clauses(text: Text, *, with_pairs: bool) -> Iterator[_Clause]:
    (stem,) = text.words
    yield ((f"{stem}*",),)
    yield from (((form,),) for form in _word_forms(text.implied_word))
    for at in range(1, len(stem)) if with_pairs else ():
        rest = stem[at:]
        yield ((stem[:at],), *([(f"{rest}*",)] if len(rest) >= _MIN_PREFIX_LENGTH else []))


def _phrase_clauses(forms: Sequence[Sequence[str]]) -> Iterator[_Clause]:
    """Yield the phrases of words that each have several forms."""
    if prod(map(len, forms)) > _MAX_FORMS:
        yield tuple(map(tuple, forms))
    else:
        yield from (((_quote(words),),) for words in product(*forms))


def _hyphen_clauses(words: Sequence[str]) -> Iterator[_Clause]:
    """Yield the phrase with one word as a hyphenated pair; with several, pairs in any order."""
    pairs = [list(_hyphenated_pairs(word)) for word in words]
    for at, of_word in enumerate(pairs):
        for pair in of_word:
            forms = [_word_forms(word) for word in (*words[:at], *words[at + 1 :])]
            yield from _phrase_clauses([*forms[:at], *([part] for part in pair), *forms[at:]])
    for one, other in combinations([tuple(map(_quote, of_word)) for of_word in pairs], 2):
        if one and other:
            yield (one, other)


def _hyphenated_pairs(word: str) -> Iterator[tuple[str, str]]:
    for at in range(1, len(word)):
        first, second = word[:at], word[at:]
        if may_join(first, second):
            yield first, second
            if _keeps_plural(second):
                yield first, f"{second}s"


def _word_forms(word: str) -> list[str]:
    """Return how a folded word may be written, but for the plurals that the API folds."""
    plain = f"{word}s"
    forms = [form for form in surface_forms(word) if form not in (word, plain)]
    others = [plain] if _keeps_plural(word) or len(word) < _MAX_ACRONYM_LENGTH else []
    return [word, *forms, *others, *written_signs(word)]


def _keeps_plural(word: str) -> bool:
    """Return whether the API may not fold the plural of a word in s: GPs, GPUs."""
    return len(word) < _MIN_PREFIX_LENGTH or word.endswith(("s", "u"))


def _quote(words: Iterable[str]) -> str:
    phrase = " ".join(words)
    return phrase if phrase.isalnum() else f'"{phrase}"'


def _label_query(label: Label) -> str | None:
    """Return the API's query for a category or an archive, by all of their names."""
    value = label.value.removesuffix(ARCHIVE_SUFFIX)
    if label.kind is LabelKind.ARCHIVE or value != label.value:
        exact = [value] if value in CATEGORIES else []
        has_parts = any(category.startswith(f"{value}.") for category in CATEGORIES)
        names = exact + ([f"{value}.*"] if has_parts or not exact else [])
        names += aliased_categories(value)
    elif label.kind in (LabelKind.CATEGORY, LabelKind.PRIMARY):
        names = [value, *(alias for alias, name in ALIASES.items() if name == value)]
    else:
        return None
    return join_clauses(" OR ", [f"cat:{name}" for name in names])


_NODE_QUERIES: Final[dict[type, Callable[[Any, bool], str | None]]] = {
    And: _and_query,
    Or: _or_query,
    Text: _text_query,
    Author: lambda author, with_pairs: author_query(author),
    Label: lambda label, with_pairs: _label_query(label),
}
"""Node types that the API can search for, with their queries, `with_pairs` of hyphenated words."""


def _is_exact(leaf: Leaf) -> bool:
    """Return whether the API has exactly the papers of a leaf.

    The API knows no primary categories, and also finds words in URLs or without their signs.
    """
    if not isinstance(leaf, Label) or leaf.kind is LabelKind.PRIMARY:
        return False
    return _label_query(leaf) is not None
