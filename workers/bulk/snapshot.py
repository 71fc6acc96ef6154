"""arXiv's metadata snapshot: one JSON object per line, as in the public data set.

It is made from OAI-PMH's `arXivRaw` and has the same content under other names; beside the authors
in one string it has them separately (`authors_parsed`). `update_date` is the datestamp: the last
change of the metadata. It lacks the sizes of versions, so that only the wording indicates a
withdrawal.

https://info.arxiv.org/help/bulk_data.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from papers.errors import SourceGarbled
from papers.model.paper import Sighting
from workers.sources.arxiv.author_string import split_submitted_authors
from workers.sources.arxiv.oai_record import (
    build_sighting,
    parse_day,
    parse_version_time,
    version_number,
)
from workers.sources.foreign_xml import clean_line

_TEXTS: Final = ("id", "title", "abstract", "comments", "journal-ref", "doi", "license")


def sighting_from_snapshot(row: Mapping[str, Any]) -> Sighting:
    """Parse a line's object. Raises BadId and SourceGarbled if it is unreadable."""
    if not isinstance(row.get("id"), str):
        raise SourceGarbled(f"the record has an id that is not a text: {row.get('id')!r:.100}")
    texts = {name: clean_line(row.get(name)) for name in _TEXTS}
    texts["categories"] = _categories(row.get("categories"))
    versions = _versions(row.get("versions"))
    newest, created = versions[-1] if versions else (0, None)
    update_date = clean_line(row.get("update_date"))
    as_of = parse_day(update_date, "update_date") if update_date else created
    if as_of is None:
        raise SourceGarbled("the record has neither update_date nor versions")
    return build_sighting(
        texts,
        as_of=as_of,
        version=newest,
        authors=_authors(row),
        submitted_at=versions[0][1] if newest and versions[0][0] == 1 else None,
        revised_at=created,
    )


def _categories(value: object) -> str:
    """Return the categories from a text such as `cs.CL cs.AI`; older snapshots have a list."""
    return clean_line(" ".join(map(clean_line, value)) if isinstance(value, list) else value)


def _versions(value: object) -> list[tuple[int, datetime]]:
    """Return every version's number and submission time, in order."""
    if value is None:
        return []
    if not isinstance(value, list) or not {dict}.issuperset(map(type, value)):
        raise SourceGarbled(f"the record has no readable versions: {value!r:.100}")
    return sorted(
        [
            (
                version_number(clean_line(version.get("version"))),
                parse_version_time(clean_line(version.get("created"))),
            )
            for version in value
        ]
    )


def _authors(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Names in `authors_parsed` (keyname, forenames, suffix, affiliations), or in `authors`."""
    parsed = row.get("authors_parsed")
    if isinstance(parsed, list) and parsed:
        names = tuple(filter(None, map(_name, parsed)))
        if names:
            return names
    authors = row.get("authors")
    if isinstance(authors, list):
        return tuple(name for author in authors if (name := clean_line(author)))
    return split_submitted_authors(clean_line(authors))


def _name(person: object) -> str:
    if not isinstance(person, list):
        raise SourceGarbled(f"the record has no readable author: {person!r:.100}")
    parts = person[1:2] + person[:1] + person[2:3]  # forenames, keyname, suffix
    try:
        return clean_line(" ".join(parts))
    except TypeError:  # some are not strings
        return clean_line(" ".join([part for part in parts if isinstance(part, str)]))
