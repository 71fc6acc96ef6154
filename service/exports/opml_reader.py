"""Imports keywords from OPML: finds Paperwire's feeds in a subscription list, and their queries.

A feed is Paperwire's by its path, on any host. `/feeds/search.atom?q=…` contains its query,
`/feeds/NAME.atom` only a name. Then the query is in the description, which readers preserve; if it
is lost, the words of the name are taken as a phrase.

Lists come from many readers, not all of which write well-formed XML. So outlines are read one at a
time: an unreadable one is reported and affects no other.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import IO, Final
from urllib.parse import parse_qs, unquote, urlsplit

from papers.config.feed_formats import FEED_FORMATS
from papers.errors import BadInput, BadParameter
from papers.model.arxiv_sites import unescape
from papers.query.parser import Query, parse_query
from papers.state.slugs import MAX_NAME_LENGTH, slug_of, slugify
from service.exports.opml import DESCRIPTION_PREFIX
from service.markup.clean import single_line

MAX_OPML_BYTES: Final = 64_000_000
"""Some 200,000 feeds; a list is read as a whole, because it may be ill-formed anywhere."""
MAX_OPML_DEPTH: Final = 250
"""Folders inside one another."""

_FEED_PATH: Final = re.compile(rf"(?:^|/)feeds/([^/]+)\.(?:{'|'.join(FEED_FORMATS)})$")
_UNREAD_SECTIONS: Final = (("<!--", "-->"), ("<![CDATA[", "]]>"))
_PROLOG: Final = re.compile(r"(?:\s++|<\?[^>]*+>)*+")
_ROOT: Final = re.compile(r"<([\w:.-]+)(?=[\s/>])")
_OUTLINE: Final = re.compile(r"<(/?)outline(?=[\s/>]|$)", re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(
    r"""\s*+([\w:.-]++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'<>=]++))"""
)
_TAG_END: Final = re.compile(r"\s*+/?>")
_REFERENCE: Final = re.compile(r"&#?\w{1,31};")
_DECLARED: Final = re.compile(rb"""<\?xml\b[^>]{0,100}?\bencoding\s*=\s*["']([\w.:-]{1,40})["']""")
_FEED_TYPES: Final = ("rss", "atom", "feed")
_TITLE_SUFFIX: Final = re.compile(r"(?:, picked)?(?: · Paperwire)?$")
_DESCRIPTION: Final = re.compile(
    re.escape(DESCRIPTION_PREFIX) + r"(?P<query>.*?)(?:, newest (?:announcement|pick) first\b.*)?"
)


@dataclass(frozen=True, slots=True)
class OpmlOutline:
    """A feed in a list; `line` is its line in the file, `fault` why it cannot be read, if so."""

    line: int
    name: str
    url: str
    description: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class ImportedKeyword:
    """The keyword of an outline; `is_guessed` if its query is made from its name."""

    name: str
    query: Query
    is_guessed: bool


def read_outlines(document: IO[bytes]) -> Iterator[OpmlOutline]:
    """Yield every feed of a list in order, Paperwire's or not, as the document is read.

    Raises BadParameter for a document that is not OPML.
    """
    body = document.read(MAX_OPML_BYTES + 1)
    if len(body) > MAX_OPML_BYTES:
        raise BadParameter("file", f"has more than {MAX_OPML_BYTES:,} bytes; split it")
    text, has_feeds = _without_comments(_decode(body)), False
    _check_root(text)
    for outline in _outlines(text):
        if outline.url or outline.fault:
            has_feeds = has_feeds or not outline.fault
            yield outline
    if not re.search(r"</opml\s*>", text, re.IGNORECASE):
        if not has_feeds:
            raise BadParameter("file", "is cut before its first feed ends")
        fault = "the file is cut here: feeds may be missing"
        yield OpmlOutline(1 + text.count("\n"), "end of the file", "", "", fault)


def keyword_from_outline(outline: OpmlOutline) -> ImportedKeyword | None:
    """Return the keyword of an outline; None if the feed is not Paperwire's.

    Raises BadParameter or BadQuery for a Paperwire feed of no keyword or of several, or for an
    outline that cannot be read.
    """
    if outline.fault:
        raise BadParameter("outline", outline.fault)
    try:
        parts = urlsplit(outline.url.removeprefix("feed:"))
    except ValueError:
        return None
    found = _FEED_PATH.search(unquote(parts.path))
    if not found or slugify(found[1]) != found[1]:
        return None
    if (slug := found[1]) == "search":
        query, is_guessed = _query_from_url(parts.query), False
    else:
        query, is_guessed = _query_from_description(outline, slug)
    return ImportedKeyword(_choose_name(outline, slug, query), query, is_guessed)


