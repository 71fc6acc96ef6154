"""URLs and texts as they may be shown: without user, password and values of query strings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

REDACTED: Final = "***"
MIN_SECRET_LENGTH: Final = 4
"""Shorter values cannot be distinguished from other words of a text."""

_USER_INFO: Final = re.compile(r"(?<=://)[^/?#\s]+@")
_QUERY: Final = re.compile(r"(?<=[?&])([^=&#\s'\"<>]*)=[^&#\s'\"<>]+")


def hide_credentials(text: str) -> str:
    """Return a URL, or a text with URLs in it, with stars for users, passwords and query values."""
    if "://" not in text and "?" not in text:
        return text
    return _QUERY.sub(rf"\1={REDACTED}", _USER_INFO.sub(f"{REDACTED}@", text))


def linkable_url(url: str) -> str:
    """Return a URL without user, password and query: what a page may link to."""
    return _USER_INFO.sub("", url).partition("?")[0].partition("#")[0]


def with_password(url: str, password: str) -> str:
    """Return a URL with this password, if it has none itself."""
    parts = urlsplit(url)
    if not password or parts.password is not None:
        return url
    user, _, host = parts.netloc.rpartition("@")
    netloc = f"{user}:{quote(password, safe='')}@{host}"
    return urlunsplit(parts._replace(netloc=netloc))


def url_secrets(urls: Iterable[str]) -> frozenset[str]:
    """Return the users, passwords and query values of URLs, encoded as there and decoded."""
    found: set[str] = set()
    for url in urls:
        try:
            parts = urlsplit(url)
        except ValueError:
            continue
        user_info = parts.netloc.rpartition("@")[0]
        found.update((user_info, *user_info.split(":", 1)))
        found.update(pair.partition("=")[2] for pair in parts.query.split("&"))
        found.update(value for _, value in parse_qsl(parts.query))
    found |= {unquote(value) for value in found}
    return frozenset(value for value in found if len(value) >= MIN_SECRET_LENGTH)


def hide_secrets(text: str, secrets: Iterable[str]) -> str:
    """Return a text, such as a message of an upstream, in which these secrets are stars."""
    text = hide_credentials(text)
    for secret in sorted(secrets, key=len, reverse=True):
        if secret in text:
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", REDACTED, text)
    return text
