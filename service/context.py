"""What a view works with: the store, the saved keywords, the sources' states, the cache."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from flask import Flask, Response, current_app, request
from redis import Redis

from papers.config.settings import Settings
from papers.errors import BadParameter, UnknownKeyword
from papers.model.paper import Paper
from papers.query.ast import any_of
from papers.query.match import FoldedPaper, matches_node
from papers.query.parser import Query, parse_query
from papers.query.request import Page, SearchRequest
from papers.redis_backend.connection import connect
from papers.search.counts import MatchCounter
from papers.search.percolate import PercolatorCache
from papers.search.similar import MoreLikeThis
from papers.state.communities import Communities
from papers.state.keywords import Keyword, Keywords, slug_of
from papers.state.task_states import TaskState, TaskStates
from papers.store import Store
from service.cache.archive_snapshots import ArchiveSnapshots
from service.cache.disk_tier import DiskTier
from service.cache.encodings import negotiate_coding
from service.cache.lookup import CacheKey
from service.cache.lru import ByteLRU
from service.cache.render_cache import RenderCache
from service.feeds.entry import Entry, select_lead_pick
from service.http.rate_limit import ClientRateLimiter
from service.http.responses import cached_response
from service.markup.clean import single_line, source_name
from service.urls.keyword_urls import SEARCH_SLUG, SearchUrls
from service.urls.params import abbreviate, parse_params

_EXTENSION_KEY: Final = "paperwire"
_MAX_TITLE_NAMES: Final = 4
_URL_CACHE_BYTES: Final = 4_000_000
_URL_ENTRY_BYTES: Final = 2_000
"""Bytes of addresses that a process remembers, and of one beside its text."""
_YEAR_SECONDS: Final = 365 * 86_400
_BUILTIN_SOURCES: Final = ("arxiv", "hf")
"""Sources that are no community's feed."""


@dataclass(frozen=True, slots=True)
class AppContext:
    """One per app; kept with it, never a global."""

    settings: Settings
    redis: Redis
    store: Store
    keywords: Keywords
    source_states: TaskStates
    render_cache: RenderCache
    snapshots: ArchiveSnapshots
    counter: MatchCounter
    rate_limiter: ClientRateLimiter
    similar_papers: MoreLikeThis
    communities: Communities
    url_cache: ByteLRU[tuple[str, bytes], SearchUrls]
    percolators: PercolatorCache

    def now(self) -> datetime:
        """The time of day, aware UTC: told to what needs it, and to nothing that is rendered."""
        return datetime.now(UTC)

    @property
    def source_names(self) -> tuple[str, ...]:
        """The names of the sources there are. Raises StoreAway."""
        return (*_BUILTIN_SOURCES, *(feed.name for feed in self.communities.all()))

    def source_names_for(self, requested: str) -> tuple[str, ...]:
        """The names that `source=asked` may be; most requests need not ask the store for them."""
        configured = (*_BUILTIN_SOURCES, *self.settings.communities)
        return configured if requested.casefold() in ("", *configured) else self.source_names

    def parse_search_urls(self, name: str) -> SearchUrls:
        """The canonical address of the request for a keyword by name, or for `search`.

        Raises BadParameter, BadQuery, UnknownKeyword.
        """
        asked = (name, request.query_string)
        address = self.url_cache.get(asked)
        if address is None:
            address = self._parse_uncached(name)
            if not address.params.options.get("source"):  # sources come and go
                self.url_cache.put(asked, address, _URL_ENTRY_BYTES + len(request.query_string))
        return address

    def _parse_uncached(self, name: str) -> SearchUrls:
        slug = SEARCH_SLUG if name == SEARCH_SLUG else self.resolve_slug(name)
        sources = self.source_names_for(request.args.get("source", ""))
        asked = parse_params(request.args, is_saved=slug != SEARCH_SLUG, sources=sources)
        if len(asked.keywords) == 1:
            (slug,), asked = asked.keywords, replace(asked, keywords=())
        return SearchUrls(self.settings.base_url, slug, asked)

    def resolve_slug(self, name: str) -> str:
        """The slug of any spelling of a keyword's name. Raises UnknownKeyword where it has none."""
        try:
            return slug_of(name)
        except BadParameter as error:
            raise UnknownKeyword(f"no keyword {abbreviate(name)!r} is saved here") from error

    def search(self, address: SearchUrls, limit: int | None = None) -> FeedResult:
        """What an address leads to: as many papers as it asks for, or `limit`.

        Raises UnknownKeyword, StoreAway.
        """
        keywords = tuple(map(self.keywords.get, address.keywords))
        query = address.params.query or union_query(keywords)
        ask = address.params.search_request(query)
        ask = replace(ask, limit=limit or ask.limit)
        page, previous = self.store.search(ask), None
        if ask.before:
            previous = address.at_cursor(self.store.previous_cursor(ask))
        return FeedResult(address, keywords, query, ask, page, previous, self.source_states.all())

    def serve(
        self,
        path: str,
        render: Callable[[], bytes],
        *,
        content_type: str,
        keywords: tuple[str, ...],
        period: str = "",
        is_archive: bool = False,
        headers: dict[str, str] | None = None,
        max_age: int = _YEAR_SECONDS,
    ) -> Response:
        """The response to a canonical request, from the cache where it can be.

        `keywords`, `period` and `archive` are what `Wanted` says of them. Others may keep it for as
        long as the settings say, or for `most_seconds` if that is less, or as a header says.
        """
        coding = negotiate_coding(request.headers.get("Accept-Encoding", ""))
        wanted = CacheKey(path, keywords, period, is_archive, coding or "gzip")
        now = self.now()
        served = self.render_cache.get(wanted, render, now=now, consume_quota=self._consume_quota)
        return cached_response(
            request.headers,
            served,
            coding=coding,
            content_type=content_type,
            max_age=min(self.settings.cache_seconds, max_age),
            now=now,
            headers=headers,
        )

    def _consume_quota(self) -> None:
        """Count a new question of whoever asks. Raises TooMany."""
        self.rate_limiter.consume(request.remote_addr or "")


