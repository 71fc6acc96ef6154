"""Subscribe links of common feed readers, and the keywords whose digests are mailed."""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import quote

from papers.config.settings import Settings


class FeedReader(NamedTuple):
    """A feed reader: its name, and the prefix of the feed's URL in its subscribe link."""

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
"""Every feed reader that pages link to; a new one is a row."""


def reader_links(feed_url: str) -> list[tuple[str, str]]:
    """Return (name, URL) of each reader's page that subscribes to a feed."""
    return [
        (
            reader.name,
            reader.url_prefix + (quote(feed_url, safe="") if reader.is_url_quoted else feed_url),
        )
        for reader in FEED_READERS
    ]


def mailed_keywords(settings: Settings) -> list[tuple[str, str]]:
    """Return (slug, frequency) of each keyword whose digest is mailed; the recipient is private."""
    if not settings.smtp_url:
        return []
    frequencies = (("every day", settings.mail_daily), ("every week", settings.mail_weekly))
    return [(slug, frequency) for frequency, slugs in frequencies for slug in slugs]
