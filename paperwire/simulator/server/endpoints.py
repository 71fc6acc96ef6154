"""Routes requests to the endpoints of the upstreams, which render the world."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from papers.errors import BadId, UnknownPaper
from papers.model.arxiv_id import ArxivId, parse_versioned
from paperwire.simulator.formats import (
    announcement_feed,
    api_feed,
    api_query,
    community_feed,
    daily_papers,
)
from paperwire.simulator.server import oai_list
from paperwire.simulator.server.messages import SimulatorReply, SimulatorRequest
from paperwire.simulator.world import simulated_days
from paperwire.simulator.world.manuscripts import Preprint, PreprintVersion
from paperwire.simulator.world.world import World

ATOM: Final = "application/atom+xml; charset=utf-8"
JSON: Final = "application/json; charset=utf-8"
API_MAX_PAGE_SIZE: Final = 2000
API_MAX_RESULTS: Final = 30_000

_BUILD_TIME: Final = timedelta(seconds=2, microseconds=330_000)
_WELL_FORMED = re.compile(r"(?:\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Za-z-]{2,})?/\d{7})(?:v\d+)?")
_SORT_ORDERS: Final = ("relevance", "lastUpdatedDate", "submittedDate")


class ApiError(Exception):
    """An error that the API reports with HTTP 400."""


class RequestRouter:
    """Returns the reply to any request.

    `api_lag` is the delay from an announcement until the API returns it. `documents` are replies
    at fixed paths, which take precedence.
    """

    def __init__(self, world: World, api_lag: timedelta, communities: Iterable[str]) -> None:
        self.world = world
        self.api_lag = api_lag
        self.oai_page_size = oai_list.OAI_PAGE_SIZE
        self.documents: dict[str, SimulatorReply] = {}
        self._communities = tuple(communities)
        self._routes = (
            (re.compile(r"/rss/atom/(.+)"), self._announcements),
            (re.compile(r"/api/query()"), self._api),
            (re.compile(r"/oai()"), self._oai),
            (re.compile(r"/hf/api/daily_papers()"), self._daily),
            (re.compile(r"/hf/api/papers/(.+)"), self._daily_paper),
            (re.compile(r"/feeds/(.+)\.xml"), self._community),
        )

    def __call__(self, request: SimulatorRequest) -> SimulatorReply:
        """Return the correct reply; 404 for an unknown path."""
        if request.path in self.documents:
            return self.documents[request.path]
        for pattern, endpoint in self._routes:
            if match := pattern.fullmatch(request.path):
                return endpoint(request, match[1])
        return SimulatorReply(b"not found\n", 404, "text/plain")

    def communities(self) -> list[str]:
        """Return the names of all community feeds."""
        return sorted({*self._communities, *self.world.communities()})

    def _announcements(self, request: SimulatorRequest, query: str) -> SimulatorReply:
        day = request.listed or self.world.today
        built = request.built or self._feed_built_at()
        categories = query.split("+")
        unknown = [name for name in categories if not announcement_feed.is_known_category(name)]
        if unknown:
            reason = f"Bad archive or subject class '{unknown[0]}'."
            body = announcement_feed.render_announcement_error(query, reason, built)
            return SimulatorReply(body, 400, ATOM)
        rows = announcement_feed.announced_rows(self.world.listings(day), categories, day)
        body = announcement_feed.render_announcement_feed(query, rows, built)
        return SimulatorReply(body, 200, ATOM, modified=built)

    def _feed_built_at(self) -> datetime:
        """Return the build time: after midnight, or when the day's listings last changed."""
        at_midnight = simulated_days.eastern_midnight(self.world.today) + _BUILD_TIME
        changed = self.world.changed_at(self.world.today)
        return max(at_midnight, changed) if changed else at_midnight

    def _api(self, request: SimulatorRequest, _: str) -> SimulatorReply:
        try:
            query = _parse_api_query(request)
            results = self._results(query, request)
        except (ApiError, api_query.MalformedQuery) as error:
            return SimulatorReply(api_feed.render_api_error(str(error), request.now), 400, ATOM)
        size = min(query.max_results, API_MAX_PAGE_SIZE)
        page = results[query.start : query.start + size]
        return SimulatorReply(
            api_feed.render_api_page(query, page, len(results), request.now), 200, ATOM
        )

    def _results(
        self, query: api_feed.ApiQuery, request: SimulatorRequest
    ) -> list[api_feed.ApiResult]:
        if query.id_list:
            results = self._by_id(query.id_list.split(","))
        elif query.search_query:
            newest = (self._result(preprint, None) for preprint in self.world.preprints())
            results = [result for result in newest if result]
        else:
            return []
        if query.search_query:
            matches = api_query.parse(query.search_query)
            results = [result for result in results if matches(result)]
        return _sort_results(results, request)

    def _by_id(self, ids: list[str]) -> list[api_feed.ApiResult]:
        for id in ids:
            if not _WELL_FORMED.fullmatch(id):
                raise ApiError(f"incorrect id format for {id}")
        return [result for id in ids if (result := self._find_by_id(id))]

    def _find_by_id(self, id: str) -> api_feed.ApiResult | None:
        try:
            known, version = parse_versioned(id)
            return self._result(self.world.preprint(known), version)
        except (BadId, UnknownPaper):
            return None

    def _result(self, preprint: Preprint, number: int | None) -> api_feed.ApiResult | None:
        """Return a version of a paper, or the newest one; None if it is not indexed yet."""
        indexed = [version for version in preprint.versions if self._is_indexed(version)]
        matching = [version for version in indexed if number in (None, version.number)]
        if not matching:
            return None
        version, published = matching[-1], preprint.versions[0].submitted_at
        return api_feed.ApiResult(
            preprint.id, version.number, version.text, published, version.submitted_at
        )

    def _is_indexed(self, version: PreprintVersion) -> bool:
        announced = simulated_days.eastern_midnight(version.announced_on)
        return announced + self.api_lag <= self.world.now

    def _oai(self, request: SimulatorRequest, _: str) -> SimulatorReply:
        return oai_list.list_records(self.world, request, self.oai_page_size)

    def _daily(self, request: SimulatorRequest, _: str) -> SimulatorReply:
        try:
            picks = daily_papers.select_picks(self.world.picks("hf"), request.query)
        except ValueError as error:
            return _json({"error": f"Invalid parameter: {error}"}, 400)
        return _json(
            [daily_papers.daily_item_json(self.world.preprint(pick.id), pick) for pick in picks]
        )

    def _daily_paper(self, request: SimulatorRequest, id: str) -> SimulatorReply:
        picks = {str(pick.id): pick for pick in self.world.picks("hf")}
        if id not in picks:
            return _json({"error": "Paper not found"}, 404)
        return _json(daily_papers.daily_paper_json(self.world.preprint(id), picks[id]))

    def _community(self, request: SimulatorRequest, name: str) -> SimulatorReply:
        if name not in self.communities():
            return SimulatorReply(b"not found\n", 404, "text/plain")
        picks, posts = self.world.picks(name), self.world.posts(name)
        items = [community_feed.item_of_pick(self.world.preprint(pick.id), pick) for pick in picks]
        items += [community_feed.item_of_post(post) for post in posts]
        built = self.world.changed_at(name) or self.world.created_at
        body = community_feed.render_community_feed(name, items, built)
        return SimulatorReply(body, 200, "application/rss+xml; charset=utf-8", modified=built)


