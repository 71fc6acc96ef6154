"""Checks one response of arXiv's API: that it is complete, and which entries are readable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from papers.errors import BadId, SourceGarbled, SourceIncomplete, SourceRefused
from papers.model.arxiv_id import parse_versioned
from workers.fetch.refusals import body_excerpt
from workers.sources.foreign_xml import clean_line, decode_document
from workers.sources.result import RejectedRecord

_ATOM: Final = "{http://www.w3.org/2005/Atom}"
_MALFORMED_ID: Final = "incorrect id format"
_OPENSEARCH: Final = "{http://a9.com/-/spec/opensearch/1.1/}"


@dataclass(frozen=True, slots=True)
class ApiPage:
    """A page of results with only its readable entries left in `body`.

    `total` is the number that the API declares for the whole search.
    """

    body: bytes
    total: int
    readable_count: int
    rejected: tuple[RejectedRecord, ...] = ()


def check_api_page(body: bytes, offset: int, size: int, now: datetime) -> ApiPage:
    """Check a page that should begin at `offset` and have `size` entries, if there are as many.

    Raises SourceGarbled if it is not such a document, SourceRefused for an error entry,
    SourceIncomplete for a page with fewer entries than declared or from another offset.
    """
    root = _parse_root(body)
    total, start = _declared_number(root, "totalResults"), _declared_number(root, "startIndex")
    entries = root.findall(f"{_ATOM}entry")
    for entry in entries:
        if "/api/errors" in _child_text(entry, "id"):
            text = _child_text(entry, "summary")
            status = 400 if _MALFORMED_ID in text else None  # else the query is not at fault
            raise SourceRefused(f"arXiv's API says: {text}", status=status)
    expected = max(min(size, total - offset), 0)
    if start != offset:
        raise SourceIncomplete(f"arXiv's API gave results from {start} on, not from {offset}")
    if len(entries) < expected:
        raise SourceIncomplete(
            f"arXiv's API declares {total} results but gave {len(entries)} of {expected}"
        )
    rejected = tuple(_remove_unreadable(root, entries, now))
    return ApiPage(ElementTree.tostring(root), total, len(entries) - len(rejected), rejected)


def _parse_root(body: bytes) -> Element:
    text, name = decode_document(body)
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        is_complete = text.rstrip().endswith(f"</{name}>")
        kind = SourceGarbled if is_complete else SourceIncomplete
        raise kind(f"arXiv's API: {'broken' if is_complete else 'cut'} XML ({error})") from error
    if root.tag != f"{_ATOM}feed":
        raise SourceGarbled(f"arXiv's API: not an Atom feed but: {body_excerpt(body)}")
    return root


def _remove_unreadable(
    root: Element, entries: Iterable[Element], now: datetime
) -> Iterator[RejectedRecord]:
    """Remove the unreadable entries, and yield the reasons."""
    for entry in entries:
        try:
            _check_entry(entry, now)
        except (BadId, SourceGarbled) as error:
            root.remove(entry)
            text = f"{_child_text(entry, 'id')} {_child_text(entry, 'title')}"
            yield RejectedRecord(str(error), text[:500])


def _check_entry(entry: Element, now: datetime) -> None:
    """Raise BadId or SourceGarbled for an unreadable entry."""
    parse_versioned(_child_text(entry, "id"))
    if not _child_text(entry, "title"):
        raise SourceGarbled("the entry has no title")
    for name in ("published", "updated"):
        text = _child_text(entry, name)
        try:
            moment = datetime.fromisoformat(text)
            is_plausible = moment.astimezone(UTC) < now + timedelta(days=1)
        except (ValueError, OverflowError):
            is_plausible = False
        if not is_plausible:
            raise SourceGarbled(f"the entry has an implausible {name} time: {text!r}")


def _declared_number(root: Element, name: str) -> int:
    """Return a number that the response declares. Raises SourceGarbled if it is missing."""
    text = root.findtext(f"{_OPENSEARCH}{name}", "").strip()
    if not text.isascii() or not text.isdigit():
        raise SourceGarbled(f"arXiv's API declares no {name}, but {text[:50]!r}")
    return int(text)


def _child_text(entry: Element, name: str) -> str:
    return clean_line(entry.findtext(f"{_ATOM}{name}", ""))
