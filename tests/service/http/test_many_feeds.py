"""One client polls fifty custom feeds, over HTTP from two web processes that limit it.

Every kind of client gets all of them at the first poll, and the newest paper of each at every poll
after an ingest.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import pytest
import requests
from redis import Redis

from papers.config.settings import Settings
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Sighting
from papers.store import Store
from paperwire.run.ports import find_free_port
from paperwire.run.web import web_command
from tests.outcomes import note_outcome
from tests.service.conftest import SITE, wait_for_server
from tests.service.made import NOW, make_sighting
from tests.subscriber import make_subscriptions

FEEDS, INGESTS, CONNECTIONS = 50, 3, 10
PAPERS: Final = 120
"""Papers in the store at the beginning: more than a feed has entries."""

WORDS: Final = [f"topic{a}{b}" for a in "abcdefgh" for b in "abcdefgh"][:FEEDS]


def id_of(number: int) -> ArxivId:
    return ArxivId(202611, number)


def make_matching(number: int, words: str = " ".join(WORDS)) -> Sighting:
    """Return a paper that has words: that of one feed, or those of all."""
    text = f"We show {words} with $x_{number}$. " + "A sentence that takes its room. " * 20
    return make_sighting(1, id=id_of(number), title=f"Paper {number}", abstract=text)


@dataclass
class ManyFeeds:
    """A server that limits this machine, and its custom feeds."""

    address: str
    redis: Redis
    ingests: int = 0

    def urls(self, count: int = FEEDS) -> list[str]:
        return [f"{self.address}/feeds/search.atom?n=40&q={word}" for word in WORDS[:count]]

    def ingest(self) -> None:
        """Announce one paper for each feed: newsboat shows a paper in one feed only."""
        start = PAPERS + self.ingests * FEEDS
        papers = [make_matching(start + n, word) for n, word in enumerate(WORDS)]
        Store(self.redis).ingest(papers, now=NOW)
        self.ingests += 1

    def first_ids(self) -> list[str]:
        """Return the first paper of each feed's own, as entries name them."""
        return [f"https://arxiv.org/abs/{id_of(PAPERS + n)}" for n in range(FEEDS)]

    def newest_ids(self) -> list[str]:
        """Return the newest paper of each feed, as entries name them."""
        start = PAPERS + (self.ingests - 1) * FEEDS
        return [f"https://arxiv.org/abs/{id_of(start + n)}" for n in range(FEEDS)]


@dataclass
class Outcome:
    """One poll of all feeds: statuses, how many were current, and how long it took."""

    statuses: Counter[int] = field(default_factory=Counter)
    current: int = 0
    seconds: float = 0.0


class PollsAll(Protocol):
    """A client that polls all its feeds once."""

    def poll(self) -> tuple[Counter[int], int]:
        """Return the statuses, and the number of feeds that have the newest paper."""
        ...


class HttpClient:
    """GET requests, one after the other or from threads, with or without validators."""

    def __init__(
        self, feeds: ManyFeeds, urls: Sequence[str], threads: int, *, conditional: bool
    ) -> None:
        self._feeds, self._urls, self._threads = feeds, urls, threads
        self._conditional = conditional
        self._tags: dict[str, str] = {}
        self._texts: dict[str, str] = {}

    def poll(self) -> tuple[Counter[int], int]:
        with ThreadPoolExecutor(self._threads) as pool:
            statuses = Counter(pool.map(self._get, self._urls))
        newest = zip(self._urls, self._feeds.newest_ids(), strict=False)
        current = [url for url, id in newest if f"<id>{id}</id>" in self._texts.get(url, "")]
        return statuses, len(current)

    def _get(self, url: str) -> int:
        tag = self._tags.get(url) if self._conditional else None
        response = requests.get(url, headers={"If-None-Match": tag} if tag else {}, timeout=30)
        if response.status_code == 200:
            self._texts[url], self._tags[url] = response.text, response.headers["ETag"]
        return response.status_code


class ReaderClient:
    """The `reader` package, with ten workers."""

    def __init__(self, feeds: ManyFeeds, urls: Sequence[str]) -> None:
        self._feeds, self._urls = feeds, urls
        self._reader = make_subscriptions(urls)

    def poll(self) -> tuple[Counter[int], int]:
        self._reader.update_feeds(scheduled=False, workers=CONNECTIONS)
        failed = [feed for feed in self._reader.get_feeds() if feed.last_exception]
        newest = zip(self._urls, self._feeds.newest_ids(), strict=False)
        current = [pair for pair in newest if self._reader.get_entry(pair, None)]
        return Counter({200: len(self._urls) - len(failed), 0: len(failed)}), len(current)


