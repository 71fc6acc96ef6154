"""Recorded responses of the real upstreams, served over HTTP on loopback.

    with RecordedUpstream(folder) as upstream:
        upstream.day = date(2026, 6, 10)             the day of the served announcements
        settings = Settings(**upstream.settings(arxiv_interval=0.0))

| path | recorded in |
| --- | --- |
| `/rss/atom/CATEGORY`, `/rss/rss/CATEGORY` | `arxiv_rss*/CATEGORY_DAY….atom` and `.rss`; else 404 |
| `/rss/any/CATEGORY` | the Atom form of the day, else the RSS form |
| `/api/query` | `arxiv_api/`, by query; several recordings of one query are served in turn |
| `/hf/api/daily_papers?date=DAY` | `hf_daily/DAY.json`; other days are empty |
| `/hf/api/papers/ID` | the same, by paper; else 404 |
| `/feeds/NAME.xml` | `community/NAME.rss` or `.atom`, with hyphens for `_`; else 404 |

A query for a word in titles or abstracts counts as a query for the word. An API query that was not
recorded gets the recorded entries of its ids, inside the recorded response without results: as the
API does with ids that it does not know.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, urlsplit

from paperwire.simulator.server.endpoints import ATOM, JSON
from paperwire.simulator.server.http_server import ScriptedServer
from paperwire.simulator.server.messages import SimulatorReply, SimulatorRequest
from paperwire.simulator.server.request_log import RecordedRequest

_ANNOUNCED = re.compile(r"(?P<category>[^_]+)_(?P<day>\d{4}-\d\d-\d\d).*")
_RECORDED_QUERY = re.compile(r"<title[^>]*>arXiv Query: ([^<]*)</title>", re.IGNORECASE)
_ENTRY = re.compile(r"  <entry>.*?</entry>\n", re.DOTALL)
_ENTRY_ID = re.compile(r"<id>https?://arxiv\.org/abs/([^<]+?)(?:v\d+)?</id>")
_TITLE_OR_ABSTRACT = re.compile(r"^\(ti:(\w+) OR .*\babs:\1\b.*\)$")
_NO_RESULTS = re.compile(r"totalResults>0<")


class ApiQuery(NamedTuple):
    """The parameters that distinguish API queries."""

    search_query: str
    id_list: str
    start: str
    max_results: str


class ApiPage(NamedTuple):
    """A recorded response of the API."""

    file: Path
    status: int
    body: str


class RecordedUpstream:
    """The server of this module: a context manager; `day` may be set at any time."""

    def __init__(self, folder: Path) -> None:
        self.day = date(2026, 6, 10)
        self.announcements = _announcements(folder)
        self.api_pages = _api_pages(folder / "arxiv_api")
        self.daily = _daily(folder / "hf_daily")
        self.communities = _communities(folder / "community")
        self._turns: dict[ApiQuery, int] = defaultdict(int)
        self._site = ScriptedServer(
            self._respond, lambda: datetime.combine(self.day, time(12), UTC)
        )

    def _noon(self) -> datetime:
        return datetime.combine(self.day, time(12), UTC)

    def __enter__(self) -> Self:
        self._site.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self._site.close()

    @property
    def url(self) -> str:
        """The base URL, without a trailing slash."""
        return self._site.url

    @property
    def log(self) -> list[RecordedRequest]:
        """Every request so far, in order."""
        return self._site.log

    def settings(self, **overrides: Any) -> dict[str, Any]:
        """Return fields of `Settings` that point Paperwire's sources to the recordings."""
        return {
            "arxiv_feed_url": f"{self.url}/rss/atom",
            "arxiv_api_url": f"{self.url}/api/query",
            "arxiv_oai_url": "",
            "huggingface_url": f"{self.url}/hf",
            "communities": {name: f"{self.url}/feeds/{name}.xml" for name in self.communities},
            "allowed_networks": ("127.0.0.0/8",),
            **overrides,
        }

    def _respond(self, request: SimulatorRequest) -> SimulatorReply:
        match request.path.strip("/").split("/"):
            case ["rss", "any", category]:
                day = (category, self.day)
                atom, rss = (self.announcements.get((form, *day)) for form in ("atom", "rss"))
                return _file(atom or rss)
            case ["rss", form, category]:
                return _file(self.announcements.get((form, category, self.day)))
            case ["api", "query"]:
                return self._api(request.query)
            case ["hf", "api", "daily_papers"]:
                return _json(self._daily_page(request.query))
            case ["hf", "api", "papers", id]:
                papers = {item["paper"]["id"]: item["paper"] for item in self._all_picks()}
                return _json(papers[id]) if id in papers else _json({"error": "not found"}, 404)
            case ["feeds", name]:
                return _file(self.communities.get(name.removesuffix(".xml")))
        return _file(None)

    def _api(self, query: Mapping[str, str]) -> SimulatorReply:
        api_query = _api_query(query)
        pages = self.api_pages.get(api_query)
        if not pages:
            return SimulatorReply(
                self._compose_by_id(api_query.id_list.split(",")).encode(), 200, ATOM
            )
        page = pages[self._turns[api_query] % len(pages)]
        self._turns[api_query] += 1
        return SimulatorReply(page.body.encode(), page.status, ATOM)

    def _compose_by_id(self, ids: list[str]) -> str:
        """Return the recorded entries of ids, inside the recorded response without results."""
        pages = [page for pages in self.api_pages.values() for page in pages]
        recorded = {id: entry for page in pages for id, entry in _entries(page.body)}
        found = [recorded[id] for id in ids if id in recorded]
        nothing = next(page.body for page in pages if _NO_RESULTS.search(page.body))
        counted = _NO_RESULTS.sub(f"totalResults>{len(found)}<", nothing)
        return counted.replace("</feed>", f"{''.join(found)}</feed>")

    def _daily_page(self, query: Mapping[str, str]) -> list[Any]:
        day = self.daily.get(query.get("date", self.day.isoformat()), [])
        limit, page = int(query.get("limit", 50)), int(query.get("p", 0))
        return day[page * limit : (page + 1) * limit]

    def _all_picks(self) -> Iterator[Any]:
        for items in self.daily.values():
            yield from items


