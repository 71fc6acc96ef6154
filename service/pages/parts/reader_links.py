"""Subscribe links of common feed readers, and the keywords whose digests are mailed."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

from papers.config.settings import Settings


class FeedReader(NamedTuple):
    """A feed reader: its name, and the prefix of the feed's URL in its subscribe link."""

    name: str
    url_prefix: str
    is_url_quoted: bool = True

    @property
    def is_on_the_web(self) -> bool:
        """Whether it fetches feeds from its own servers."""
        return self.url_prefix.startswith("https:")


FEED_READERS: Final = (
    FeedReader("The reader on this device", "feed:", is_url_quoted=False),
    FeedReader("Feedly", "https://feedly.com/i/subscription/feed%2F"),
    FeedReader("Inoreader", "https://www.inoreader.com/?add_feed="),
    FeedReader("NewsBlur", "https://www.newsblur.com/?url="),
    FeedReader("The Old Reader", "https://theoldreader.com/feeds/subscribe?url="),
)
"""Every feed reader that pages link to; a new one is a row."""
_LOCAL_DOMAINS: Final = ("localhost", "local", "internal", "lan", "home.arpa", "test", "onion")
"""Last labels of host names that no other network resolves."""


def reader_links(feed_url: str) -> list[tuple[str, str]]:
    """Return (name, URL) of each reader's page that subscribes to a feed.

    Readers on the web are left out for an address that they cannot reach.
    """
    is_reachable = is_public_url(feed_url)
    return [
        (
            reader.name,
            reader.url_prefix + (quote(feed_url, safe="") if reader.is_url_quoted else feed_url),
        )
        for reader in FEED_READERS
        if is_reachable or not reader.is_on_the_web
    ]


def is_public_url(url: str) -> bool:
    """Return False for a URL of this machine or of a private network, as far as its host tells."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        return ip_address(host).is_global
    except ValueError:
        return "." in host and not any(host.endswith("." + name) for name in _LOCAL_DOMAINS)


def mailed_keywords(settings: Settings) -> list[tuple[str, str]]:
    """Return (slug, frequency) of each keyword whose digest is mailed; the recipient is private."""
    if not settings.smtp_url:
        return []
    frequencies = (("every day", settings.mail_daily), ("every week", settings.mail_weekly))
    return [(slug, frequency) for frequency, slugs in frequencies for slug in slugs]
