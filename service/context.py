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
from papers.query.match import Folded, holds
from papers.query.parser import Query, parse
from papers.query.request import Ask, Page
from papers.redis_backend.connection import connect
from papers.search.counts import Counter
from papers.search.similar import Likeness
from papers.state.communities import Communities
from papers.state.keywords import Keyword, Keywords, slug_of
from papers.state.task_states import SourceState, SourceStates
from papers.store import Store
from service.cache.archive_snapshots import Snapshots
from service.cache.disk_tier import LastGood
from service.cache.encodings import chosen
from service.cache.lookup import Wanted
from service.cache.lru import Memory
from service.cache.render_cache import Answers
from service.feeds.entry import Entry, lead_of
from service.http.rate_limit import Rates
from service.http.responses import respond
from service.markup.clean import line, source_name
from service.urls.keyword_urls import SEARCH, Address
from service.urls.params import read, shown

_EXTENSION: Final = "paperwire"
_MOST_NAMES: Final = 4
_MOST_ADDRESSES: Final = 4_000_000
_ADDRESS_BYTES: Final = 2_000
"""Bytes of addresses that a process remembers, and of one beside its text."""
_A_YEAR: Final = 365 * 86_400
_STANDING: Final = ("arxiv", "hf")
"""Sources that are no community's feed."""


@dataclass(frozen=True, slots=True)
class Desk:
    """One per app; kept with it, never a global."""

    settings: Settings
    redis: Redis
    store: Store
    keywords: Keywords
    states: SourceStates
    answers: Answers
    snapshots: Snapshots
    counter: Counter
    rates: Rates
    likeness: Likeness
    communities: Communities
    addresses: Memory[tuple[str, bytes], Address]

    def now(self) -> datetime:
        """The time of day, aware UTC: told to what needs it, and to nothing that is rendered."""
        return datetime.now(UTC)

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of the sources there are. Raises StoreAway."""
        return (*_STANDING, *(feed.name for feed in self.communities.all()))

    def sources_for(self, asked: str) -> tuple[str, ...]:
        """The names that `source=asked` may be; most requests need not ask the store for them."""
        configured = (*_STANDING, *self.settings.communities)
        return configured if asked.casefold() in ("", *configured) else self.sources

    def address(self, name: str) -> Address:
        """The canonical address of the request for a keyword by name, or for `search`.

        Raises BadParameter, BadQuery, UnknownKeyword.
        """
        asked = (name, request.query_string)
        address = self.addresses.get(asked)
        if address is None:
            address = self._address(name)
            if not address.asked.options.get("source"):  # sources come and go
                self.addresses.keep(asked, address, _ADDRESS_BYTES + len(request.query_string))
        return address

    def _address(self, name: str) -> Address:
        slug = SEARCH if name == SEARCH else self.slug(name)
        sources = self.sources_for(request.args.get("source", ""))
        asked = read(request.args, saved=slug != SEARCH, sources=sources)
        if len(asked.keywords) == 1:
            (slug,), asked = asked.keywords, replace(asked, keywords=())
        return Address(self.settings.base_url, slug, asked)

    def slug(self, name: str) -> str:
        """The slug of any spelling of a keyword's name. Raises UnknownKeyword where it has none."""
        try:
            return slug_of(name)
        except BadParameter as error:
            raise UnknownKeyword(f"no keyword {shown(name)!r} is saved here") from error

    def find(self, address: Address, limit: int | None = None) -> Found:
        """What an address leads to: as many papers as it asks for, or `limit`.

        Raises UnknownKeyword, StoreAway.
        """
        keywords = tuple(map(self.keywords.get, address.keywords))
        query = address.asked.query or any_keyword(keywords)
        ask = address.asked.of(query)
        ask = replace(ask, limit=limit or ask.limit)
        page, previous = self.store.search(ask), None
        if ask.before:
            previous = address.after(self.store.cursor_before(ask))
        return Found(address, keywords, query, ask, page, previous, self.states.all())

    def serve(
        self,
        path: str,
        render: Callable[[], bytes],
        *,
        content_type: str,
        keywords: tuple[str, ...],
        period: str = "",
        archive: bool = False,
        headers: dict[str, str] | None = None,
        most_seconds: int = _A_YEAR,
    ) -> Response:
        """The response to a canonical request, from the cache where it can be.

        `keywords`, `period` and `archive` are what `Wanted` says of them. Others may keep it for as
        long as the settings say, or for `most_seconds` if that is less, or as a header says.
        """
        coding = chosen(request.headers.get("Accept-Encoding", ""))
        wanted = Wanted(path, keywords, period, archive, coding or "gzip")
        now = self.now()
        served = self.answers.get(wanted, render, now=now, spend=self._spend)
        return respond(
            request.headers,
            served,
            coding=coding,
            content_type=content_type,
            seconds=min(self.settings.cache_seconds, most_seconds),
            now=now,
            headers=headers,
        )

    def _spend(self) -> None:
        """Count a new question of whoever asks. Raises TooMany."""
        self.rates.spend(request.remote_addr or "")


