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
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from xml.parsers import expat

import feedparser
from feedparser.datetimes import _parse_date

from papers.errors import SourceGarbled, SourceIncomplete
from workers.fetch.refusals import body_excerpt
from workers.sources.document_limits import (
    MAX_FEEDPARSER_TAGS,
    refuse_bombs,
    refuse_floods,
    refuse_long_base,
    refuse_size,
    truncate_long_words,
)
from workers.sources.xml_tags import iter_entries

_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 forbids, lone surrogates among them."""

_DECLARATION: Final = re.compile(r"\s*+<\?xml\b[^>]*+>", re.IGNORECASE)
_ENCODING: Final = re.compile(rb"""<\?xml\b[^>]*?\bencoding\s*=\s*["']([\w.:-]+)["']""")
_PROLOG: Final = re.compile(r"(?:\s++|<\?.*?\?>|<!--.*?-->)*+", re.DOTALL)
_ROOT: Final = re.compile(r"<(?:\w+:)?(feed|rss|rdf)\b", re.IGNORECASE)
_DOCTYPE: Final = re.compile(r"<!(?:DOCTYPE(?!\s+html\b)|ENTITY)", re.IGNORECASE)
_HARMLESS_DOCTYPE: Final = re.compile(
    r"<!DOCTYPE\s++(?!html\b)[\w:.-]++"
    r"""(?:\s++(?:PUBLIC|SYSTEM)(?:\s++(?:"[^"<>]*+"|'[^'<>]*+')){1,2})?\s*+"""
    # as Movable Type had it: the names of HTML's characters, by reference
    r"""(?:\[(?:\s++|%\w++;|<!ENTITY\s++%\s++\w++\s++PUBLIC\s++"-//W3C//ENTITIES [^"<>]*+"\s++"""
    r""""[^"<>]*+"\s*+>)*+\]\s*+)?>"""
)
"""A DOCTYPE without declarations of its own, as in RSS 0.9 and 1.0: removed and never fetched."""
_ISO_DAY: Final = re.compile(r"\s*\d{4}-(\d\d)-(\d\d)")
_ENCODINGS: Final = re.compile(
    r"iso-?8859-\d+|windows-125\d|cp125\d|koi8-[ru]|gb2312|gbk|gb18030|big5|shift_jis|euc-(?:jp|kr)",
    re.IGNORECASE,
)


MAX_UNREADABLE: Final = 50
"""If more entries than this are unreadable, the whole feed counts as unreadable."""


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """A parsed feed.

    `is_complete` is False for a truncated document, of which only complete entries are included.
    `unreadable` has the reason and the text of each entry that was passed over.
    """

    head: Any
    entries: list[Any]
    is_complete: bool
    is_well_formed: bool
    unreadable: tuple[tuple[str, str], ...] = ()


def parse_feed(body: bytes, *, well_formed: bool = False) -> ParsedFeed:
    """Parse an Atom or RSS document; an entry that makes the parser fail is passed over.

    With `well_formed`, entries that are not well-formed XML are passed over too. Raises
    SourceGarbled if it is no feed or unsafe to parse, SourceIncomplete for a feed that was
    truncated before its first entry ended.
    """
    refuse_size(body)
    text, root = decode_document(body)
    refuse_floods(text, MAX_FEEDPARSER_TAGS)
    refuse_long_base(text)
    text, is_complete = _close_truncated(truncate_long_words(text), root)
    unreadable: list[tuple[str, str]] = []
    if well_formed and (fault := _fault(text)):
        text, unreadable = _well_formed_part(text, fault)
    parsed = _parse_readable(text, unreadable)
    return ParsedFeed(
        parsed[0].feed,
        [entry for part in parsed for entry in part.entries],
        is_complete,
        not any(part.bozo for part in parsed),
        tuple(unreadable),
    )


def _parse_readable(text: str, unreadable: list[tuple[str, str]]) -> list[Any]:
    """Parse a document, in parts if it must be; add the entries that fail to `unreadable`."""
    try:
        return [_run_feedparser(text)]
    except Exception as error:  # whatever it raises costs one entry at most
        head, entries, tail = _divided(text)
        if len(unreadable) >= MAX_UNREADABLE or not entries:
            raise SourceGarbled(f"the feed cannot be parsed: {_reason(error)}") from error
        if len(entries) == 1:
            unreadable.append((_reason(error), entries[0]))
            return [_run_feedparser_on_head(head + tail)]
    middle = len(entries) // 2
    halves = ("".join((head, *half, tail)) for half in (entries[:middle], entries[middle:]))
    return [part for half in halves for part in _parse_readable(half, unreadable)]


def _run_feedparser(text: str) -> Any:
    return feedparser.parse(
        io.BytesIO(text.encode()),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,  # its sanitizer takes the `<` of a formula for markup
        resolve_relative_uris=False,
    )


def _run_feedparser_on_head(text: str) -> Any:
    """Parse a document without its entries. Raises SourceGarbled if that fails as well."""
    try:
        return _run_feedparser(text)
    except Exception as error:
        raise SourceGarbled(f"the head of the feed cannot be parsed: {_reason(error)}") from error


def _well_formed_part(text: str, fault: str) -> tuple[str, list[tuple[str, str]]]:
    """Return a document without its ill-formed entries, and those. Raises SourceGarbled."""
    head, entries, tail = _divided(text)
    if not entries or _fault(head + tail):
        raise SourceGarbled(f"the feed is not well-formed XML: {fault}")
    faults = [(_fault(head + entry + tail), entry) for entry in entries]
    sound = [entry for fault, entry in faults if not fault]
    if not sound:
        raise SourceGarbled(f"the feed is not well-formed XML: {fault}")
    return "".join((head, *sound, tail)), [(fault, entry) for fault, entry in faults if fault]


def _fault(text: str) -> str:
    """Return why a document is not well-formed; "" if it is."""
    try:
        expat.ParserCreate(namespace_separator=" ").Parse(text.encode(), True)
    except expat.ExpatError as error:
        return f"not well-formed: {error}"
    return ""


def _divided(text: str) -> tuple[str, list[str], str]:
    """Return what precedes the entries of a document, the entries, and what follows them."""
    spans = list(iter_entries(text))
    if not spans:
        return text, [], ""
    entries = [text[span.start : span.end] for span in spans]
    return text[: spans[0].start], entries, text[spans[-1].end :]


def _reason(error: Exception) -> str:
    return clean_line(f"{type(error).__name__}: {error}")[:200]


def decode_document(body: bytes) -> tuple[str, str]:
    """Return a document's text without its prolog, safe for any parser, and its root's name.

    Raises SourceGarbled if it is no feed or unsafe to parse.
    """
    text = _FORBIDDEN.sub("", _decoded(body))
    text = text[_match_end(_DECLARATION, text) :]
    start = _match_end(_PROLOG, text)
    if doctype := _HARMLESS_DOCTYPE.match(text, start):
        text = text[doctype.end() :]
    root = _root_name(text)
    refuse_bombs(text)
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


def parse_time(written: str) -> datetime | None:
    """Return a date in any form that feeds have, aware UTC; None if it is not a possible date."""
    written = written.strip()[:100]
    try:
        parsed = _parse_date(written)
    except Exception:  # it has a dozen parsers for as many forms, and no list of what they raise
        parsed = None
    return parsed_time({"date": written, "date_parsed": parsed}, "date")


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


def _close_truncated(text: str, root: str) -> tuple[str, bool]:
    """Return the document, closed after its last entry, and whether it was complete."""
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
