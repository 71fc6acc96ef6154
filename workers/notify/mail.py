"""E-mail digests: each subscribed keyword's papers of the last complete day or week.

    the last complete period ─▶ its papers ─▶ claimed ─▶ a message ─▶ the mail server

A period is claimed before its message is sent, and released only if the server did not accept it.
So no digest is ever sent twice: not by two workers, nor after a crash, nor if the connection broke
at the last moment. A period in which sending was impossible is skipped for the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final, cast

from redis import Redis

from papers.config.settings import Settings
from papers.counted import format_counted
from papers.errors import SourceError, SourceOutcomeUnknown, SourceRefused, UnknownKeyword
from papers.model.paper import Paper
from papers.model.periods import Period, PeriodKind
from papers.query.parser import parse_query
from papers.query.request import SearchRequest
from papers.state.keyword_record import Keyword
from papers.state.keywords import Keywords
from papers.store import Store
from workers.notify.delivery_log import DeliveryLog
from workers.notify.mail_message import digest_message
from workers.notify.smtp import send_mail
from workers.sources.result import FetchResult, UpstreamClients

MAIL_KIND: Final = "mail"
"""The kind of the tasks that mail a digest: `mail:day:NAME`."""

MAX_DIGEST_PAPERS: Final = 1_000


def mail_tasks(settings: Settings) -> list[str]:
    """Return a task per subscription; none unless a mail server is configured."""
    if not settings.smtp_url:
        return []
    kinds: dict[PeriodKind, tuple[str, ...]] = {
        "day": settings.mail_daily,
        "week": settings.mail_weekly,
    }
    return [f"{MAIL_KIND}:{kind}:{slug}" for kind, slugs in kinds.items() for slug in slugs]


class DigestMailer:
    """Sends the digests of the tasks `mail:day:NAME` and `mail:week:NAME`; it fetches nothing."""

    def __init__(self, store: Store, keywords: Keywords, redis: Redis) -> None:
        self._store, self._keywords = store, keywords
        self._sent = DeliveryLog(redis, MAIL_KIND)

    def fetch(
        self, subject: str, upstreams: UpstreamClients, now: datetime
    ) -> Iterator[FetchResult]:
        """Send the latest digest unless it was sent. Raises SourceError, StoreUnavailable."""
        kind, _, slug = subject.partition(":")
        keyword = self._keyword(slug)
        period = Period.containing(cast(PeriodKind, kind), now.date()).previous
        papers = self._papers(keyword, period)
        if not papers:
            yield FetchResult(message=f"no paper of {period.display_name}: nothing is sent")
        elif not self._sent.claim(subject, period.name):
            yield FetchResult(message=f"{period.display_name} was sent before")
        else:
            self._send(subject, keyword, period, papers, upstreams.settings)
            yield FetchResult(
                record_count=len(papers),
                message=f"{format_counted(len(papers), 'paper')} of {period.display_name} sent",
            )

    def _keyword(self, slug: str) -> Keyword:
        try:
            return self._keywords.get(slug)
        except UnknownKeyword as error:
            raise SourceRefused(f"{error}; take it out of the settings' digests") from error

    def _papers(self, keyword: Keyword, period: Period) -> tuple[Paper, ...]:
        ask = SearchRequest(
            query=parse_query(keyword.query), since=period.first_day, until=period.last_day
        )
        papers: list[Paper] = []
        while len(papers) < MAX_DIGEST_PAPERS:
            page = self._store.search(ask)
            papers += page.papers
            if page.next_cursor is None:
                break
            ask = replace(ask, before=page.next_cursor)
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
            send_mail(digest_message(keyword, period, papers, settings), settings)
        except SourceOutcomeUnknown:
            raise  # it may have been accepted: do not send it again
        except SourceError:
            self._sent.release(subject, period.name)
            raise