def _parse_api_query(request: SimulatorRequest) -> api_feed.ApiQuery:
    numbers = {"start": 0, "max_results": 10}
    for name in numbers:
        text = request.query.get(name) or str(numbers[name])
        if not re.fullmatch(r"-?\d+", text):
            raise ApiError(f"{name} must be an integer")
        if int(text) < 0:
            raise ApiError(f"{name} must be non-negative")
        numbers[name] = int(text)
    if numbers["max_results"] > API_MAX_RESULTS:
        raise ApiError(f"max_results must be at most {API_MAX_RESULTS}")
    query = request.query
    return api_feed.ApiQuery(query.get("search_query", ""), query.get("id_list", ""), **numbers)


def _sort_results(
    results: list[api_feed.ApiResult], request: SimulatorRequest
) -> list[api_feed.ApiResult]:
    by = request.query.get("sortBy") or "relevance"
    if by not in _SORT_ORDERS:
        raise ApiError(f"sortBy must be in: {', '.join(_SORT_ORDERS)}")
    if by == "relevance":
        return results
    newest_first = request.query.get("sortOrder", "descending") == "descending"
    return sorted(results, key=_SORT_KEYS[by], reverse=newest_first)


def _by_submission(result: api_feed.ApiResult) -> tuple[datetime, ArxivId]:
    return result.published, result.id


def _by_update(result: api_feed.ApiResult) -> tuple[datetime, ArxivId]:
    return result.updated, result.id


_SORT_KEYS: Final = {"submittedDate": _by_submission, "lastUpdatedDate": _by_update}


def _json(
    document: daily_papers.Json | list[daily_papers.Json], status: int = 200
) -> SimulatorReply:
    return SimulatorReply(daily_papers.encode_json(document), status, JSON)
