"""One click from a feed to a reader: where common readers take the URL of a new subscription."""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import quote

from papers.config.settings import Settings


class FeedReader(NamedTuple):
    """A reader: what people call it, and what stands before the feed's URL, spelled for a URL."""

    name: str
    url_prefix: str
    is_url_quoted: bool = True


FEED_READERS: Final = (
    FeedReader("Feedly", "https://feedly.com/i/subscription/feed%2F"),
    FeedReader("Inoreader", "https://www.inoreader.com/?add_feed="),
    FeedReader("NewsBlur", "https://www.newsblur.com/?url="),
    FeedReader("The Old Reader", "https://theoldreader.com/feeds/subscribe?url="),
    FeedReader("Reader on this device", "feed:", is_url_quoted=False),
)
"""A reader more is a line more."""


def reader_links(feed_url: str) -> list[tuple[str, str]]:
    """Name and address of every reader's own page that subscribes to a feed."""
    return [
        (
            reader.name,
            reader.url_prefix + (quote(feed_url, safe="") if reader.is_url_quoted else feed_url),
        )
        for reader in FEED_READERS
    ]


def mailed_keywords(settings: Settings) -> list[tuple[str, str]]:
    """The keywords (slugs) whose digests are mailed, and how often; never to whom."""
    if not settings.smtp_url:
        return []
    rhythms = (("every day", settings.mail_daily), ("every week", settings.mail_weekly))
    return [(slug, often) for often, slugs in rhythms for slug in slugs]