@dataclass(frozen=True, slots=True)
class Found:
    """What an address leads to: the saved keywords if such are asked for, the question, its answer.

    A paper is an answer if it meets any of several keywords. `previous` is the page before this
    one, where there is one.
    """

    address: Address
    keywords: tuple[Keyword, ...]
    query: Query
    ask: Ask
    page: Page
    previous: Address | None
    states: list[SourceState]

    @property
    def name(self) -> str:
        """What people call it: the names of its keywords, or its query."""
        return named(self.keywords, self.query)

    @property
    def about(self) -> str:
        """What the papers match, in words."""
        return f"any of {self.name}" if len(self.keywords) > 1 else self.query.canonical

    def met(self, paper: Paper) -> tuple[Keyword, ...]:
        """Which of several keywords a paper meets; of one alone nothing is said."""
        if len(self.keywords) < 2:
            return ()
        folded = Folded(paper)
        return tuple(k for k in self.keywords if holds(parse(k.query).tree, folded))

    def entry(self, paper: Paper) -> Entry:
        """A paper of the answer as an entry; in order of picks it begins with the pick."""
        lead = lead_of(paper, self.ask.source) if self.picked else None
        return Entry(paper, lead=lead, keywords=tuple(k.slug for k in self.met(paper)))

    @property
    def around(self) -> dict[str, Address]:
        """The other pages of the answer, by their relation to this one."""
        if not self.previous and not self.page.next:
            return {}
        following = self.address.after(self.page.next) if self.page.next else None
        pages = {"first": self.address.after(""), "previous": self.previous, "next": following}
        return {rel: address for rel, address in pages.items() if address}

    @property
    def picked(self) -> bool:
        """Whether these are picked papers, newest pick first."""
        return self.ask.order == "picked"

    @property
    def order(self) -> str:
        """The order and the filters, in words."""
        ask = self.ask
        told = [
            "newest pick first" if self.picked else "newest announcement first",
            f"at least {ask.min_votes} votes" if ask.min_votes else "",
            f"named by {source_name(ask.source)}" if ask.source else "",
            f"since {ask.since}" if ask.since else "",
            f"until {ask.until}" if ask.until else "",
        ]
        return ", ".join(part for part in told if part)


def named(keywords: Sequence[Keyword], query: Query | None) -> str:
    """What people call a question: the names of its keywords, or its query."""
    names = [line(keyword.name) for keyword in keywords]
    more = len(names) - _MOST_NAMES
    told = names if more <= 1 else [*names[:_MOST_NAMES], f"{more} more"]
    return ", ".join(told) or (line(query.canonical) if query else "")


def any_keyword(keywords: Sequence[Keyword]) -> Query:
    """The query of papers that meet any of these."""
    return Query(any_of(parse(keyword.query).tree for keyword in keywords))


def open_desk(app: Flask, settings: Settings) -> None:
    """Give the app its desk. Connects when first used. Raises BadSettings."""
    redis = connect(settings.redis_url, patient=False)
    store = Store(redis)
    last_good = LastGood(Path(settings.data_dir) / "last-good")
    answers = Answers(
        redis,
        last_good,
        site=settings.base_url,
        edition=_edition() + settings.websub_hub,
        most_custom=settings.custom_answers,
    )
    app.extensions[_EXTENSION] = Desk(
        settings,
        redis,
        store,
        Keywords(redis),
        SourceStates(redis),
        answers,
        Snapshots(redis, store),
        Counter(store.reader),
        Rates(settings.questions_per_minute),
        Likeness(store.reader),
        Communities(redis, settings),
        Memory(_MOST_ADDRESSES),
    )


def desk() -> Desk:
    """The desk of the app that handles this request."""
    return desk_of(current_app)


def desk_of(app: Flask) -> Desk:
    """The desk of an app."""
    found: Desk = app.extensions[_EXTENSION]
    return found


def _edition() -> str:
    """A digest of all that renders: another release's cached answers are rendered again."""
    digest = hashlib.blake2b(digest_size=8)
    for room in ("service", "papers"):
        folder = Path(__file__).resolve().parents[1] / room
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".py", ".html", ".css", ".js", ".svg"):
                digest.update(path.read_bytes())
    return digest.hexdigest()
