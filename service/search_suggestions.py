"""The suggestions for a search, with its filters, for pages and the JSON API."""

from __future__ import annotations

from papers.query.ast import Node, any_of
from papers.query.parser import Query
from papers.search.counts import MatchCounts
from papers.suggestions.suggest import SuggestionTerms, find_candidates
from papers.suggestions.suggestion_counts import Suggestion, count_suggestions
from service.cache.version_stamp import StoreVersion
from service.context import AppContext
from service.search_title import shown_query
from service.urls.params import SearchParams


def suggestions_for(
    ctx: AppContext, query: Query, params: SearchParams, counts: MatchCounts | None
) -> list[Suggestion]:
    """Return what may be meant by a search that found `counts`. Raises StoreUnavailable."""
    candidates = find_candidates(SuggestionTerms.of(ctx.redis), query)
    return count_suggestions(
        query, candidates, ctx.counter, lambda other: params.search_request(other).tree, counts
    )


def counted_query(ctx: AppContext, params: SearchParams, version: StoreVersion) -> Node:
    """Return a query that matches every paper in the results of a search or its suggestions.

    Raises StoreUnavailable.
    """
    shown = shown_query(params, version)
    if not params.query:
        return shown
    candidates = find_candidates(SuggestionTerms.of(ctx.redis), params.query)
    others = [each.query for each in candidates if each.effect != "narrows"]
    return any_of([shown, *(params.search_request(query).tree for query in others)])
