"""App context: what a view works with, from the store and the keywords to the render cache."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from flask import Flask, Response, current_app, request
from redis import Redis
from werkzeug.datastructures import MultiDict

from papers.config.networks import serves_only_this_machine
from papers.config.settings import Settings
from papers.config.sources import SOURCES
from papers.errors import BadParameter, UnknownKeyword
from papers.query.request import LIST_NAMES
from papers.records.unread_paper import SelectKnown, select_none
from papers.redis_backend.cluster.client import connect_store
from papers.search.counts import MatchCounter
from papers.search.saved.percolator_cache import PercolatorCache
from papers.search.similar import MoreLikeThis
from papers.state.access.api_tokens import ApiTokens
from papers.state.communities import Communities
from papers.state.initial_fetch_states import InitialFetchStates
from papers.state.keyword_directory import KeywordDirectory
from papers.state.keywords import Keywords
from papers.state.slugs import slug_of
from papers.state.task_states import TaskStates
from papers.store import Store
from papers.telemetry.metric_recorder import MetricRecorder
from service.cache.archive_snapshots import ArchiveSnapshots
from service.cache.build_id import compute_build_id
from service.cache.disk_tier import DiskTier
from service.cache.encodings import negotiate_coding
from service.cache.lookup import CacheKey
from service.cache.lru import ByteLRU
from service.cache.render_cache import RenderCache
from service.cache.render_request import Renderer, ShownQuery
from service.cache.version_stamp import StoreVersion
from service.edge.request_telemetry import CACHE_OUTCOME
from service.feed_result import FeedResult
from service.feeds.entry_cache import EntryCaches
from service.http.auth import TokenGuard
from service.http.client_quota import NO_QUOTA, ClientQuota
from service.http.conditional import RequestValidators
from service.http.rate_limit import ClientRateLimiter
from service.http.responses import cached_response
from service.search_title import union_query
from service.urls.forgiving import clean_args
from service.urls.keyword_urls import SEARCH_SLUG, SearchUrls
from service.urls.params import abbreviate, parse_list_params, parse_params

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_EXTENSION_KEY: Final = "paperwire"
_URL_CACHE_BYTES, _URL_ENTRY_BYTES = 4_000_000, 2_000  # of all, and of one besides its text
_YEAR_SECONDS: Final = 365 * 86_400


@dataclass(frozen=True, slots=True)
class AppContext:
    """What the views of one app share. It is stored with the app, never in a global."""

    settings: Settings
    redis: Redis
    store: Store
    keywords: Keywords
    source_states: TaskStates
    initial_fetches: InitialFetchStates
    render_cache: RenderCache
    snapshots: ArchiveSnapshots
    counter: MatchCounter
    rate_limiter: ClientRateLimiter
    is_local_only: bool
    similar_papers: MoreLikeThis
    communities: Communities
    url_cache: ByteLRU[tuple[str, bytes, tuple[str, ...]], SearchUrls]
    entry_caches: EntryCaches
    percolators: PercolatorCache
    directory: KeywordDirectory
    recorder: MetricRecorder

    def now(self) -> datetime:
        """Return the time, aware UTC. It decides what is rendered and is never part of it."""
        return datetime.now(UTC)

    @property
    def source_names(self) -> tuple[str, ...]:
        """The names of all sources. Raises StoreUnavailable."""
        return (*SOURCES, *(feed.name for feed in self.communities.all()))

    def source_names_for(self, requested: str) -> tuple[str, ...]:
        """Return the names that `source=` may have; those of the settings need no round trip."""
        configured = (*SOURCES, *self.settings.communities)
        return configured if requested.casefold() in ("", *configured) else self.source_names

    def parse_search_urls(self, name: str, *, besides: tuple[str, ...] = ()) -> SearchUrls:
        """Return the canonical URLs of this request: of a keyword, a list, or of `search`.

        `besides` are parameters that are none of a search. Raises BadParameter, BadQuery,
        UnknownKeyword.
        """
        key = (name, request.query_string, besides)
        urls = self.url_cache.get(key)
        if urls is None:
            urls = self._parse_uncached(name, besides)
            if not urls.params.options.get("source"):  # which sources there are may change
                self.url_cache.put(key, urls, _URL_ENTRY_BYTES + len(request.query_string))
        return urls

    def _parse_uncached(self, name: str, besides: tuple[str, ...]) -> SearchUrls:
        if name in LIST_NAMES:
            listed = _args_without(besides)
            return SearchUrls(self.settings.base_url, name, parse_list_params(listed))
        args = clean_args(request.args)
        for other in besides:
            args.poplist(other)
        slug = SEARCH_SLUG if name == SEARCH_SLUG else self.resolve_slug(name)
        sources = self.source_names_for(request.args.get("source", ""))
        params = parse_params(args, is_saved=slug != SEARCH_SLUG, sources=sources)
        if len(params.keywords) == 1:
            (slug,), params = params.keywords, replace(params, keywords=())
        return SearchUrls(self.settings.base_url, slug, params)

    def resolve_slug(self, name: str) -> str:
        """Return the slug for any form of a keyword's name. Raises UnknownKeyword if none."""
        try:
            return slug_of(name)
        except BadParameter as error:
            raise UnknownKeyword(f"no keyword {abbreviate(name)!r} is saved here") from error

    def search(
        self,
        urls: SearchUrls,
        version: StoreVersion,
        limit: int | None = None,
        *,
        select_known: SelectKnown = select_none,
    ) -> FeedResult:
        """Search for the papers of a URL: as many as it requests, or `limit`.

        Keywords and task states are those of `version`, read with the version stamp. `select_known`
        is that of `Store.search`. Raises StoreUnavailable.
        """
        query = urls.params.query or union_query(version.keywords)
        search_request = urls.search_request(query, limit)
        page, previous = self.store.search(search_request, select_known), None
        if search_request.before:
            previous = urls.at_cursor(self.store.previous_cursor(search_request))
        return FeedResult(
            urls, version.keywords, query, search_request, page, previous, version.task_states
        )

    def serve(
        self,
        path: str,
        render: Renderer,
        *,
        content_type: str,
        keywords: tuple[str, ...],
        shown_query: ShownQuery | None = None,
        period: str = "",
        is_archive: bool = False,
        is_fixed: bool = False,
        troubled_before: datetime | None = None,
        headers: dict[str, str] | None = None,
        max_age: int = _YEAR_SECONDS,
    ) -> Response:
        """Return the response to a canonical request, from the render cache if possible.

        Parameters are those of `CacheKey` and `RenderCache`. Shared caches may store it for
        `cache_seconds` of the settings or `max_age` seconds, unless `headers` has a Cache-Control.
        """
        sent = request.headers  # once: each access to a proxy costs
        coding = negotiate_coding(sent.get("Accept-Encoding", ""))
        state = is_archive, troubled_before
        cache_key = CacheKey(path, keywords, period, *state, coding or "gzip", is_fixed)
        now, quota = self.now(), self.quota if cache_key.is_custom else NO_QUOTA
        if cache_key.is_custom:
            quota.announce()
        served = self.render_cache.get(
            cache_key,
            render,
            now=now,
            shown_query=shown_query,
            consume_quota=quota.require,
            charge=quota.charge,
            validators=RequestValidators(sent, now),
        )
        request.environ[CACHE_OUTCOME] = served.outcome
        return cached_response(
            sent,
            served,
            coding=coding,
            content_type=content_type,
            max_age=min(self.settings.cache_seconds, max_age),
            headers=headers,
        )

    @property
    def quota(self) -> ClientQuota:
        """The rate limit of the client of this request."""
        return self.quota_of(request.environ)

    def quota_of(self, environ: WSGIEnvironment) -> ClientQuota:
        """Return the rate limit of the client of a WSGI request."""
        exempts_loopback = self.is_local_only
        return ClientQuota.of(self.rate_limiter, environ, exempts_loopback=exempts_loopback)

    @property
    def token_guard(self) -> TokenGuard:
        """What the tokens of this request allow."""
        return TokenGuard(self.settings, self.redis, ApiTokens(self.redis), self.quota, self.now())


