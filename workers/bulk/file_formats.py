"""The formats of bulk files, and the parser of one record of each.

| format | begins with | a record is |
| --- | --- | --- |
| arXiv's metadata snapshot | `{` | a line: `workers.bulk.snapshot` |
| our own export | `{` and has a member `paperwire` | a line: `papers.records.json_rows` |
| responses to OAI-PMH's ListRecords in either format, one or many | `<` | a `record` element |

Records are parsed one by one, so that an unreadable one is quarantined alone; the two formats of
lines may be mixed.
"""

from __future__ import annotations

import json
from typing import Any

from lxml import etree

from papers.errors import SourceGarbled
from papers.model.paper import Paper, Sighting
from papers.records import json_rows
from workers.bulk import snapshot
from workers.sources.arxiv.oai_record import (
    FORBIDDEN_CONTROLS,
    RECORD_TAG,
    SAFE_PARSER_OPTIONS,
    sighting_from_oai,
)


def parse_bulk_record(record: bytes) -> Sighting | Paper | None:
    """Parse a record to a sighting or paper; None for one that OAI-PMH marks as deleted.

    Raises BadId and SourceGarbled if it is unreadable.
    """
    return _parse_element(record) if record[:1] == b"<" else _parse_line(record)


def bulk_excerpt(record: bytes) -> str:
    """Return the beginning of a quarantined record, for display."""
    return record[:300].decode("utf-8", "replace").strip()


def _parse_line(record: bytes) -> Sighting | Paper:
    try:
        row: Any = json.loads(record.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise SourceGarbled(f"the line is not JSON: {error}") from error
    if not isinstance(row, dict):
        raise SourceGarbled("the line is not a JSON object")
    return (
        json_rows.paper_from_row(row)
        if json_rows.FORMAT_MEMBER in row
        else snapshot.sighting_from_snapshot(row)
    )


def _parse_element(record: bytes) -> Sighting | None:
    try:
        root: Any = etree.fromstring(
            record.translate(None, FORBIDDEN_CONTROLS), etree.XMLParser(**SAFE_PARSER_OPTIONS)
        )
    except etree.XMLSyntaxError as error:
        raise SourceGarbled(f"the record is not well-formed XML: {error}") from error
    element = root.find(RECORD_TAG)
    if element is None:
        raise SourceGarbled("the record is not from OAI-PMH")
    return sighting_from_oai(element)
