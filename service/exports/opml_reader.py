"""Imports keywords from OPML: finds Paperwire's feeds in a subscription list, and their queries.

A feed is Paperwire's by its path, on any host. `/feeds/search.atom?q=…` contains its query,
`/feeds/NAME.atom` only a name. Then the query is in the description, which readers preserve; if it
is lost, the words of the name are taken as a phrase.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final
from urllib.parse import parse_qs, urlsplit

from lxml import etree

from papers.config.feed_formats import FEED_FORMATS
from papers.config.sources import SLUG_PATTERN
from papers.errors import BadInput, BadParameter
from papers.query.parser import Query, parse_query
from papers.state.keywords import MAX_NAME_LENGTH, slug_of
from service.exports.opml import DESCRIPTION_PREFIX
from service.markup.clean import single_line

_FEED_PATH: Final = re.compile(
    rf"(?:^|/)feeds/({SLUG_PATTERN.pattern})\.(?:{'|'.join(FEED_FORMATS)})$"
)
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


def read_outlines(document: IO[bytes]) -> Iterator[OpmlOutline]:
    """Yield every feed of a list in order, Paperwire's or not, as the document is read.

    Raises BadParameter for a document that is no OPML.
    """
    parsed = etree.iterparse(
        document,
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    root = None
    try:
        for event, node in parsed:
            if root is None:
                root = node
                _require_opml(root)
            if event == "start" and node.tag == "outline" and node.get("xmlUrl"):
                yield _read_outline(node)
            elif event == "end":
                _forget(node)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise BadParameter("file", f"is no XML: {error}") from error


def keyword_from_outline(outline: OpmlOutline) -> ImportedKeyword | None:
    """Return the keyword of an outline; None if the feed is not Paperwire's.

    Raises BadParameter or BadQuery for a Paperwire feed that is not of one keyword.
    """
    try:
        parts = urlsplit(outline.url.removeprefix("feed:"))
    except ValueError:
        return None
    found = _FEED_PATH.search(parts.path)
    if not found:
        return None
    if (slug := found[1]) == "search":
        query, is_guessed = _query_from_url(parts.query), False
    else:
        query, is_guessed = _query_from_description(outline, slug)
    return ImportedKeyword(_choose_name(outline, slug, query), query, is_guessed)


def _require_opml(root: etree._Element) -> None:
    """Raise BadParameter unless it is OPML's root, without a DOCTYPE."""
    if root.getroottree().docinfo.doctype:
        raise BadParameter("file", "has a DOCTYPE, which OPML does not need; remove it")
    if root.tag != "opml":
        raise BadParameter("file", f"is no OPML: its root is {str(root.tag)[:40]!r}")


def _forget(node: etree._Element) -> None:
    """Free what has been read: an element's content, and the siblings before it."""
    parent = node.getparent()
    node.clear()
    while parent is not None and parent[0] is not node:
        del parent[0]


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