def _decode(document: bytes) -> str:
    """Decode a list: its actual encoding takes precedence over the declared one."""
    for bom, encoding in ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if document.startswith(bom):
            return document.decode(encoding, "replace")
    try:
        return document.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError:
        declared = _DECLARED.search(document[:200])
        name = declared[1].decode("ascii", "replace") if declared else "cp1252"
    try:
        return document.decode(name, "replace")
    except (LookupError, ValueError):  # no such encoding, or one that is none of text
        return document.decode("cp1252", "replace")


def _without_comments(text: str) -> str:
    """Return a list without comments and CDATA, its lines numbered as before."""
    for opening, ending in _UNREAD_SECTIONS:
        parts, position = [], 0
        while (start := text.find(opening, position)) >= 0:
            end = text.find(ending, start)
            if end < 0:
                break
            parts += [text[position:start], "\n" * text.count("\n", start, end)]
            position = end + len(ending)
        text = "".join((*parts, text[position:]))
    return text


def _check_root(text: str) -> None:
    """Raise BadParameter for another kind of document, or one that declares anything."""
    start = _PROLOG.match(text)
    text = text[start.end() if start else 0 :][:200]
    if text[:9].upper() == "<!DOCTYPE":
        raise BadParameter("file", "has a DOCTYPE, which OPML does not need; remove it")
    root = _ROOT.match(text)
    if root is None:
        raise BadParameter("file", f"is no OPML: it begins with {single_line(text[:40])!r}")
    if root[1].lower() != "opml":
        raise BadParameter("file", f"is no OPML: its root is {root[1][:40]!r}")


def _outlines(text: str) -> Iterator[OpmlOutline]:
    """Yield every outline, each read independently of the others."""
    depth = line = counted = 0
    for tag, following in pairwise(chain(_OUTLINE.finditer(text), [None])):
        assert tag, "only the last one is none"
        next_start = following.start() if following else len(text)
        line, counted = line + text.count("\n", counted, tag.start()), tag.start()
        if tag[1]:
            depth -= 1
            continue
        source = text[tag.end() : next_start]
        attributes, end = _read_attributes(source)
        depth += not (end or "").endswith("/>")
        if depth > MAX_OPML_DEPTH:
            raise BadParameter("file", f"has more than {MAX_OPML_DEPTH} folders inside one another")
        yield _read_outline(line + 1, attributes, "" if end else source.partition(">")[0])


def _read_attributes(source: str) -> tuple[dict[str, str], str | None]:
    """Return the attributes at the beginning of a text, and the tag's end if it follows them.

    Names are in lower case; if a name occurs twice, the first value counts.
    """
    attributes: dict[str, str] = {}
    position = 0
    while found := _ATTRIBUTE.match(source, position):
        written = found[2] or found[3] or found[4] or ""
        value = _REFERENCE.sub(lambda reference: unescape(reference[0]), written)
        attributes.setdefault(found[1].lower(), single_line(value))
        position = found.end()
    end = _TAG_END.match(source, position)
    return attributes, end[0] if end else None


def _read_outline(line: int, attributes: Mapping[str, str], garbled: str) -> OpmlOutline:
    """Return an outline; `garbled` is the text of one whose tag is broken."""
    name = attributes.get("title") or attributes.get("text", "")
    if garbled:
        is_feed = "xmlurl" in garbled.lower()
        fault = f"is no XML from here on: {single_line(garbled)[:100]!r}" if is_feed else ""
        return OpmlOutline(line, name or "an outline", "", "", fault)
    url = attributes.get("xmlurl", "")
    if not url and attributes.get("type", "").lower() in _FEED_TYPES:
        url = attributes.get("url", "")
    return OpmlOutline(line, name, url, attributes.get("description", ""))


def _query_from_url(query_string: str) -> Query:
    """Return the query of a search feed's URL."""
    queries = parse_qs(query_string, max_num_fields=100).get("q", [])
    if len(queries) != 1:
        raise BadParameter("xmlUrl", "is a feed of several keywords, or of none; import those")
    return parse_query(queries[0])


def _query_from_description(outline: OpmlOutline, slug: str) -> tuple[Query, bool]:
    """Return a saved feed's query, and whether it is a guess."""
    found = _DESCRIPTION.fullmatch(outline.description)
    if found and not found["query"].startswith("any of "):
        return parse_query(found["query"]), False
    return parse_query('"{}"'.format(slug.replace("-", " "))), True


def _choose_name(outline: OpmlOutline, slug: str, query: Query) -> str:
    """Return the first valid name: the feed's title in the list, its slug, or its query."""
    titled = _TITLE_SUFFIX.sub("", outline.name)
    for name in (titled, "" if slug == "search" else slug, query.display_text[:MAX_NAME_LENGTH]):
        try:
            slug_of(name)
        except BadInput:
            continue
        return name.strip()
    raise BadParameter("title", f"{titled!r} gives no name with a letter or digit; rename it")
