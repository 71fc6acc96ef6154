"""Text and links as they may enter a feed: the boundary where foreign text becomes an entry.

XML 1.0 cannot hold control characters, lone surrogates or U+FFFE/U+FFFF in any spelling, and one
of them in one title would take the whole feed away from every reader: they are dropped here.
See https://www.w3.org/TR/xml/#charsets
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from papers.model.categories import category_title

_XML_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ALLOWED_ASCII: Final = bytes(range(0x20, 0x80)) + b"\t\n"
"""Of ASCII all but what is forbidden, and `\\r`."""
_PARAGRAPH_BREAK: Final = re.compile(r"\n[ \t]*\n|\n[ \t]{2,}")
_INVALID_IN_URL: Final = re.compile(r"[\s\x00-\x20<>\"\\^`{|}\x7f]")

SOURCE_TITLES: Final = {
    "arxiv": "arXiv",
    "hf": "Hugging Face Daily Papers",
}
"""Source names to what people call them; any other source is called by its own name."""


def clean_xml_text(text: str) -> str:
    """The text without what XML forbids, line ends as newlines, nothing around it."""
    # Most need nothing. Bytes are looked through four times as fast as text; and of all that is no
    # letter or sign a text that prints as it is may hold spaces.
    odd = (
        text.encode().translate(None, _ALLOWED_ASCII) if text.isascii() else not text.isprintable()
    )
    if not odd:
        return text.strip()
    return _XML_FORBIDDEN.sub("", text).replace("\r\n", "\n").replace("\r", "\n").strip()


def single_line(text: str) -> str:
    """The text cleaned, on one line, single spaces between its words."""
    if text.isprintable() and "  " not in text:  # as most names and titles are
        return text.strip()
    return _collapse_spaces(clean_xml_text(text))


def _collapse_spaces(text: str) -> str:
    """A clean text on one line with single spaces; most is so already."""
    single = text.isascii() or text.isprintable()
    if single and "  " not in text and "\n" not in text and "\t" not in text:
        return text
    return " ".join(text.split())


def split_paragraphs(text: str) -> list[str]:
    """The paragraphs of an abstract, each on one line.

    arXiv sets a paragraph off by an empty line or by indenting its first line; any other line
    end is only where somebody's editor wrapped.
    """
    parts = [part.strip() for part in _PARAGRAPH_BREAK.split(clean_xml_text(text))]
    return [_collapse_spaces(part) for part in parts if part]


def valid_http_url(url: str) -> str:
    """The URL if it is an absolute http(s) one that needs no repair, else nothing."""
    url = clean_xml_text(url)
    if not url or _INVALID_IN_URL.search(url):
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.hostname else ""


def source_name(source: str) -> str:
    """What people call a source: `hf` is Hugging Face Daily Papers, `cs.AI` its English name."""
    return SOURCE_TITLES.get(source) or single_line(source)


@lru_cache(maxsize=1024)
def category_name(category: str) -> str:
    """The English name of an arXiv category; an unknown one is its own name."""
    return single_line(category_title(category))
