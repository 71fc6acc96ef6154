"""Checks of a backup's records: a file may be made by anybody, and its checksum proves nothing.

A record may name a key that the table in `papers.redis_backend.keys` lists as copied, in the type
that it has there, or a month of papers. Everything else is refused before the store is touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Any, Final

from papers.errors import BadBackup
from papers.maintenance.backup import END_RECORD, KEY_RECORD, PAPERS_RECORD
from papers.query.request import LIST_NAMES
from papers.redis_backend import keys

_SLUG: Final = r"[^\s:/A-Z]+"
"""Slugs are made of letters of any script."""
COPIED_KEYS: Final[dict[str, tuple[str, str]]] = {
    **{
        name: (re.escape(name), "hash")
        for name in (
            *(keys.BLOCKS, keys.KEYWORDS, keys.FORMER_KEYWORDS, keys.COMMUNITIES, keys.SOURCES),
            *(keys.EVALUATED_LISTS, keys.OK_INITIAL_FETCHES),
            *(keys.QUIET_INITIAL_FETCHES, keys.STALE_INITIAL_FETCHES),
            *(keys.FAILING_INITIAL_FETCHES, keys.RECORD_COUNTS, keys.ENRICH_RETRIES),
            *(keys.delivery_log("mail"), keys.delivery_log("websub"), keys.BULK_LOADS),
        )
    },
    keys.REVISION: (keys.REVISION, "string"),
    keys.EVENTS_SINCE: (re.escape(keys.EVENTS_SINCE), "string"),
    keys.BACKFILL: (keys.BACKFILL, "string"),
    keys.COVERAGE: (re.escape(keys.COVERAGE), "string"),
    keys.SEEDED_KEYWORDS: (keys.SEEDED_KEYWORDS, "set"),
    keys.QUARANTINE: (keys.QUARANTINE, "list"),
    keys.PICK_LISTS: (rf"\{{lists\}}:(?:{'|'.join(LIST_NAMES)})", "zset"),
    "notified:*": (r"notified:[a-z0-9_-]+", "hash"),
    "votes:*": (r"votes:[0-9]{4}", "hash"),
    "snapshot:*": (
        rf"snapshot:{_SLUG}:[0-9]{{4}}-(?:W[0-9]{{2}}|[0-9]{{2}}(?:-[0-9]{{2}})?)",
        "string",
    ),
}
"""Copied key or pattern to the exact form of its names, and its type. A test compares this with
the table of keys."""

_MAX_NUMBER: Final = 0xFFFF
_CENTURY_OF_YEAR: Final = 91
"""Two-digit years from 91 on belong to the last century: arXiv began in 1991."""


def check_records(records: Iterable[object], path: object) -> None:
    """Raise BadBackup, with the first record that a restore must not write and why."""
    for number, record in enumerate(records, 1):
        if reason := record_fault(record):
            raise BadBackup(f"{path}: record {number} {reason}; this is no backup of Paperwire")


def record_fault(record: object) -> str:
    """Return why a record must not be written; "" if it may."""
    match record:
        case [
            str(kind),
            bytes() | str() as name,
            bytes() | str() as type,
            list(members),
            int(expiry),
        ]:
            return _key_fault(kind, _text(name), _text(type), members, expiry)
        case [str(kind), bytes() | str() as yymm, int(month), list(rows)]:
            return _papers_fault(kind, _text(yymm), month, rows)
        case [str(kind), dict()] if kind == END_RECORD:
            return ""
    return "has no known form"


def _key_fault(kind: str, name: str, type: str, members: list[Any], expiry: int) -> str:
    if kind != KEY_RECORD:
        return "has no known form"
    expected = next((t for form, t in COPIED_KEYS.values() if re.fullmatch(form, name)), None)
    if expected is None:
        return f"is of the key {name[:80]!a}, which no backup has"
    if type != expected:
        return f"is of the key {name} as a {type[:20]!a}, which is a {expected}"
    if not members or not all(_is_member(member, type) for member in members):
        return f"has members of the key {name} that are none of a {expected}"
    if name in (keys.REVISION, keys.EVENTS_SINCE) and not _text(members[0]).isdigit():
        return f"is of the key {name}, which is no number"
    return "" if -1 <= expiry < 1 << 53 else f"has an expiry of {name} that is no time"


def _is_member(member: object, type: str) -> bool:
    if type == "hash":
        match member:
            case [bytes(), bytes()]:
                return True
        return False
    if type == "zset":
        match member:
            case [bytes(), float(score)]:
                return isfinite(score)
        return False
    return isinstance(member, bytes)


def _papers_fault(kind: str, yymm: str, month: int, rows: Sequence[Any]) -> str:
    if kind != PAPERS_RECORD:
        return "has no known form"
    if not re.fullmatch(r"[0-9]{2}(?:0[1-9]|1[0-2])", yymm, re.ASCII):
        return f"is of the month {yymm[:20]!a}, which is none"
    year = int(yymm[:2])
    century = 1900 if year >= _CENTURY_OF_YEAR else 2000
    if month != (century + year) * 100 + int(yymm[2:]):
        return f"is of the month {yymm}, which is not {month}"
    return "" if all(map(_is_paper, rows)) else f"has papers of {yymm} without number or content"


def _is_paper(row: object) -> bool:
    match row:
        case [int(number), bytes()]:
            return 0 <= number <= _MAX_NUMBER
    return False


def _text(value: bytes | str) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
