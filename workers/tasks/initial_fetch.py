"""The tasks `fill:SLUG`: the initial fetch of a new keyword, from arXiv's API.

Without it a new feed would stay empty for a day. The API supports less than the keyword language:
what it cannot express is left out, so that it returns more than needed, never less. Matching is
done here, as always.

https://info.arxiv.org/help/api/user-manual.html#query_details
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from redis import Redis

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
from papers.query.parser import parse_query
from papers.state.keywords import Keywords
from workers.sources.arxiv import api
from workers.sources.arxiv.author_query import author_query, join_clauses
from workers.sources.result import FetchResult, UpstreamClients
from workers.tasks.initial_fetch_plan import reason_for_no_fetch

_API_FIELDS: Final = {
    Field.ANY: ("ti", "abs"),
    Field.TITLE: ("ti",),
    Field.ABSTRACT: ("abs",),
    Field.COMMENT: ("co",),
}


class InitialFetch:
    """Fetches the tasks `fill:SLUG`."""

    def __init__(self, redis: Redis) -> None:
        self._redis, self._keywords = redis, Keywords(redis)

    def fetch(
        self, subject: str, upstreams: UpstreamClients, now: datetime
    ) -> Iterator[FetchResult]:
        """Yield the newest papers for the keyword with this slug, one result per response.

        Raises UnknownKeyword, SourceError, StoreUnavailable.
        """
        query = arxiv_query(parse_query(self._keywords.get(subject).query).tree)
        limit = upstreams.settings.fill_papers
        if reason := reason_for_no_fetch(self._redis, upstreams.settings, now):
            yield FetchResult(message=reason)
        elif query is None:
            yield FetchResult(
                message="arXiv's API cannot express this keyword; it fills from now on"
            )
        else:
            yield from api.search_newest(query, limit, upstreams, now)


def arxiv_query(tree: Node) -> str | None:
    """Return the API's query for a keyword or a superset of it; None if that were everything.

    The API's operators have no precedence, so every pair is in parentheses.
    """
    if isinstance(tree, Or):
        clauses = [arxiv_query(node) for node in tree.alternatives]
        return None if None in clauses else join_clauses(" OR ", [part for part in clauses if part])
    if isinstance(tree, And):
        return _and_query(tree)
    if isinstance(tree, Text):
        return _text_query(tree)
    if isinstance(tree, Author):
        return author_query(tree)
    return _label_query(tree) if isinstance(tree, Label) else None


def _and_query(tree: And) -> str | None:
    clauses = [part for part in map(arxiv_query, tree.required) if part]
    if not clauses:
        return None
    query = join_clauses(" AND ", clauses)
    for node in tree.excluded:
        if all(map(_is_exact, leaves(node))):  # else it would exclude too much
            query = f"({query} ANDNOT {arxiv_query(node)})"
    return query


def _text_query(text: Text) -> str | None:
    words = " ".join(text.words)
    term = f"{words}*" if text.is_prefix else f'"{words}"' if len(text.words) > 1 else words
    fields = _API_FIELDS.get(text.field, ())
    return join_clauses(" OR ", [f"{field}:{term}" for field in fields]) if fields else None


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


def _is_exact(leaf: Leaf) -> bool:
    """Return whether the API has exactly the papers of a leaf.

    It knows no primary category, and of an author only words that some other author may have.
    """
    is_primary = isinstance(leaf, Label) and leaf.kind is LabelKind.PRIMARY
    return not is_primary and not isinstance(leaf, Author) and arxiv_query(leaf) is not None
