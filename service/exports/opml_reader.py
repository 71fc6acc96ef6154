"""Imports keywords from OPML: finds Paperwire's feeds in a subscription list, and their queries.

A feed is Paperwire's by its path, on any host. `/feeds/search.atom?q=…` contains its query,
`/feeds/NAME.atom` only a name. Then the query is in the description, which readers preserve; if it
is lost, the words of the name are taken as a phrase.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from lxml import etree

from papers.config.feed_formats import FEED_FORMATS
from papers.errors import BadInput, BadParameter
from papers.query.parser import Query, parse_query
from papers.state.slugs import MAX_NAME_LENGTH, slug_of, slugify
from service.exports.opml import DESCRIPTION_PREFIX
from service.markup.clean import single_line

MAX_OPML_BYTES: Final = 1_000_000
MAX_OPML_FEEDS: Final = 500

_FEED_PATH: Final = re.compile(rf"(?:^|/)feeds/([^/]+)\.(?:{'|'.join(FEED_FORMATS)})$")
_TITLE_SUFFIX: Final = re.compile(r"(?:, picked)?(?: · Paperwire)?$")
_DESCRIPTION: Final = re.compile(
    re.escape(DESCRIPTION_PREFIX) + r"(?P<query>.*?)(?:, newest (?:announcement|pick) first\b.*)?"
)


@dataclass(frozen=True, slots=True)
class OpmlOutline:
    """A feed in a list; `line` is its line in the file."""

    line: int
    name: str
    url: str
    description: str


@dataclass(frozen=True, slots=True)
class ImportedKeyword:
    """The keyword of an outline; `is_guessed` if its query is made from its name."""

    name: str
    query: Query
    is_guessed: bool


def read_outlines(document: bytes) -> list[OpmlOutline]:
    """Return every feed of a list in order, Paperwire's or not.

    Raises BadParameter for a document that is no OPML or too large.
    """
    if len(document) > MAX_OPML_BYTES:
        raise BadParameter("file", f"has more than {MAX_OPML_BYTES:,} bytes; split it")
    root = _parse_xml(document)
    if root.tag != "opml":
        raise BadParameter("file", f"is no OPML: its root is {str(root.tag)[:40]!r}")
    found = [node for node in root.iter("outline") if node.get("xmlUrl")]
    if len(found) > MAX_OPML_FEEDS:
        raise BadParameter("file", f"has {len(found)} feeds; {MAX_OPML_FEEDS} at most, split it")
    return [_read_outline(node) for node in found]


def keyword_from_outline(outline: OpmlOutline) -> ImportedKeyword | None:
    """Return the keyword of an outline; None if the feed is not Paperwire's.

    Raises BadParameter or BadQuery for a Paperwire feed that is not of one keyword.
    """
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


def _parse_xml(document: bytes) -> etree._Element:
    """Parse the root element; entities are neither expanded nor fetched, DOCTYPEs are refused."""
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
    description = single_line(node.get("description", ""))
    return OpmlOutline(node.sourceline or 0, name, single_line(node.get("xmlUrl", "")), description)


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