@dataclass(frozen=True, slots=True)
class FeedResult:
    """What an address leads to: the saved keywords if such are asked for, the question, its answer.

    A paper is an answer if it meets any of several keywords. `previous` is the page before this
    one, where there is one.
    """

    address: SearchUrls
    keywords: tuple[Keyword, ...]
    query: Query
    search_request: SearchRequest
    page: Page
    previous_page: SearchUrls | None
    source_states: list[TaskState]

    @property
    def name(self) -> str:
        """What people call it: the names of its keywords, or its query."""
        return search_title(self.keywords, self.query)

    @property
    def query_in_words(self) -> str:
        """What the papers match, in words."""
        return f"any of {self.name}" if len(self.keywords) > 1 else self.query.canonical

    def matched_keywords(self, paper: Paper) -> tuple[Keyword, ...]:
        """Which of several keywords a paper meets; of one alone nothing is said."""
        if len(self.keywords) < 2:
            return ()
        folded = FoldedPaper(paper)
        return tuple(k for k in self.keywords if matches_node(parse_query(k.query).tree, folded))

    def make_entry(self, paper: Paper) -> Entry:
        """A paper of the answer as an entry; in order of picks it begins with the pick."""
        lead = select_lead_pick(paper, self.search_request.source) if self.is_by_pick else None
        return Entry(
            paper, lead_pick=lead, keywords=tuple(k.slug for k in self.matched_keywords(paper))
        )

    @property
    def page_links(self) -> dict[str, SearchUrls]:
        """The other pages of the answer, by their relation to this one."""
        if not self.previous_page and not self.page.next_cursor:
            return {}
        following = self.address.at_cursor(self.page.next_cursor) if self.page.next_cursor else None
        pages = {
            "first": self.address.at_cursor(""),
            "previous": self.previous_page,
            "next": following,
        }
        return {rel: address for rel, address in pages.items() if address}

    @property
    def is_by_pick(self) -> bool:
        """Whether these are picked papers, newest pick first."""
        return self.search_request.order == "picked"

    @property
    def order_in_words(self) -> str:
        """The order and the filters, in words."""
        ask = self.search_request
        told = [
            "newest pick first" if self.is_by_pick else "newest announcement first",
            f"at least {ask.min_votes} votes" if ask.min_votes else "",
            f"named by {source_name(ask.source)}" if ask.source else "",
            f"since {ask.since}" if ask.since else "",
            f"until {ask.until}" if ask.until else "",
        ]
        return ", ".join(part for part in told if part)


def search_title(keywords: Sequence[Keyword], query: Query | None) -> str:
    """What people call a question: the names of its keywords, or its query."""
    names = [single_line(keyword.name) for keyword in keywords]
    more = len(names) - _MAX_TITLE_NAMES
    told = names if more <= 1 else [*names[:_MAX_TITLE_NAMES], f"{more} more"]
    return ", ".join(told) or (single_line(query.canonical) if query else "")


def union_query(keywords: Sequence[Keyword]) -> Query:
    """The query of papers that meet any of these."""
    return Query(any_of(parse_query(keyword.query).tree for keyword in keywords))


def open_context(app: Flask, settings: Settings) -> None:
    """Give the app its desk. Connects when first used. Raises BadSettings."""
    redis = connect(settings.redis_url, retry=False)
    store = Store(redis)
    last_good = DiskTier(Path(settings.data_dir) / "last-good")
    answers = RenderCache(
        redis,
        last_good,
        base_url=settings.base_url,
        build_id=_build_id() + settings.websub_hub,
        max_custom=settings.custom_answers,
    )
    app.extensions[_EXTENSION_KEY] = AppContext(
        settings,
        redis,
        store,
        Keywords(redis),
        TaskStates(redis),
        answers,
        ArchiveSnapshots(redis, store),
        MatchCounter(store.reader),
        ClientRateLimiter(settings.questions_per_minute),
        MoreLikeThis(store.reader),
        Communities(redis, settings),
        ByteLRU(_URL_CACHE_BYTES),
        PercolatorCache(),
    )


def context() -> AppContext:
    """The desk of the app that handles this request."""
    return context_of(current_app)


def context_of(app: Flask) -> AppContext:
    """The desk of an app."""
    found: AppContext = app.extensions[_EXTENSION_KEY]
    return found


def _build_id() -> str:
    """A digest of all that renders: another release's cached answers are rendered again."""
    digest = hashlib.blake2b(digest_size=8)
    for room in ("service", "papers"):
        folder = Path(__file__).resolve().parents[1] / room
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".py", ".html", ".css", ".js", ".svg"):
                digest.update(path.read_bytes())
    return digest.hexdigest()