class NewsboatClient:
    """newsboat, with ten threads."""

    def __init__(self, feeds: ManyFeeds, urls: Sequence[str], folder: Path) -> None:
        self._feeds, self._urls, self._folder = feeds, urls, folder
        (folder / "urls").write_text("".join(f"{url}\n" for url in urls), "utf-8")
        (folder / "config").write_text(f"reload-threads {CONNECTIONS}\n", "utf-8")

    def poll(self) -> tuple[Counter[int], int]:
        files = ("-u", "urls", "-C", "config", "-c", "cache.db", "-l", "4", "-d", "log")
        subprocess.run(
            ["newsboat", *files, "-x", "reload"],
            cwd=self._folder,
            env={"HOME": str(self._folder), "LC_ALL": "C.UTF-8", "TERM": "dumb"},
            capture_output=True,
            check=True,
            timeout=60,
        )
        cache = sqlite3.connect(self._folder / "cache.db")
        newest = self._feeds.newest_ids()
        found = {guid for (guid,) in cache.execute("SELECT guid FROM rss_item")}
        cache.close()
        known = len(found & set(self._feeds.first_ids()))
        return Counter({200: known, 0: len(newest) - known}), len(found & set(newest))


CLIENTS: Final[dict[str, Callable[[ManyFeeds, Path], PollsAll]]] = {
    "30 GETs in a row": lambda f, _: HttpClient(f, f.urls(30), 1, conditional=False),
    "30 conditional GETs in a row": lambda f, _: HttpClient(f, f.urls(30), 1, conditional=True),
    "50 GETs in a row": lambda f, _: HttpClient(f, f.urls(), 1, conditional=False),
    "50 conditional GETs, ten threads": lambda f, _: HttpClient(
        f, f.urls(), CONNECTIONS, conditional=True
    ),
    "50 GETs, ten threads": lambda f, _: HttpClient(f, f.urls(), CONNECTIONS, conditional=False),
    "reader, 50 feeds": lambda f, _: ReaderClient(f, f.urls()),
    "newsboat, 50 feeds": lambda f, folder: NewsboatClient(f, f.urls(), folder),
}


@contextmanager
def limiting_server(store_url: str, redis: Redis, folder: Path) -> Iterator[ManyFeeds]:
    """Serve from two processes, as `paperwire up` does, at a public URL."""
    port = find_free_port("127.0.0.1", 0)
    Store(redis).ingest(map(make_matching, range(1, PAPERS)), now=NOW)
    fields = {"port": str(port), "data_dir": str(folder), "public_url": SITE, "web_processes": "2"}
    environment = {f"PAPERWIRE_{name.upper()}": value for name, value in fields.items()}
    process = subprocess.Popen(
        web_command(Settings(port=port, web_processes=2)),
        env={**os.environ, "REDIS_URL": store_url, **environment},
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_server(f"http://127.0.0.1:{port}/healthz")
        yield ManyFeeds(f"http://127.0.0.1:{port}", redis)
    finally:
        process.terminate()
        process.wait(20)


def poll_all(client: PollsAll) -> Outcome:
    began = time.monotonic()
    statuses, current = client.poll()
    return Outcome(statuses, current, time.monotonic() - began)


@pytest.mark.parametrize("kind", CLIENTS)
def test_client_with_many_custom_feeds_is_never_starved(
    store_url: str, redis: Redis, tmp_path: Path, kind: str
) -> None:
    if "newsboat" in kind and not shutil.which("newsboat"):
        pytest.skip("no newsboat: apt-get install newsboat")
    count = int(re.search(r"\d+", kind)[0])  # type: ignore[index]
    (tmp_path / "client").mkdir()
    with limiting_server(store_url, redis, tmp_path / "data") as feeds:
        client = CLIENTS[kind](feeds, tmp_path / "client")
        polls = []
        for _ in range(1 + INGESTS):
            feeds.ingest()
            polls.append(poll_all(client))
        left = requests.get(feeds.urls()[0], timeout=10).headers.get("RateLimit", "")
    figures = "; ".join(
        f"{poll.statuses[200]} x 200, {poll.current} current, {poll.seconds:.1f} s"
        for poll in polls
    )
    note_outcome(kind, served=figures, figures=left)
    assert [(dict(+poll.statuses), poll.current) for poll in polls] == [({200: count}, count)] * 4
