"""Renders OPML 2.0: the saved keywords as a subscription list that feed readers import.

http://opml.org/spec2.opml. An outline's description contains the query, as the feed's own subtitle
does, so that `service.exports.opml_reader` can restore the keywords from the list alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from papers.state.keyword_record import Keyword
from service.markup.clean import single_line

CONTENT_TYPE: Final = "text/x-opml; charset=utf-8"
DESCRIPTION_PREFIX: Final = "arXiv papers that match "
"""The beginning of a feed's description, before the query."""


@dataclass(frozen=True, slots=True)
class OpmlFolder:
    """A folder of feeds: each keyword with the URLs of its feed and its page."""

    name: str
    feeds: Iterable[tuple[Keyword, str, str]]


def render_folders(title: str, folders: Sequence[OpmlFolder]) -> bytes:
    """Render the list as a document; equal folders give equal bytes."""
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = title
    body = etree.SubElement(root, "body")
    for folder in folders:
        node = etree.SubElement(body, "outline", text=folder.name, title=folder.name)
        for keyword, feed_url, page_url in folder.feeds:
            _add_outline(node, keyword, feed_url, page_url)
    etree.indent(root)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="utf-8"))


def stream_folders(title: str, folders: Iterable[OpmlFolder]) -> Iterator[bytes]:
    """Yield the same document in parts, a folder's feeds one by one, for lists of any length."""
    empty = render_folders(title, [OpmlFolder("", ())])
    head, _, tail = empty.partition(b'    <outline text="" title=""/>\n')
    yield head
    for folder in folders:
        yield _start_tag(etree.Element("outline", text=folder.name, title=folder.name))
        parent = etree.Element("outline")
        for keyword, feed_url, page_url in folder.feeds:
            _add_outline(parent, keyword, feed_url, page_url)
            yield b"      %s\n" % etree.tostring(parent[0], encoding="utf-8")
            parent.remove(parent[0])
        yield b"    </outline>\n"
    yield tail


def _start_tag(element: Any) -> bytes:
    return b"    %s>\n" % etree.tostring(element, encoding="utf-8").removesuffix(b"/>")


def _add_outline(folder: Any, keyword: Keyword, feed_url: str, page_url: str) -> None:
    """Add one feed. Its type is `rss` for any format, as the specification requires."""
    name = single_line(keyword.name)
    etree.SubElement(
        folder,
        "outline",
        type="rss",
        text=name,
        title=name,
        description=f"{DESCRIPTION_PREFIX}{single_line(keyword.query)}",
        xmlUrl=feed_url,
        htmlUrl=page_url,
    )
