"""Canonical URLs of a keyword: as a page, in every feed format, in the API.

Absolute URLs begin with the configured public URL, never with a Host header.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote

from papers.query.parser import Query, parse_query
from papers.query.request import LIST_NAMES, ListName, SearchRequest
from papers.state.keyword_record import Keyword
from service.feeds import FORMATS
from service.urls.params import DEFAULT_PARAMS, EVERY_MEMBER, SearchParams

FeedLink = tuple[str, str, str]
"""Name of the format, path and media type of a feed."""

MAX_HEAD_KEYWORDS: Final = 20
"""Keywords whose feeds the head of a general page links to."""

SEARCH_SLUG: Final = "search"
"""Stands in place of a slug for a custom query."""


@dataclass(frozen=True)
class SearchUrls:
    """The URLs of one search, by form.

    `slug` is that of a saved keyword, or `SEARCH_SLUG` for a custom query and for several keywords,
    or the name of a pick list.
    """

    base_url: str
    slug: str
    params: SearchParams

    @cached_property
    def is_saved(self) -> bool:
        """True if this is one saved keyword."""
        return self.slug != SEARCH_SLUG and not self.list_name

    @cached_property
    def list_name(self) -> ListName | None:
        """The name of the pick list, if this is one."""
        return next((name for name in LIST_NAMES if name == self.slug), None)

    def search_request(self, query: Query, limit: int | None = None) -> SearchRequest:
        """Return the search request for a query, or among the papers of a list; `limit` papers."""
        found = self.params.search_request(query)
        return replace(found, listed=self.list_name, limit=limit or found.limit)

    @property
    def keywords(self) -> tuple[str, ...]:
        """The slugs of the saved keywords that are searched for; empty for a custom query."""
        return (self.slug,) if self.is_saved else self.params.keywords

    def path(self, form: str) -> str:
        """Return path and query string of `page`, or of a feed by suffix; pages are no digests."""
        if form == "page" and self.list_name:
            return self._list_page
        if form == "page":
            path = f"/k/{self._quoted_slug}" if self.is_saved else "/search"
            return with_query_string(path, replace(self.params, digest_kind="").query_string)
        return with_query_string(f"/feeds/{self._quoted_slug}.{form}", self.params.query_string)

    @cached_property
    def _quoted_slug(self) -> str:
        return quote(self.slug)

    @property
    def _list_page(self) -> str:
        """The page of a pick list: the newest, or for picks a search for them."""
        if self.list_name != "picked":
            return with_query_string(
                f"/{self.slug}", SearchParams(self.params.query, {}).query_string
            )
        query = self.params.query or parse_query(EVERY_MEMBER)
        return with_query_string("/search", SearchParams(query, {"order": "picked"}).query_string)

    def url(self, form: str) -> str:
        """Return the absolute URL of `page`, or of a feed by its suffix."""
        return self.base_url + self.path(form)

    def references_path(self, form: str) -> str:
        """Return path and query string of the references, in the format of a suffix."""
        where = f"k/{self._quoted_slug}" if self.is_saved else SEARCH_SLUG
        return with_query_string(f"/export/{where}.{form}", self.params.query_string)

    @property
    def api_path(self) -> str:
        """Path and query string in the API, which takes saved keywords as parameters."""
        params = replace(self.params, keywords=self.keywords, digest_kind="")
        return with_query_string("/api/v1/papers", params.query_string)

    def at_cursor(self, cursor: str) -> SearchUrls:
        """Return the URLs of the page at a cursor; "" is the first page."""
        return replace(self, params=self.params.at_cursor(cursor))

    @property
    def by_pick(self) -> SearchUrls:
        """The same search for picked papers, newest pick first, first page."""
        return self.in_order("picked")

    @property
    def by_announcement(self) -> SearchUrls:
        """The same search in order of announcement, first page."""
        return self._with_options(self._filter_options)

    def in_order(self, order: str) -> SearchUrls:
        """Return the URLs of the same search in another order than of announcement, first page."""
        return self._with_options({**self._filter_options, "order": order})

    def with_option(self, field: str, value: object) -> SearchUrls:
        """Return the URLs of the search with an option set, or None for its default, first page."""
        options = {f: v for f, v in self.params.options.items() if f not in (field, "before")}
        return self._with_options(options if value is None else {**options, field: value})

    def digest_urls(self, kind: str) -> SearchUrls:
        """Return the URLs of the digest by `day` or `week`, which takes no other parameter."""
        return replace(self, params=replace(self.params, options={}, digest_kind=kind))

    def between_days(self, since: date, until: date) -> SearchUrls:
        """Return the URLs of the same search between two days, both included, first page."""
        return self._with_options({**self._filter_options, "since": since, "until": until})

    @property
    def _filter_options(self) -> dict[str, Any]:
        return {f: v for f, v in self.params.options.items() if f not in ("order", "before")}

    def _with_options(self, options: dict[str, Any]) -> SearchUrls:
        return replace(self, params=replace(self.params, options=options, digest_kind=""))

    @property
    def feed_links(self) -> list[FeedLink]:
        """Its feeds, first page, Atom first."""
        first = self.at_cursor("")
        return [(form.name, first.path(s), form.media_type) for s, form in FORMATS.items()]


def feeds_of_keywords(
    base_url: str, keywords: Iterable[Keyword]
) -> list[tuple[str, list[FeedLink]]]:
    """Return name and feeds of saved keywords."""
    return [
        (keyword.name, SearchUrls(base_url, keyword.slug, DEFAULT_PARAMS).feed_links)
        for keyword in keywords
    ]


def with_query_string(path: str, query: str) -> str:
    """Join a path and a query string, which may be empty."""
    return f"{path}?{query}" if query else path


def path_with_params(path: str, params: SearchParams) -> str:
    """Join a path and the canonical query string of `params`."""
    return with_query_string(path, params.query_string)
