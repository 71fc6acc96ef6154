"""The tasks `fill:SLUG`: the initial fetch of a new keyword, from arXiv's API.

Without it a new feed would stay empty for a day. The API supports less than the keyword language
(`workers.sources.arxiv.search_query`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from redis import Redis

from papers.query.parser import parse_query
from papers.state.keywords import Keywords
from workers.sources.arxiv import api
from workers.sources.arxiv.search_query import arxiv_query
from workers.sources.result import FetchResult, UpstreamClients
from workers.tasks.initial_fetch_plan import reason_for_no_fetch


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
