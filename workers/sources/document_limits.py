"""Limits of foreign documents, checked before any parser sees them.

Parsers of feeds take time quadratic in attributes, depth and the length of words, and memory for
every tag. No real feed comes near these limits.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

from papers.errors import SourceGarbled
from workers.sources.xml_tags import iter_tags

MAX_ATTRIBUTES: Final = 200
MAX_TAG_LENGTH: Final = 65_536
MAX_TAGS_PER_ENTRY: Final = 10_000
"""Start tags per entry: a paper of 3,000 authors with affiliations needs 9,000."""
MAX_TAGS: Final = 600_000
"""Tags of a feed, and `<` that begin none: those of 12,000 entries with 25 elements each."""
MAX_FEEDPARSER_TAGS: Final = 150_000
"""Tags of a feed that feedparser reads: 2,000 announcements have 60,000."""
MAX_DEPTH: Final = 1_000
"""Tags inside one another within an entry, where unescaped HTML leaves many unclosed."""
MAX_UNCLOSED: Final = 20_000
MAX_FEED_BYTES: Final = 12_000_000
"""The most bytes of a feed: the announcements of a busy day have a third of that."""

_FLOOD_LIMITS: Final = (
    (re.compile(r"<(?:\w+:)?(?:item|entry)\b", re.IGNORECASE), 12_000, "entries"),
    (re.compile(r"&(?!#?\w{1,31};)"), 200_000, "ampersands that begin no entity"),
    (re.compile(r"xmlns:"), 20_000, "names of namespaces"),
)
"""Patterns that make feedparser slow or large without deep or wide nesting, and their limits."""

MAX_BASE_LENGTH: Final = 2_000
_LONG_BASE: Final = re.compile(r"""xml:base\s*+=\s*+(?:"[^"]{2000}|'[^']{2000})""")
_NAMESPACE: Final = re.compile(r"xmlns:([\w.-]+)")
MAX_NAMESPACES: Final = 200

_AUTHOR: Final = re.compile(
    r"<(?:\w++:)?+(?:author|creator|contributor|name|email|managingEditor|webMaster|publisher)\b"
    r"[^<>]*+>(?:<!\[CDATA\[)?+[^<]*+",
    re.IGNORECASE,
)
_LONG_NAME: Final = re.compile(r"(?<![A-Za-z0-9_.+-])([A-Za-z0-9_.+-]{200})[A-Za-z0-9_.+-]++")
_LONG_WORD: Final = re.compile(r"(?<![A-Za-z0-9_.+-])([A-Za-z0-9_.+-]{2000})[A-Za-z0-9_.+-]++")

_QUOTED: Final = re.compile(r""""[^"]*+"|'[^']*+'""")


def refuse_size(body: bytes) -> None:
    """Raise SourceGarbled for a feed of too many bytes."""
    if len(body) > MAX_FEED_BYTES:
        raise SourceGarbled(f"the feed has more than {MAX_FEED_BYTES:,} bytes")


def refuse_bombs(text: str) -> None:
    """Raise SourceGarbled for nesting that would take feedparser minutes: its time is quadratic."""
    _refuse_tags(text, MAX_TAGS)
    depth = width = unclosed = 0
    for tag in iter_tags(text):
        attributes = tag["attributes"]
        if tag["slash"]:
            depth, unclosed = depth - 1, unclosed - 1
            continue
        is_entry = tag["name"].lower() in ("item", "entry")
        opened = not attributes.endswith("/")
        depth, unclosed = (0 if is_entry else depth) + opened, unclosed + opened
        width = 0 if is_entry else width + 1
        equals = attributes.count("=")
        if equals > MAX_ATTRIBUTES:
            equals = _QUOTED.sub("", attributes).count("=")
        for count, most, what in (
            (len(attributes), MAX_TAG_LENGTH, "characters in one tag"),
            (equals, MAX_ATTRIBUTES, "attributes in one tag"),
            (depth, MAX_DEPTH, "tags inside one another"),
            (unclosed, MAX_UNCLOSED, "tags that are not closed"),
            (width, MAX_TAGS_PER_ENTRY, "tags in one entry"),
        ):
            if count > most:
                raise SourceGarbled(f"the feed has more than {most:,} {what}")


def refuse_floods(text: str, max_tags: int = MAX_TAGS) -> None:
    """Raise SourceGarbled for more of an element than any real feed has."""
    _refuse_tags(text, max_tags)
    for pattern, most, what in _FLOOD_LIMITS:
        if next(islice(pattern.finditer(text), most, None), None):
            raise SourceGarbled(f"the feed has more than {most:,} {what}")
    if len(set(_NAMESPACE.findall(text))) > MAX_NAMESPACES:
        raise SourceGarbled(f"the feed has more than {MAX_NAMESPACES:,} namespaces")


def refuse_long_base(text: str) -> None:
    """Raise SourceGarbled for a base URL that would make every link long."""
    if _LONG_BASE.search(text):
        raise SourceGarbled(f"the feed has more than {MAX_BASE_LENGTH:,} characters of a base")


def truncate_long_words(text: str) -> str:
    """Truncate endless words, those in authors' names earlier.

    feedparser looks for an e-mail address in every author, in time quadratic in a word's length. No
    link that is used has a word of 2,000 characters.
    """
    cut = _LONG_WORD.sub(r"\1", text)
    return _AUTHOR.sub(lambda author: _LONG_NAME.sub(r"\1", author[0]), cut)


def _refuse_tags(text: str, most: int) -> None:
    if text.count("<") > most:
        raise SourceGarbled(f"the feed has more than {most:,} tags")
