"""Pollers of three kinds, by how they recognize a changed entry.

`reader` compares all that it shows; FreshRSS a digest of link, title, authors, content and tags;
newsboat, a program, stores a row for each entry. `poll` reads the feed once and returns how many
entries the client would show as new and as changed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import feedparser
import pytest
import requests

from tests.subscriber import PollResult, Subscriber


class Poller(Protocol):
    """A client that polls one feed."""

    def poll(self) -> PollResult:
        """Read the feed once."""
        ...

    def close(self) -> None:
        """End the subscription."""
        ...


class FreshRss:
    """A poller that works as FreshRSS does: it knows entries by id, and changes by a digest.

    https://github.com/FreshRSS/FreshRSS/blob/edge/app/Models/Entry.php
    """

    def __init__(self, url: str, _: Path) -> None:
        self._url = url
        self._known: dict[str, str] = {}

    def poll(self) -> PollResult:
        """Read the feed once."""
        found = self._entries()
        new = [id for id in found if id not in self._known]
        changed = [id for id, digest in found.items() if self._known.get(id, digest) != digest]
        self._known |= found
        return PollResult(len(new), len(changed))

    def close(self) -> None:
        """Do nothing: no connection stays open."""

    def _entries(self) -> dict[str, str]:
        body = requests.get(self._url, timeout=10).content
        if self._url.endswith(".json"):
            return {
                item["id"]: _digest(_hashed_json_fields(item)) for item in json.loads(body)["items"]
            }
        return {
            entry.id: _digest(_hashed_xml_fields(entry)) for entry in feedparser.parse(body).entries
        }


def _hashed_xml_fields(entry: Any) -> tuple[Any, ...]:
    content = entry.content[0].value if "content" in entry else entry.get("summary", "")
    tags = [tag.term for tag in entry.get("tags", [])]
    names = [author.name for author in entry.get("authors", [])]
    return entry.link, entry.title, names, content, tags


def _hashed_json_fields(item: dict[str, Any]) -> tuple[Any, ...]:
    names = [author["name"] for author in item.get("authors", [])]
    return item["url"], item["title"], names, item.get("content_html"), item.get("tags")


def _digest(hashed: tuple[Any, ...]) -> str:
    return hashlib.md5(repr(hashed).encode(), usedforsecurity=False).hexdigest()


class Newsboat:
    """newsboat itself, with a cache of its own; it reads no JSON Feed. Skips if not installed."""

    def __init__(self, url: str, folder: Path) -> None:
        if not shutil.which("newsboat"):
            pytest.skip("no newsboat: apt-get install newsboat")
        self._folder = folder
        (folder / "urls").write_text(f"{url}\n", "utf-8")
        (folder / "config").write_text(f'reset-unread-on-update "{url}"\n', "utf-8")
        self._known: dict[str, tuple[Any, ...]] = {}

    def poll(self) -> PollResult:
        """Have newsboat load the feed, and mark everything as read afterwards."""
        files = ("-u", "urls", "-C", "config", "-c", "cache.db", "-x", "reload")
        process = subprocess.run(
            ["newsboat", *files],
            cwd=self._folder,
            env={"HOME": str(self._folder), "LC_ALL": "C.UTF-8", "TERM": "dumb"},
            capture_output=True,
            check=True,
            timeout=30,
        )
        assert b"rror" not in process.stdout + process.stderr, process
        found = self._rows()
        new = [id for id in found if id not in self._known]
        changed = [id for id, row in found.items() if self._known.get(id, row) != row]
        self._known |= {id: (*row[:-1], 0) for id, row in found.items()}
        return PollResult(len(new), len(changed))

    def close(self) -> None:
        """Do nothing: no connection stays open."""

    def _rows(self) -> dict[str, tuple[Any, ...]]:
        cache = sqlite3.connect(self._folder / "cache.db")
        fields = "guid, title, author, url, pubDate, content, unread"
        rows = cache.execute(f"SELECT {fields} FROM rss_item").fetchall()
        cache.execute("UPDATE rss_item SET unread = 0")
        cache.commit()
        cache.close()
        return {row[0]: row[1:] for row in rows}


def _reader_poller(url: str, _: Path) -> Subscriber:
    return Subscriber(url)


POLLERS: Final[Mapping[str, Callable[[str, Path], Poller]]] = {
    "reader": _reader_poller,
    "FreshRSS": FreshRss,
    "newsboat": Newsboat,
}
"""Name → factory, which takes the URL of a feed and a folder of its own."""
