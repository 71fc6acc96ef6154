"""The digests by e-mail: each subscribed keyword's papers of the day or week that is over.

    the newest period that is over ─▶ its papers ─▶ claimed ─▶ a message ─▶ the mail server

A period is claimed before its message is handed over, and given back only where the server did not
take it. So none is ever sent twice: not by two workers, nor after a crash, nor where the connection
broke at the last moment. A period in which nobody could send is passed over for the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final, cast

from redis import Redis

from papers.config.settings import Settings
from papers.errors import SourceError, SourceInDoubt, SourceRefused, UnknownKeyword
from papers.model.paper import Paper
from papers.model.periods import Kind, Period
from papers.query.parser import parse
from papers.query.request import Ask
from papers.redis_backend import keys
from papers.redis_backend.connection import store_errors
from papers.state.keywords import Keyword, Keywords
from papers.store import Store
from workers.notify.mail_message import message_of
from workers.notify.smtp import send
from workers.sources.result import Fetched, Upstreams

MOST_LOOKED_AT: Final = 1_000

_CLAIM: Final = """
-- KEYS: what was mailed. ARGV: subscription, period. 1 where the period was not claimed before.
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
"""


def mail_tasks(settings: Settings) -> list[str]:
    """A task for each subscription; none while no mail server is named."""
    if not settings.smtp_url:
        return []
    kinds: dict[Kind, tuple[str, ...]] = {"day": settings.mail_daily, "week": settings.mail_weekly}
    return [f"mail:{kind}:{slug}" for kind, slugs in kinds.items() for slug in slugs]


class Digests:
    """The source of the tasks `mail:day:NAME`, `mail:week:NAME`: it brings nothing, and tells."""

    def __init__(self, store: Store, keywords: Keywords, redis: Redis) -> None:
        self._store, self._keywords, self._redis = store, keywords, redis

    def fetch(self, subject: str, upstreams: Upstreams, now: datetime) -> Iterator[Fetched]:
        """Send the newest digest, unless it was. Raises SourceError, StoreAway."""
        kind, _, slug = subject.partition(":")
        keyword = self._keyword(slug)
        period = Period.of(cast(Kind, kind), now.date()).before
        papers = self._papers(keyword, period)
        if not papers:
            yield Fetched(said=f"no paper in {period.words}: nothing is sent")
        elif not self._claimed(subject, period):
            yield Fetched(said=f"{period.words} was sent before")
        else:
            self._send(subject, keyword, period, papers, upstreams.settings)
            yield Fetched(got=len(papers), said=f"{len(papers)} papers of {period.words} sent")

    def _keyword(self, slug: str) -> Keyword:
        try:
            return self._keywords.get(slug)
        except UnknownKeyword as error:
            raise SourceRefused(f"{error}; take it out of the settings' digests") from error

    def _papers(self, keyword: Keyword, period: Period) -> tuple[Paper, ...]:
        ask = Ask(query=parse(keyword.query), since=period.first, until=period.last)
        papers: list[Paper] = []
        while len(papers) < MOST_LOOKED_AT:
            page = self._store.search(ask)
            papers += page.papers
            if page.next is None:
                break
            ask = replace(ask, before=page.next)
        return tuple(papers)

    def _send(
        self,
        subject: str,
        keyword: Keyword,
        period: Period,
        papers: tuple[Paper, ...],
        settings: Settings,
    ) -> None:
        try:
            send(message_of(keyword, period, papers, settings), settings)
        except SourceInDoubt:
            raise  # it may have been taken: not again
        except SourceError:
            self._give_back(subject, period)
            raise

    def _claimed(self, subscription: str, period: Period) -> bool:
        with store_errors(self._redis):
            return bool(self._redis.eval(_CLAIM, 1, keys.MAILED, subscription, period.name))

    def _give_back(self, subscription: str, period: Period) -> None:
        """The server did not take it: it is to be tried again."""
        with store_errors(self._redis):
            self._redis.hset(keys.MAILED, subscription, f"not {period.name}")
