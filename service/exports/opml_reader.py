"""A list of subscriptions read back: which of its feeds are Paperwire's, and of which keywords.

A feed is ours by its path, whatever the host: `/feeds/search.atom?q=…` tells its query itself,
`/feeds/NAME.atom` only a name; then the description tells the query (ours does, and readers keep
it), and where it is lost, the name's own words are taken as a phrase.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlsplit

from lxml import etree

from papers.config.sources import SLUG_PATTERN
from papers.errors import BadInput, BadParameter
from papers.query.parser import Query, parse_query
from papers.state.keywords import MAX_NAME_LENGTH, slug_of
from service.exports.opml import DESCRIPTION_PREFIX
from service.markup.clean import single_line

MAX_OPML_BYTES: Final = 1_000_000
MAX_OPML_FEEDS: Final = 500

_FEED_PATH: Final = re.compile(rf"(?:^|/)feeds/({SLUG_PATTERN.pattern})\.(?:atom|rss|json)$")
_TITLE_SUFFIX: Final = re.compile(r"(?:, picked)?(?: · Paperwire)?$")
_DESCRIPTION: Final = re.compile(
    re.escape(DESCRIPTION_PREFIX) + r"(?P<query>.*?)(?:, newest (?:announcement|pick) first\b.*)?"
)


@dataclass(frozen=True, slots=True)
class OpmlOutline:
    """A feed in a list: the line of the file it stands in, its name, URL and description."""

    line: int
    name: str
    url: str
    description: str


@dataclass(frozen=True, slots=True)
class ImportedKeyword:
    """A keyword that an outline asks for; `guessed` if only its name was left to tell the query."""

    name: str
    query: Query
    is_guessed: bool


def read_outlines(document: bytes) -> list[OpmlOutline]:
    """Every feed in a list, in order, ours or not.

    Raises BadParameter for what is no OPML, and for what is too large.
    """
    if len(document) > MAX_OPML_BYTES:
        raise BadParameter("file", f"has more than {MAX_OPML_BYTES:,} bytes; part it")
    root = _parse_xml(document)
    if root.tag != "opml":
        raise BadParameter("file", f"is no OPML: its root is {str(root.tag)[:40]!r}")
    found = [node for node in root.iter("outline") if node.get("xmlUrl")]
    if len(found) > MAX_OPML_FEEDS:
        raise BadParameter("file", f"has {len(found)} feeds; {MAX_OPML_FEEDS} at most, part it")
    return [_read_outline(node) for node in found]


def keyword_from_outline(outline: OpmlOutline) -> ImportedKeyword | None:
    """The keyword that an outline asks for; None where the feed is not one of ours.

    Raises BadParameter and BadQuery for a feed of ours that cannot become a keyword.
    """
    try:
        parts = urlsplit(outline.url.removeprefix("feed:"))
    except ValueError:
        return None
    found = _FEED_PATH.search(parts.path)
    if not found:
        return None
    if found[1] == "search":
        query, guessed = _query_from_url(parts.query), False
    else:
        query, guessed = _query_from_description(outline, found[1])
    return ImportedKeyword(_choose_name(outline, found[1], query), query, guessed)


def _parse_xml(document: bytes) -> etree._Element:
    """The root element. Nothing a document declares is expanded, fetched or believed."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        root = etree.fromstring(document, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise BadParameter("file", f"is no XML: {error}") from error
    if root.getroottree().docinfo.doctype:
        raise BadParameter("file", "has a DOCTYPE, which OPML does not need; remove it")
    return root


def _read_outline(node: etree._Element) -> OpmlOutline:
    name = single_line(node.get("title", "")) or single_line(node.get("text", ""))
    about = single_line(node.get("description", ""))
    return OpmlOutline(node.sourceline or 0, name, single_line(node.get("xmlUrl", "")), about)


def _query_from_url(arguments: str) -> Query:
    """The query in a search feed's URL."""
    asked = parse_qs(arguments, max_num_fields=100).get("q", [])
    if len(asked) != 1:
        raise BadParameter("xmlUrl", "is a feed of several keywords, or of none; import those")
    return parse_query(asked[0])


def _query_from_description(outline: OpmlOutline, slug: str) -> tuple[Query, bool]:
    """A saved feed's query, and whether it is a guess."""
    told = _DESCRIPTION.fullmatch(outline.description)
    if told and not told["query"].startswith("any of "):
        return parse_query(told["query"]), False
    return parse_query('"{}"'.format(slug.replace("-", " "))), True


def _choose_name(outline: OpmlOutline, slug: str, query: Query) -> str:
    """What the reader calls the feed, else its slug or its query: the first that can be a name."""
    titled = _TITLE_SUFFIX.sub("", outline.name)
    for name in (titled, "" if slug == "search" else slug, query.canonical[:MAX_NAME_LENGTH]):
        try:
            slug_of(name)
        except BadInput:
            continue
        return name.strip()
    raise BadParameter("title", f"{titled!r} gives no name with a letter or digit; rename it")