def _announcements(folder: Path) -> dict[tuple[str, str, date], Path]:
    """(atom or rss, category, day) → file."""
    found: dict[tuple[str, str, date], Path] = {}
    for file in sorted(folder.glob("arxiv_rss*/*")):
        if match := _ANNOUNCED.fullmatch(file.stem):
            day = date.fromisoformat(match["day"])
            found[file.suffix[1:], match["category"], day] = file
    return found


def _api_pages(folder: Path) -> dict[ApiQuery, list[ApiPage]]:
    """Query → its recordings, by file name."""
    found: dict[ApiQuery, list[ApiPage]] = defaultdict(list)
    for file in sorted(folder.iterdir()):
        if file.suffix == ".json":
            page = json.loads(file.read_text("utf-8"))
            query_string, status, body = (
                urlsplit(page["url"]).query,
                page["status_code"],
                page["body"],
            )
        else:
            status, body = 200, file.read_text("utf-8")
            query_string = unescape(_RECORDED_QUERY.findall(body)[0])
        api_query = _api_query(dict(parse_qsl(query_string, keep_blank_values=True)))
        found[api_query].append(ApiPage(file, status, body))
    return found


def _daily(folder: Path) -> dict[str, list[Any]]:
    """Day → its items. A file not named by a day belongs to the day in its items."""
    found: dict[str, list[Any]] = {}
    for file in sorted(folder.glob("*.json")):
        items = json.loads(file.read_text("utf-8"))
        is_day = re.fullmatch(r"\d{4}-\d\d-\d\d", file.stem)
        day = file.stem if is_day else items[0]["paper"]["submittedOnDailyAt"][:10]
        found[day] = items
    return found


def _api_query(query: Mapping[str, str]) -> ApiQuery:
    return ApiQuery(
        _TITLE_OR_ABSTRACT.sub(r"\1", query.get("search_query", "")),
        query.get("id_list", ""),
        query.get("start", "0"),
        query.get("max_results", "10"),
    )


def _entries(body: str) -> Iterator[tuple[str, str]]:
    """Yield the papers of an API page, as id and entry."""
    for entry in _ENTRY.findall(body):
        if id := _ENTRY_ID.search(entry):
            yield id[1], entry


def _communities(folder: Path) -> dict[str, Path]:
    """Name → file; names in the form that settings allow."""
    return {file.stem.replace("_", "-"): file for file in sorted(folder.iterdir())}


def _file(path: Path | None) -> SimulatorReply:
    if path is None:
        return SimulatorReply(b"not recorded\n", 404, "text/plain")
    modified = datetime(2026, 6, 10, tzinfo=UTC)
    return SimulatorReply(path.read_bytes(), modified=modified)


def _json(answer: Any, status: int = 200) -> SimulatorReply:
    return SimulatorReply(json.dumps(answer, ensure_ascii=False).encode(), status, JSON)
