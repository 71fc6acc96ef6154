"""The recorded answers of the real upstreams, served again over HTTP on loopback.

    with RecordedUpstream(folder) as upstream:
        upstream.day = date(2026, 6, 10)             today, as far as announcements go
        settings = Settings(**upstream.settings(arxiv_interval=0.0))

| path | recorded in |
| --- | --- |
| `/rss/atom/CATEGORY`, `/rss/rss/CATEGORY` | `arxiv_rss*/CATEGORY_DAY….atom` and `.rss`; else 404 |
| `/rss/any/CATEGORY` | the Atom form of the day, else the RSS form |
| `/api/query` | `arxiv_api/`, by the question; several recordings of one question take turns |
| `/hf/api/daily_papers?date=DAY` | `hf_daily/DAY.json`; other days are empty |
| `/hf/api/papers/ID` | the same, by paper; else 404 |
| `/feeds/NAME.xml` | `community/NAME.rss` or `.atom`, with hyphens for `_`; else 404 |

A word asked for in titles or abstracts is that word. An API question that was not recorded is
answered with the recorded entries of its ids, and with the recorded answer for "nothing" around
them: as the API does with ids it does not know.
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
_QUESTION = re.compile(r"<title[^>]*>arXiv Query: ([^<]*)</title>", re.IGNORECASE)
_ENTRY = re.compile(r"  <entry>.*?</entry>\n", re.DOTALL)
_ENTRY_ID = re.compile(r"<id>https?://arxiv\.org/abs/([^<]+?)(?:v\d+)?</id>")
_TITLE_OR_ABSTRACT = re.compile(r"\(ti:(\w+) OR abs:\1\)")
_NO_RESULTS = re.compile(r"totalResults>0<")


class ApiQuestion(NamedTuple):
    """What tells API questions apart."""

    search_query: str
    id_list: str
    start: str
    max_results: str


class ApiPage(NamedTuple):
    """A recorded API answer."""

    file: Path
    status: int
    body: str


class RecordedUpstream:
    """See the module. A context manager; `day` may be set at any time."""

    def __init__(self, folder: Path) -> None:
        self.day = date(2026, 6, 10)
        self.announcements = _announcements(folder)
        self.api_pages = _api_pages(folder / "arxiv_api")
        self.daily = _daily(folder / "hf_daily")
        self.communities = _communities(folder / "community")
        self._turns: dict[ApiQuestion, int] = defaultdict(int)
        self._site = ScriptedServer(self._answer, lambda: datetime.combine(self.day, time(12), UTC))

    def __enter__(self) -> Self:
        self._site.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self._site.close()

    @property
    def url(self) -> str:
        """The base address, without a slash at the end."""
        return self._site.url

    @property
    def log(self) -> list[RecordedRequest]:
        """Every request so far, as they came."""
        return self._site.log

    def settings(self, **overrides: Any) -> dict[str, Any]:
        """Fields of `Settings` that turn Paperwire's sources to the recordings."""
        return {
            "arxiv_feed_url": f"{self.url}/rss/atom",
            "arxiv_api_url": f"{self.url}/api/query",
            "arxiv_oai_url": "",
            "huggingface_url": f"{self.url}/hf",
            "communities": {name: f"{self.url}/feeds/{name}.xml" for name in self.communities},
            "allowed_networks": ("127.0.0.0/8",),
            **overrides,
        }

    def _answer(self, request: SimulatorRequest) -> SimulatorReply:
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
        question = _question(query)
        pages = self.api_pages.get(question)
        if not pages:
            return SimulatorReply(
                self._compose_by_id(question.id_list.split(",")).encode(), 200, ATOM
            )
        page = pages[self._turns[question] % len(pages)]
        self._turns[question] += 1
        return SimulatorReply(page.body.encode(), page.status, ATOM)

    def _compose_by_id(self, ids: list[str]) -> str:
        """The recorded entries of these ids inside the recorded answer that has none."""
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


def _api_pages(folder: Path) -> dict[ApiQuestion, list[ApiPage]]:
    """Question → its recordings, by file name."""
    found: dict[ApiQuestion, list[ApiPage]] = defaultdict(list)
    for file in sorted(folder.iterdir()):
        if file.suffix == ".json":
            page = json.loads(file.read_text("utf-8"))
            asked, status, body = urlsplit(page["url"]).query, page["status_code"], page["body"]
        else:
            status, body = 200, file.read_text("utf-8")
            asked = unescape(_QUESTION.findall(body)[0])
        question = _question(dict(parse_qsl(asked, keep_blank_values=True)))
        found[question].append(ApiPage(file, status, body))
    return found


def _daily(folder: Path) -> dict[str, list[Any]]:
    """Day → its items. The file of another name is of the day its items say."""
    found: dict[str, list[Any]] = {}
    for file in sorted(folder.glob("*.json")):
        items = json.loads(file.read_text("utf-8"))
        is_day = re.fullmatch(r"\d{4}-\d\d-\d\d", file.stem)
        day = file.stem if is_day else items[0]["paper"]["submittedOnDailyAt"][:10]
        found[day] = items
    return found


def _question(query: Mapping[str, str]) -> ApiQuestion:
    return ApiQuestion(
        _TITLE_OR_ABSTRACT.sub(r"\1", query.get("search_query", "")),
        query.get("id_list", ""),
        query.get("start", "0"),
        query.get("max_results", "10"),
    )


def _entries(body: str) -> Iterator[tuple[str, str]]:
    """The papers of an API page: id and entry."""
    for entry in _ENTRY.findall(body):
        if id := _ENTRY_ID.search(entry):
            yield id[1], entry


def _communities(folder: Path) -> dict[str, Path]:
    """Name → file; names as settings allow them."""
    return {file.stem.replace("_", "-"): file for file in sorted(folder.iterdir())}


def _file(path: Path | None) -> SimulatorReply:
    if path is None:
        return SimulatorReply(b"not recorded\n", 404, "text/plain")
    modified = datetime(2026, 6, 10, tzinfo=UTC)
    return SimulatorReply(path.read_bytes(), modified=modified)


def _json(answer: Any, status: int = 200) -> SimulatorReply:
    return SimulatorReply(json.dumps(answer, ensure_ascii=False).encode(), status, JSON)
