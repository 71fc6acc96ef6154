"""Parser of foreign feeds: feedparser behind the checks that it lacks.

feedparser reads nearly everything as a feed, even an error page or an empty body; it takes time
quadratic in the attributes of one element; it guesses encodings from a document's own claims. So a
document is checked first, and feedparser gets clean UTF-8 that is known to be a feed and complete.
"""

from __future__ import annotations

import calendar
import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

import feedparser

from papers.errors import SourceGarbled, SourceIncomplete
from workers.fetch.refusals import body_excerpt

MAX_ATTRIBUTES: Final = 200
MAX_TAG_LENGTH: Final = 65_536
MAX_TAGS_PER_ENTRY: Final = 20_000
"""Start tags per entry: a paper of 3,000 authors needs 6,000."""
MAX_DEPTH: Final = 1_000
MAX_FEED_BYTES: Final = 12_000_000
"""The announcements of a busy day have a third of that."""

_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 forbids, lone surrogates among them."""

_DECLARATION: Final = re.compile(r"\s*+<\?xml\b[^>]*+>", re.IGNORECASE)
_ENCODING: Final = re.compile(rb"""<\?xml\b[^>]*?\bencoding\s*=\s*["']([\w.:-]+)["']""")
_PROLOG: Final = re.compile(r"(?:\s++|<\?.*?\?>|<!--.*?-->)*+", re.DOTALL)
_ROOT: Final = re.compile(r"<(?:\w+:)?(feed|rss|rdf)\b", re.IGNORECASE)
_DOCTYPE: Final = re.compile(r"<!(?:DOCTYPE(?!\s+html\b)|ENTITY)", re.IGNORECASE)
_TAG: Final = re.compile(
    r"""<(?P<slash>/?+)(?P<name>[\w:.-]++)"""
    r"""(?P<attributes>[^<>"']*+(?:(?:"[^"]*+"|'[^']*+')[^<>"']*+)*+)"""
)
_FLOOD_LIMITS: Final = (
    (re.compile(r"<(?:\w+:)?(?:item|entry)\b", re.IGNORECASE), 12_000, "entries"),
    (re.compile(r"&(?!#?\w{1,31};)"), 200_000, "ampersands that begin no entity"),
    (re.compile(r"xmlns:"), 20_000, "names of namespaces"),
    (re.compile(r"""xml:base\s*+=\s*+(?:"[^"]{2000}|'[^']{2000})"""), 0, "characters of a base"),
)
"""Patterns that make feedparser slow or large without deep or wide nesting, and their limits."""

_NAMESPACE: Final = re.compile(r"xmlns:([\w.-]+)")
MAX_NAMESPACES: Final = 200

_AUTHOR: Final = re.compile(
    r"<(?:\w++:)?+(?:author|creator|contributor|name|email|managingEditor|webMaster|publisher)\b"
    r"[^<>]*+>(?:<!\[CDATA\[)?+[^<]*+",
    re.IGNORECASE,
)
_LONG_NAME: Final = re.compile(r"(?<![A-Za-z0-9_.+-])([A-Za-z0-9_.+-]{200})[A-Za-z0-9_.+-]++")
_LONG_WORD: Final = re.compile(r"(?<![A-Za-z0-9_.+-])([A-Za-z0-9_.+-]{2000})[A-Za-z0-9_.+-]++")

_ISO_DAY: Final = re.compile(r"\s*\d{4}-(\d\d)-(\d\d)")
_UNPARSED_SECTIONS: Final = (("<!--", "-->"), ("<![CDATA[", "]]>"))
_QUOTED: Final = re.compile(r""""[^"]*+"|'[^']*+'""")
_ENCODINGS: Final = re.compile(
    r"iso-?8859-\d+|windows-125\d|cp125\d|koi8-[ru]|gb2312|gbk|gb18030|big5|shift_jis|euc-(?:jp|kr)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """A parsed feed.

    `is_complete` is False for a truncated document, of which only complete entries are included.
    """

    head: Any
    entries: list[Any]
    is_complete: bool
    is_well_formed: bool


def parse_feed(body: bytes) -> ParsedFeed:
    """Parse an Atom or RSS document.

    Raises SourceGarbled if it is no feed or unsafe to parse, SourceIncomplete for a feed that was
    truncated before its first entry ended.
    """
    if len(body) > MAX_FEED_BYTES:
        raise SourceGarbled(f"the feed has more than {MAX_FEED_BYTES:,} bytes")
    text, root = decode_document(body)
    _refuse_floods(text)
    text, is_complete = _close_truncated(_truncate_long_words(text), root)
    parsed = feedparser.parse(
        io.BytesIO(text.encode()),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,  # its sanitizer takes the `<` of a formula for markup
        resolve_relative_uris=False,
    )
    return ParsedFeed(parsed.feed, parsed.entries, is_complete, not parsed.bozo)


def decode_document(body: bytes) -> tuple[str, str]:
    """Return a document's text without its declaration, safe for any parser, and its root's name.

    Raises SourceGarbled if it is no feed or unsafe to parse.
    """
    text = _FORBIDDEN.sub("", _decoded(body))
    text = text[_match_end(_DECLARATION, text) :]
    root = _root_name(text)
    _refuse_bombs(text)
    return text, root


def clean_line(text: object) -> str:
    """Return a foreign text on one line, without characters XML forbids; "" if it is no text."""
    if not isinstance(text, str):
        return ""
    line = text.replace("\n", " ").strip()
    if line.isprintable():  # then nothing in it is forbidden, and all white space is plain
        return " ".join(line.split()) if "  " in line else line
    return " ".join(_FORBIDDEN.sub("", line).split())


def clean_url(text: object) -> str:
    """Return a foreign URL if it is http or https and of sane length; else ""."""
    address = clean_line(text)
    is_valid = address.lower().startswith(("http://", "https://")) and len(address) <= 2_000
    return address if is_valid and " " not in address else ""


def parsed_time(entry: Any, name: str) -> datetime | None:
    """Return a date of a parsed feed or entry, aware UTC; None if it is absent or impossible.

    feedparser reads `2025-13-45` as a day of February 2026: such a month or day is no date.
    """
    parsed, said = entry.get(f"{name}_parsed"), str(entry.get(name, ""))
    iso = _ISO_DAY.match(said)
    if parsed is None or (iso and not (1 <= int(iso[1]) <= 12 and 1 <= int(iso[2]) <= 31)):
        return None
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def entry_excerpt(entry: Any) -> str:
    """Return a rejected entry's identifying fields, for display."""
    fields = {
        name: clean_line(entry.get(name))[:200] for name in ("id", "title", "link", "published")
    }
    return str({name: text for name, text in fields.items() if text})


def _decoded(body: bytes) -> str:
    """Decode a document: its actual encoding takes precedence over the declared one."""
    for bom, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if body.startswith(bom):
            return body[len(bom) :].decode(encoding, "replace")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        declared = _ENCODING.search(body[:200])
        name = declared[1].decode("ascii", "replace") if declared else ""
        return body.decode(name if _ENCODINGS.fullmatch(name) else "utf-8", "replace")


def _root_name(text: str) -> str:
    """Return the root element's name in lower case. Raises SourceGarbled."""
    start = _match_end(_PROLOG, text)
    if _DOCTYPE.match(text, start):
        raise SourceGarbled("the feed has a DOCTYPE, which no feed needs and XML bombs use")
    root = _ROOT.match(text, start)
    if root is None:
        said = body_excerpt(text[:4_000].encode()) or "nothing"
        raise SourceGarbled(f"the response is not a feed; it says: {said}")
    return root[1].lower()


def _match_end(pattern: re.Pattern[str], text: str) -> int:
    """Return the end of a match at the beginning of a text; 0 if there is none."""
    match = pattern.match(text)
    return match.end() if match else 0


def _refuse_bombs(text: str) -> None:
    """Raise SourceGarbled for nesting that would take feedparser minutes: its time is quadratic."""
    depth = width = 0
    for tag in _tags(text):
        attributes = tag["attributes"]
        if tag["slash"]:
            depth -= 1
            continue
        depth += not attributes.endswith("/")
        width = 0 if tag["name"].lower() in ("item", "entry") else width + 1
        equals = attributes.count("=")
        if equals > MAX_ATTRIBUTES:
            equals = _QUOTED.sub("", attributes).count("=")
        for count, most, what in (
            (len(attributes), MAX_TAG_LENGTH, "characters in one tag"),
            (equals, MAX_ATTRIBUTES, "attributes in one tag"),
            (depth, MAX_DEPTH, "tags inside one another"),
            (width, MAX_TAGS_PER_ENTRY, "tags in one entry"),
        ):
            if count > most:
                raise SourceGarbled(f"the feed has more than {most:,} {what}")


def _refuse_floods(text: str) -> None:
    """Raise SourceGarbled for more of an element than any real feed has."""
    for pattern, most, what in _FLOOD_LIMITS:
        if next(islice(pattern.finditer(text), most, None), None):
            raise SourceGarbled(f"the feed has more than {most or 2_000:,} {what}")
    if len(set(_NAMESPACE.findall(text))) > MAX_NAMESPACES:
        raise SourceGarbled(f"the feed has more than {MAX_NAMESPACES:,} namespaces")


def _truncate_long_words(text: str) -> str:
    """Truncate endless words, those in authors' names earlier.

    feedparser looks for an e-mail address in every author, in time quadratic in a word's length. No
    link that is used has a word of 2,000 characters.
    """
    cut = _LONG_WORD.sub(r"\1", text)
    return _AUTHOR.sub(lambda author: _LONG_NAME.sub(r"\1", author[0]), cut)


def _tags(text: str) -> Iterator[re.Match[str]]:
    """Yield every tag outside comments and CDATA, in time linear in the text."""
    terminators = {
        opening: (terminator, text.rfind(terminator)) for opening, terminator in _UNPARSED_SECTIONS
    }
    position = 0
    while (start := text.find("<", position)) >= 0:
        position = start + 1
        opening = next((o for o in terminators if text.startswith(o, start)), "")
        if opening:
            terminator, last = terminators[opening]
            position = text.find(terminator, start) if start < last else position
        elif tag := _TAG.match(text, start):
            position = tag.end()
            yield tag


def _close_truncated(text: str, root: str) -> tuple[str, bool]:
    """Return the document, closed after its last entry if truncated, and if it was complete."""
    stripped = text.rstrip()
    ending = rf"</(?:\w+:)?{root}\s*+>(?:\s++|<!--.*?-->)*+$"
    if re.search(ending, stripped[-2_000:], re.IGNORECASE | re.DOTALL):
        return stripped, True
    if re.search(rf"<(?:\w+:)?{root}\b[^<>]*/>$", stripped, re.I):
        return stripped, True
    end = max(
        stripped.rfind(close) + len(close) if close in stripped else -1 for close in _ENTRY_ENDS
    )
    if end < 0:
        raise SourceIncomplete("the feed was cut before its first entry ended")
    terminator = {"feed": "</feed>", "rss": "</channel></rss>", "rdf": "</rdf:RDF>"}[root]
    return stripped[:end] + terminator, False


_ENTRY_ENDS: Final = ("</entry>", "</item>")
