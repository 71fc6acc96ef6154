"""What a community says of a paper, as plain text: a title, and an excerpt for an abstract.

    title or text of an entry ─▶ no markup ─▶ no counts, no addresses, no id in front ─▶ bounded

It is shown, marked as the community's words, until arXiv has described the paper. Counts are left
out because they change while the paper does not; addresses because only authors say where their
code is.
"""

from __future__ import annotations

import html
import re
from itertools import islice
from typing import Final, NamedTuple

from papers.model.resources import texts_have_code
from workers.sources.community_counts import without_counts
from workers.sources.feed_entries import FeedEntry
from workers.sources.foreign_xml import clean_line

MAX_TITLE: Final = 300
MAX_EXCERPT: Final = 1_500
"""The most characters of an excerpt."""
_MAX_SOURCE: Final = 8_000
"""The most characters of a text that are read."""
_MAX_TEXTS: Final = 4
"""The most elements of an entry that are read."""

_TEXT_ELEMENTS: Final = (
    *("description", "summary", "content", "content:encoded", "content_text", "content_html"),
)
_HIDDEN: Final = re.compile(
    r"<(script|style|head|template)\b[^<>]*+>.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL
)
_COMMENT: Final = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_BLOCK: Final = re.compile(r"</?(?:p|div|li|br|h[1-6]|tr|td|blockquote)\b[^<>]*+>", re.IGNORECASE)
_TAG: Final = re.compile(r"</?[a-z!][^<>]*+>", re.IGNORECASE)
_BLANKS: Final = re.compile(r"[^\S\n]*+\n\s*+|[^\S\n]{2,}+")
_DIRECTION: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Characters that reverse the text around them."""
_ADDRESS: Final = re.compile(
    r"\b(?:https?://|www\.)[^\s<>]*+|(?<![\w.-])[\w-]{1,63}(?:\.[\w-]{1,63}+){1,6}/[^\s<>]*+",
    re.IGNORECASE,
)
_BOILERPLATE: Final = re.compile(
    r"^(?:article url|comments url|submitted by\b|\[link\]|\[comments\]|comments\s*$).*$",
    re.IGNORECASE | re.MULTILINE,
)
_ID: Final = r"(?:arxiv\s*:?\s*)?(?:\d{4}\.\d{4,5}|[a-z-]{2,12}(?:\.[a-z]{2})?/\d{7})(?:v\d{1,3})?"
_ID_IN_FRONT: Final = re.compile(
    rf"\A\s*(?:[\[(]\s*{_ID}\s*[\])]|{_ID})(?:\s*\[[\w.-]{{2,20}}\])?\s*[-:|–—]?\s*",
    re.IGNORECASE,
)
_ID_BEHIND: Final = re.compile(rf"\s*(?:[\[(]\s*{_ID}\s*[\])]|[-:|–—]\s*{_ID})\s*\Z", re.IGNORECASE)
_WORD: Final = re.compile(r"[^\W\d_]{2}|[^\W\d_a-z]", re.IGNORECASE)


class CommunityWords(NamedTuple):
    """A title and an excerpt, each on one line; empty if there is none."""

    title: str = ""
    excerpt: str = ""


def community_words(entry: FeedEntry) -> CommunityWords:
    """Return what an entry says of the one paper that it names; nothing without a title."""
    title = cleaned_title(entry.text("title"))
    if not title:
        return CommunityWords()
    texts = (e.text for e in entry.elements if e.name in _TEXT_ELEMENTS)
    excerpt = max(map(cleaned_excerpt, islice(texts, _MAX_TEXTS)), key=len, default="")
    return CommunityWords(title, "" if excerpt == title else excerpt)


def cleaned_title(text: str) -> str:
    """Return a title without markup and the paper's id; empty if no word is left."""
    line = _plain(text)
    line = _ID_BEHIND.sub("", _ID_IN_FRONT.sub("", line, count=1), count=1)
    return _shorten(line, MAX_TITLE) if _WORD.search(line) else ""


def cleaned_excerpt(text: str) -> str:
    """Return the beginning of a text without markup; empty if it says where code is."""
    line = _plain(text)
    if not _WORD.search(line) or texts_have_code(line, ""):
        return ""
    return _shorten(line, MAX_EXCERPT)


def _plain(text: str) -> str:
    """Return a text or HTML on one line, without markup, counts and addresses."""
    shown = _COMMENT.sub(" ", _HIDDEN.sub(" ", text[:_MAX_SOURCE]))
    shown = _TAG.sub("", html.unescape(_TAG.sub("", _BLOCK.sub("\n", shown))))
    shown = _BLANKS.sub(lambda blank: "\n" if "\n" in blank[0] else " ", shown)
    shown = _DIRECTION.sub("", _ADDRESS.sub("", _BOILERPLATE.sub("", without_counts(shown))))
    return clean_line(shown)


def _shorten(line: str, limit: int) -> str:
    """Return a line of at most `limit` characters, cut between words and marked if it is cut."""
    if len(line) <= limit:
        return line
    head = line[: limit - 1]
    return f"{head.rpartition(' ')[0] or head}…"