def _args_without(names: tuple[str, ...]) -> MultiDict[str, str]:
    """Return the parameters of this request but those named."""
    if not names:
        return request.args
    return MultiDict(item for item in request.args.items(multi=True) if item[0] not in names)


def open_context(app: Flask, settings: Settings) -> None:
    """Give the app a context of its own. It connects at first use. Raises BadSettings."""
    redis = connect_store(settings.redis_url, settings.store_url, retry=False)
    store, directory = Store(redis), KeywordDirectory(redis)
    render_cache = RenderCache(
        redis,
        DiskTier(Path(settings.data_dir) / "last-good"),
        base_url=settings.base_url,
        build_id=compute_build_id() + settings.websub_hub,
        max_custom=settings.custom_answers,
        directory=directory,
    )
    app.extensions[_EXTENSION_KEY] = AppContext(
        settings=settings,
        redis=redis,
        store=store,
        keywords=Keywords(redis),
        source_states=TaskStates(redis),
        initial_fetches=InitialFetchStates(redis),
        render_cache=render_cache,
        snapshots=ArchiveSnapshots(redis, store),
        counter=MatchCounter(store.reader),
        rate_limiter=ClientRateLimiter(settings.questions_per_minute),
        is_local_only=serves_only_this_machine(settings),
        similar_papers=MoreLikeThis(store.reader),
        communities=Communities(redis, settings),
        url_cache=ByteLRU(_URL_CACHE_BYTES),
        entry_caches=EntryCaches(),
        percolators=PercolatorCache(),
        directory=directory,
        recorder=MetricRecorder(redis),
    )


def context() -> AppContext:
    """Return the context of the app that handles this request."""
    return context_of(current_app)


def context_of(app: Flask) -> AppContext:
    """Return the context of an app."""
    return cast(AppContext, app.extensions[_EXTENSION_KEY])
