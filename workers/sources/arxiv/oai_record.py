"""Parser of one OAI-PMH record, in either of arXiv's formats, to a sighting."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, Final

from lxml import etree

from papers.errors import SourceGarbled
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Channel, Sighting
from workers.sources.arxiv.author_string import split_submitted_authors
from workers.sources.arxiv.withdrawn import is_withdrawn
from workers.sources.foreign_xml import clean_line, clean_url

OAI_NAMESPACE: Final = "{http://www.openarchives.org/OAI/2.0/}"
RECORD_TAG: Final = f"{OAI_NAMESPACE}record"
SAFE_PARSER_OPTIONS: Final = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,
}
"""Options for foreign XML: no entities, no network, libxml2's limits on size and depth."""
FORBIDDEN_CONTROLS: Final = bytes({*range(32)} - {9, 10, 13})
"""Bytes that XML forbids but records contain."""


@dataclass(frozen=True, slots=True)
class _Version:
    number: int
    created: datetime
    withdrawn: bool


def sighting_from_oai(record: Any) -> Sighting | None:
    """Parse a `record` element; None if it is marked as deleted.

    Raises BadId and SourceGarbled if it is unreadable.
    """
    header = record.find(f"{OAI_NAMESPACE}header")
    if header is not None and header.get("status") == "deleted":
        return None
    metadata = record.find(f"{OAI_NAMESPACE}metadata")
    entry = metadata[0] if metadata is not None and len(metadata) else None
    parse = _FORMATS.get(etree.QName(entry).localname) if entry is not None else None
    if parse is None:
        raise SourceGarbled("the record is in neither of arXiv's formats")
    datestamp = header.findtext(f"{OAI_NAMESPACE}datestamp", "") if header is not None else ""
    return parse(entry, parse_day(datestamp, "datestamp"))


def oai_excerpt(record: Any) -> str:
    """Return the text of a rejected record, for display."""
    return clean_line(" ".join(record.itertext()))[:300]


def _from_raw_format(entry: Any, datestamp: datetime) -> Sighting:
    """Parse a record in the format `arXivRaw`."""
    fields = _child_texts(entry)
    versions = sorted(
        (_parse_version(element) for element in entry.iterfind("{*}version")),
        key=lambda v: v.number,
    )
    if not versions:
        raise SourceGarbled("the record names no version")
    first, last = versions[0], versions[-1]
    return build_sighting(
        fields,
        as_of=datestamp,
        version=last.number,
        authors=split_submitted_authors(fields.get("authors", "")),
        submitted_at=first.created if first.number == 1 else None,
        revised_at=last.created,
        withdrawn=last.withdrawn,
        earlier_versions=tuple((version.number, version.created) for version in versions[:-1]),
    )


def _from_arxiv_format(entry: Any, datestamp: datetime) -> Sighting:
    """Parse a record in the format `arXiv`, as in dumps: no versions, days instead of times.

    A day stands for its end, so that an exact time, which is earlier, wins.
    """
    fields = _child_texts(entry)
    created, updated = fields.get("created", ""), fields.get("updated", "")
    people = entry.iterfind("{*}authors/{*}author")
    return build_sighting(
        fields,
        as_of=datestamp,
        authors=tuple(name for person in people if (name := _full_name(_child_texts(person)))),
        submitted_at=_end_of_day(created) if created else None,
        revised_at=_end_of_day(updated or created) if updated or created else None,
    )


_FORMATS: Final = {"arXivRaw": _from_raw_format, "arXiv": _from_arxiv_format}


def build_sighting(
    fields: dict[str, str], *, withdrawn: bool = False, **other_fields: Any
) -> Sighting:
    """Build a sighting from clean texts by arXiv's names of the fields, and other fields.

    Raises BadId and SourceGarbled if it is unreadable.
    """
    comment, abstract = fields.get("comments", ""), fields.get("abstract", "")
    if not fields.get("title"):
        raise SourceGarbled("the record has no title")
    return Sighting(
        id=ArxivId.parse(fields.get("id", "")),
        source="arxiv",
        channel=Channel.OAI,
        title=fields["title"],
        abstract=abstract,
        categories=_split_categories(fields.get("categories", "")),
        comment=comment,
        journal_ref=fields.get("journal-ref", ""),
        doi=fields.get("doi", ""),
        license=_clean_license(fields.get("license", "")),
        withdrawn=withdrawn or is_withdrawn(comment, abstract),
        **other_fields,
    )


# Values repeat: the four caches here save about a tenth of the time to parse a record.

_clean_license: Final = lru_cache(maxsize=256)(clean_url)


@lru_cache(maxsize=4_096)
def _split_categories(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text.split()))


def _child_texts(entry: Any) -> dict[str, str]:
    """Return the texts of an element's children by tag name."""
    children = entry.iterchildren(tag=etree.Element)
    return {child.tag.rpartition("}")[2]: clean_line(child.text) for child in children}


def _full_name(person: dict[str, str]) -> str:
    """Join a name's parts: `Heath,` `Robert W.` `Jr.` is Robert W. Heath Jr."""
    parts = (person.get(part, "").strip(" ,") for part in ("forenames", "keyname", "suffix"))
    return " ".join(part for part in parts if part)


def _parse_version(element: Any) -> _Version:
    fields = _child_texts(element)
    is_empty = fields.get("size", "").lower() in ("0kb", "0")
    return _Version(
        version_number(element.get("version", "")),
        parse_version_time(fields.get("date", "")),
        is_empty or "I" in fields.get("source_type", ""),
    )


@lru_cache(maxsize=256)
def version_number(text: str) -> int:
    """Parse a version's number (`v2`). Raises SourceGarbled."""
    number = text.removeprefix("v")
    if not (number.isdecimal() and len(number) <= 4 and int(number) >= 1):
        raise SourceGarbled(f"the record has a version {number[:100]!r}")
    return int(number)


_MONTHS: Final = {
    **{"Jan": "01", "Feb": "02", "Mar": "03", "Apr": "04", "May": "05", "Jun": "06"},
    **{"Jul": "07", "Aug": "08", "Sep": "09", "Oct": "10", "Nov": "11", "Dec": "12"},
}
_VERSION_TIME: Final = re.compile(
    rf"[A-Z][a-z]{{2}}, (\d\d?) ({'|'.join(_MONTHS)}) ([12]\d{{3}})"
    r" ((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d) GMT",
    re.ASCII,
)
"""arXiv's own format; any other is left to the standard library, which is six times as slow. So is
24:00:00, on which versions of Python differ.
"""


def parse_version_time(text: str) -> datetime:
    """Parse a time such as `Wed, 23 Jan 2008 21:06:41 GMT`, aware UTC. Raises SourceGarbled."""
    try:
        if match := _VERSION_TIME.fullmatch(text):
            number, month, year, clock = match.groups()
            return datetime.fromisoformat(f"{year}-{_MONTHS[month]}-{number:0>2}T{clock}+00:00")
        parsed = parsedate_to_datetime(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise SourceGarbled(
            f"the record has a version with an unreadable time: {text!r}"
        ) from error


@lru_cache(maxsize=4_096)
def parse_day(text: str, what: str) -> datetime:
    """Parse a day (`2008-11-26`) to its beginning, UTC. Raises SourceGarbled."""
    try:
        return datetime.combine(date.fromisoformat(text.strip()[:10]), time(), UTC)
    except ValueError as error:
        raise SourceGarbled(f"the record has no readable {what}: {text!r}") from error


def _end_of_day(text: str) -> datetime:
    return parse_day(text, "date").replace(hour=23, minute=59, second=59)
