"""Votes and comments that the entries of community feeds state, in the forms of their makers.

    hnrss                 <p>Points: 212</p> <p># Comments: 87</p> in the description
    Reddit, by scripts    <score>, <ups>, and the same in words: "212 points", "score: 212"
    Lobsters              "12 points", "3 comments" in the description, as shown on its pages
    slash:comments        RSS 1.0 module Slash
    thr:total             RFC 4685; thr:count of a `replies` link

Not stated is None, unlike zero. A number that cannot be a count (negative, decimal, absurd) counts
as not stated.

https://hnrss.github.io/  https://www.rfc-editor.org/rfc/rfc4685  https://web.resource.org/rss/1.0/modules/slash/
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from workers.sources.feed_entries import FeedEntry

MAX_COUNT: Final = 10_000_000
MAX_TEXT: Final = 20_000
"""Characters searched for counts, half of them at each end of a text, where feeds state them."""

_NUMBER: Final = r"([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,9})(?![0-9.,]*[0-9])"
_VOTES: Final = re.compile(
    rf"(?:\A|[\n>|·•(])\s*(?:points|score|votes|upvotes)\s*:\s*{_NUMBER}"
    rf"|(?:\A|[\n>|·•(])\s*{_NUMBER}\s+(?:points?|upvotes?|votes?)(?=\s*(?:[\n<|·•,)]|by\b|\Z))",
    re.IGNORECASE,
)
_COMMENTS: Final = re.compile(
    rf"(?:\A|[\n>|·•(])\s*#?\s*comments\s*:\s*{_NUMBER}"
    rf"|(?:\A|[\n>|·•,(])\s*{_NUMBER}\s+comments?(?=\s*(?:[\n<|·•,)]|\Z))",
    re.IGNORECASE,
)
_VOTE_ELEMENTS: Final = ("score", "ups", "points", "upvotes", "votes")
_COMMENT_ELEMENTS: Final = ("slash:comments", "thr:total", "num_comments", "comment_count")
_TAG: Final = re.compile(r"<[^<>]{0,500}>")


class EntryCounts(NamedTuple):
    """How many votes and comments an entry states; None if it states none."""

    votes: int | None = None
    comments: int | None = None


def entry_counts(entry: FeedEntry) -> EntryCounts:
    """Return the counts that an entry states."""
    text = _plain_text(entry)
    votes = _first_count(entry.text(name) for name in _VOTE_ELEMENTS)
    comments = _first_count([*map(entry.text, _COMMENT_ELEMENTS), *_reply_counts(entry)])
    return EntryCounts(
        votes if votes is not None else _find(_VOTES, text),
        comments if comments is not None else _find(_COMMENTS, text),
    )


def without_counts(text: str) -> str:
    """Return a text without the counts that are read from it."""
    return _COMMENTS.sub("", _VOTES.sub("", text))


def _reply_counts(entry: FeedEntry) -> Iterator[str]:
    """Yield `thr:count` of the links to discussions."""
    for element in entry.elements:
        if element.local_name == "link" and element.attributes.get("rel") == "replies":
            yield element.attributes.get("thr:count") or element.attributes.get("count", "")


def _plain_text(entry: FeedEntry) -> str:
    """Return the ends of an entry's text without markup, each element on a line of its own."""
    text = entry.content
    ends = text if len(text) <= MAX_TEXT else text[: MAX_TEXT // 2] + text[-MAX_TEXT // 2 :]
    lines = html.unescape(_TAG.sub("\n", ends)).split("\n")
    return "\n".join(filter(None, [" ".join(line.split()) for line in lines]))


def _find(pattern: re.Pattern[str], text: str) -> int | None:
    """Return the last count that a pattern finds: feeds state theirs after what they quote."""
    found = [next(filter(None, match.groups())) for match in pattern.finditer(text)]
    return _first_count(reversed(found))


def _first_count(values: Iterable[str]) -> int | None:
    """Return the first value that is a count."""
    for value in values:
        text = value.strip().replace(",", "")
        if text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= MAX_COUNT:
            return int(text)
    return None
