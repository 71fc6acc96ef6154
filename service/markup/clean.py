"""Sanitizes upstream text and links before they enter feeds and pages.

XML 1.0 cannot represent control characters, lone surrogates or U+FFFE/U+FFFF, not even escaped.
One of them in one title would make the whole feed unreadable, so they are dropped here; and so are
DEL and the C1 control characters, which XML discourages and validators of HTML reject.
See https://www.w3.org/TR/xml/#charsets
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from papers.config.sources import SOURCES
from papers.model.categories import category_title

_XML_FORBIDDEN: Final = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)
_TWICE_ENCODED: Final = re.compile(
    "[\xc2-\xdf][\x80-\x84\x86-\x9f]|[\xe1-\xef][\x80-\x9f][\x80-\xbf]"
)
"""UTF-8 read as Latin-1, as in `KroiÃ\\x9f`: no text has a letter and then a control character."""
_ALLOWED_ASCII: Final = bytes(range(0x20, 0x7F)) + b"\t\n"
"""ASCII without what XML forbids, and without `\\r`, which is normalized."""
_PARAGRAPH_BREAK: Final = re.compile(r"\n[ \t]*\n|\n[ \t]{2,}")
_INVALID_IN_URL: Final = re.compile(r"[\s\x00-\x20<>\"\\^`{|}\x7f]")


def clean_xml_text(text: str) -> str:
    """Drop what XML forbids, normalize line ends (also NEL) to newlines, and strip."""
    # Most texts need nothing. Scanning bytes is four times as fast as scanning text; and printable
    # text contains no whitespace but spaces.
    needs_cleaning = (
        text.encode().translate(None, _ALLOWED_ASCII) if text.isascii() else not text.isprintable()
    )
    if not needs_cleaning:
        return text.strip()
    allowed = _XML_FORBIDDEN.sub("", _decode_again(text)).replace("\r\n", "\n")
    return allowed.replace("\r", "\n").replace("\x85", "\n").strip()


def _decode_again(text: str) -> str:
    """Return a text with the letters that were encoded twice before arXiv had them."""
    return _TWICE_ENCODED.sub(_decode_letter, text)


def _decode_letter(match: re.Match[str]) -> str:
    return match[0].encode("latin-1").decode(errors="ignore") or match[0]


def single_line(text: str) -> str:
    """Clean a text and put it on one line, with single spaces between its words."""
    if text.isprintable() and "  " not in text:  # as most names and titles are
        return text.strip()
    return _collapse_spaces(clean_xml_text(text))


def _collapse_spaces(text: str) -> str:
    """Put a clean text on one line with single spaces; most texts are already so."""
    has_plain_spaces = text.isascii() or text.isprintable()
    if has_plain_spaces and "  " not in text and "\n" not in text and "\t" not in text:
        return text
    return " ".join(text.split())


def split_paragraphs(text: str) -> list[str]:
    """Split an abstract into paragraphs, each on one line.

    arXiv begins a paragraph with an empty line or by indenting its first line; other line ends are
    editors' line wraps.
    """
    clean = clean_xml_text(text)
    parts = _PARAGRAPH_BREAK.split(clean) if "\n" in clean else [clean]
    return [_collapse_spaces(part.strip()) for part in parts if part.strip()]


def valid_http_url(url: str) -> str:
    """Return the URL if it is absolute, http(s) and well-formed, else an empty text."""
    url = clean_xml_text(url)
    if not url or _INVALID_IN_URL.search(url):
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.hostname else ""


def source_name(source: str) -> str:
    """Return a source's title; a community has its own name."""
    spec = SOURCES.get(source)
    return spec.title if spec else single_line(source)


def category_name(category: str) -> str:
    """Return the English name of an arXiv category; an unknown one is its own name."""
    return single_line(category_title(category))
