"""The task `thumbnails`: brings the images of recent picks into the thumbnail folder, every hour.

    the newest picks of the communities in use ─▶ their thumbnails' addresses
      ─▶ those not there are fetched, a number a run, under narrow limits of size and time
      ─▶ what is no image, or too large, is remembered for a day
      ─▶ what no recent pick has, and what exceeds the folder's size, is removed

Nobody but this task has an image fetched: what visitors send leads to no request. Addresses in
private networks are refused as for every upstream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from redis import Redis

from papers.config.settings import Seconds, Settings
from papers.counted import format_counted
from papers.errors import BadParameter, SourceError
from papers.query.parser import parse_query
from papers.query.request import ALL_ANNOUNCE_TYPES, SearchRequest
from papers.store import Store
from papers.thumbnails.thumbnail_folder import (
    MAX_IMAGE_BYTES,
    ThumbnailFolder,
    image_fault,
    thumbnail_name,
)
from workers.fetch.arxiv_hosts import ArxivHosts
from workers.fetch.fetcher import Fetcher
from workers.sources.result import FetchResult, UpstreamClients

THUMBNAILS_TASK: Final = "thumbnails"
RECENT: Final = timedelta(days=45)
"""Age of the picks whose thumbnails are kept: those of a month's page, and some days more."""

MAX_PICKS: Final = 1_000
MAX_FETCHES: Final = 60
"""Images that one run requests; the next run goes on."""

MAX_FOLDER_BYTES: Final = 64_000_000
RETRY_AFTER: Final = timedelta(days=1)
_TIMEOUT: Final[Seconds] = 5.0
_DEADLINE: Final[Seconds] = 15.0
_ACCEPT: Final = "image/webp, image/png, image/jpeg, image/gif"


class ThumbnailTask:
    """Fetches the thumbnails of one store's picks."""

    def __init__(
        self,
        store: Store,
        redis: Redis,
        build_fetcher: Callable[[Settings, Redis], Fetcher] | None = None,
    ) -> None:
        self._store, self._redis = store, redis
        self._build_fetcher = build_fetcher or image_fetcher

    def fetch(
        self, subject: str, upstreams: UpstreamClients, now: datetime
    ) -> Iterator[FetchResult]:
        """Fetch; yield one result that says how many. Raises BadParameter, SourceError."""
        settings = upstreams.settings
        if subject or not settings.thumbnails:
            reason = f"there is only {THUMBNAILS_TASK}" if subject else "thumbnails is not set"
            raise BadParameter("task", f"{THUMBNAILS_TASK}: {reason}")
        folder = ThumbnailFolder(Path(settings.data_dir))
        try:
            fetched, faults = self._update(folder, settings, now)
        except OSError as error:
            raise SourceError(f"the thumbnail folder: {error.strerror or error}") from error
        said = f"{format_counted(fetched, 'image')} fetched"
        said += f"; {len(faults)} not: {faults[0]}" if faults else ""
        yield FetchResult(record_count=fetched, message=said)

    def _update(
        self, folder: ThumbnailFolder, settings: Settings, now: datetime
    ) -> tuple[int, list[str]]:
        """Return how many images were fetched, and why others were not."""
        fetcher = self._build_fetcher(settings, self._redis)
        stored, kept, faults = folder.files(), set[str](), list[str]()
        used = requests = fetched = 0
        for url in self._addresses(settings, now):
            name = thumbnail_name(url)
            known = stored.get(name)
            if known and (known.size or now - known.at < RETRY_AFTER):
                size = known.size
            elif requests < MAX_FETCHES and used + MAX_IMAGE_BYTES <= MAX_FOLDER_BYTES:
                requests += 1
                image, fault = fetch_image(fetcher, url, now)
                folder.save(name, image)
                size, fetched = len(image), fetched + bool(image)
                faults += [fault] if fault else []
            else:
                continue
            if used + size > MAX_FOLDER_BYTES:
                break  # older ones go
            used += size
            kept.add(name)
        folder.keep_only(kept)
        return fetched, faults

    def _addresses(self, settings: Settings, now: datetime) -> Sequence[str]:
        """Return the addresses of recent picks' thumbnails, newest pick first.

        None is of arXiv, where requests are for papers.
        """
        hosts = ArxivHosts(settings)
        communities = {*settings.communities, *(["hf"] if settings.huggingface else [])}
        request = SearchRequest(
            query=parse_query("is:picked"),
            order="picked",
            types=ALL_ANNOUNCE_TYPES,
            since=(now - RECENT).date(),
            limit=MAX_PICKS,
        )
        return list(
            dict.fromkeys(
                pick.thumbnail
                for paper in self._store.search(request).papers
                for pick in paper.picks
                if pick.community in communities
                and pick.thumbnail
                and not hosts.has(pick.thumbnail)
            )
        )


def image_fetcher(settings: Settings, redis: Redis) -> Fetcher:
    """Return a fetcher with limits fit for small images.

    The networks that feeds may be in are not allowed: addresses of images are written by others.
    """
    limits = replace(
        settings,
        allowed_networks=(),
        fetch_bytes=min(settings.fetch_bytes, MAX_IMAGE_BYTES),
        fetch_timeout=min(settings.fetch_timeout, _TIMEOUT),
        fetch_deadline=min(settings.fetch_deadline, _DEADLINE),
    )
    return Fetcher(limits, redis)


def fetch_image(fetcher: Fetcher, url: str, now: datetime) -> tuple[bytes, str]:
    """Return an image and "", or nothing and why it is not kept."""
    try:
        image = fetcher.get(url, now=now, accept=_ACCEPT).body
    except SourceError as error:
        return b"", str(error)
    fault = image_fault(image)
    return (b"", fault) if fault else (image, "")


def thumbnail_tasks(settings: Settings) -> list[str]:
    """Return the task, if thumbnails are shown."""
    return [THUMBNAILS_TASK] if settings.thumbnails else []
