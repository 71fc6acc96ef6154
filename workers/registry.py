"""What a task's name begins with, up to the colon, and what fetches it."""

from __future__ import annotations

from typing import Final

from workers.sources import community, hf_daily
from workers.sources.arxiv import announcements
from workers.sources.result import FetchFunction

SOURCE_FETCHERS: Final[dict[str, FetchFunction]] = {
    "announcements": announcements.fetch,
    "hf": hf_daily.fetch,
    "community": community.fetch,
}
