"""RSS feeds around made-up items."""

from __future__ import annotations


def rss(*items: str) -> bytes:
    """Return a feed of items, each the inside of its element."""
    inside = "".join(f"<item>{item}</item>" for item in items)
    return f"<rss version='2.0'><channel><title>C</title>{inside}</channel></rss>".encode()
