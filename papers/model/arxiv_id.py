"""The arXiv id: the key, the shard and the sort order of every paper.

An id is a month and a number within it. `2503.14895` is number 14,895 of March 2025.
`hep-th/9901001` is number 1 of the archive hep-th in January 1999; its number within the month is
the archive's fixed index times 1,000 plus the three digits, so two archives never collide.
Ids sort by month, then number: within the new scheme that is the order of announcement.

The scheme: https://info.arxiv.org/help/arxiv_identifier.html
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import unquote

from papers.errors import BadId
from papers.model.arxiv_sites import find_references, site_path

OLD_SCHEME_ARCHIVES: Final = (
    # The index of an archive in this table is part of stored numbers: append, never reorder.
    *("acc-phys", "adap-org", "alg-geom", "ao-sci", "astro-ph", "atom-ph", "bayes-an"),
    *("chao-dyn", "chem-ph", "cmp-lg", "comp-gas", "cond-mat", "cs", "dg-ga", "funct-an"),
    *("gr-qc", "hep-ex", "hep-lat", "hep-ph", "hep-th", "math", "math-ph", "mtrl-th", "nlin"),
    *("nucl-ex", "nucl-th", "patt-sol", "physics", "plasm-ph", "q-alg", "q-bio", "quant-ph"),
    *("solv-int", "supr-con", "test"),
)
"""The archives with ids of the old scheme, 1991 to March 2007."""

_ARCHIVE_INDEX: Final = {archive: index for index, archive in enumerate(OLD_SCHEME_ARCHIVES)}
_FIRST_MONTH: Final = 199107
_FIRST_NEW_MONTH: Final = 200704
_FIRST_FIVE_DIGIT_MONTH: Final = 201501
_NUMBER_LIMIT: Final = 65_536
_FIRST_YEAR: Final = 1990
_MONTHS: Final = [year * 100 + n for year in range(_FIRST_YEAR, 2100) for n in range(1, 13)]
"""Months (YYYYMM) by their ordinal; the four digits of an id express none after 2090."""

_VERSION = r"(?:v(?P<version>[1-9]\d{0,3}))?"
_NEW_SCHEME = re.compile(  # with the same groups as `_OLD_SCHEME`
    rf"(?P<archive>)(?P<yymm>\d{{4}})\.(?P<digits>\d{{4,5}}){_VERSION}", re.IGNORECASE | re.ASCII
)
_OLD_SCHEME = re.compile(
    rf"(?P<archive>[a-z]+(?:-[a-z]+)?)(?:\.[a-z]+(?:-[a-z]+)?)?/(?P<yymm>\d{{4}})"
    rf"(?P<digits>\d{{3}}){_VERSION}",
    re.IGNORECASE | re.ASCII,
)
_PREFIX = re.compile(r"\s*(?:oai:arxiv\.org:|arxiv:|doi:)\s*", re.IGNORECASE)
_DOI = re.compile(r"10\.48550/arxiv\.", re.IGNORECASE)
_URL = re.compile(r"(?:https?:)?//(?P<host>[^/?#]+)(?P<path>/[^?#]*)?", re.IGNORECASE)
_BARE_HOST = re.compile(r"(?P<host>(?:[a-z0-9-]+\.)+[a-z]{2,})(?P<path>/[^?#]*)", re.IGNORECASE)
_ENDING = re.compile(
    r"/[\w.-]+\.(?:png|jpe?g|gif|svg|webp|css|js)$|\.(?:pdf|md|html)$", re.IGNORECASE
)


class ArxivId(NamedTuple):
    """A paper's id without a version; sorts in order of announcement.

    `month` is YYYYMM; `number` is 1 to 65,535 within it.
    """

    month: int
    number: int

    def __str__(self) -> str:
        month, number = self
        if month >= _FIRST_FIVE_DIGIT_MONTH:  # first, as an entry of a feed writes its id six times
            return f"{month % 10_000:04}.{number:05}"
        if month >= _FIRST_NEW_MONTH:
            return f"{self.yymm}.{number:04}"
        archive, digits = divmod(number, 1000)
        return f"{OLD_SCHEME_ARCHIVES[archive]}/{self.yymm}{digits:03}"

    @property
    def yymm(self) -> str:
        """The month as it is written in ids: `2503`, `9901`."""
        return format_yymm(self.month)

    @property
    def doc_id(self) -> int:
        """The 32-bit doc id, in the same order: the month's ordinal in the high half, the number.

        So a Roaring bitmap of doc ids has one container for each month.
        """
        return month_ordinal(self.month) << 16 | self.number

    @classmethod
    def from_doc_id(cls, doc_id: int) -> ArxivId:
        """Return the id of a doc id."""
        # Runs for every hit of a page; the constructor would take twice as long.
        return tuple.__new__(cls, (_MONTHS[doc_id >> 16], doc_id & 0xFFFF))

    @property
    def url(self) -> str:
        """The URL of the abstract page, without a version: the permanent id of feed entries."""
        return f"https://arxiv.org/abs/{self}"

    @property
    def pdf_url(self) -> str:
        """The URL of the PDF at arXiv, without a version."""
        return f"https://arxiv.org/pdf/{self}"

    @property
    def doi(self) -> str:
        """The DOI that arXiv registers."""
        return f"10.48550/arXiv.{self}"

    @classmethod
    def parse(cls, text: str) -> ArxivId:
        """Parse an id in any common form; a version is dropped. Raises BadId."""
        return parse_versioned(text)[0]


def parse_versioned(text: str) -> tuple[ArxivId, int | None]:
    """Parse an id in any common form; return it with its version, or None without one.

    The forms are bare, prefixed (`arXiv:`, `oai:arXiv.org:`, DOI), and URLs of arXiv, its mirrors
    and the community sites in `arxiv_sites`. Raises BadId.
    """
    if not isinstance(text, str):
        raise BadId(f"{text!r} is no arXiv id: it must be a text, as a number loses its zeros")
    # Most ids are bare already: then the forms of links are not tried.
    match = (
        _NEW_SCHEME.fullmatch(text)
        or _NEW_SCHEME.fullmatch(bare := _strip_to_id(text))
        or _OLD_SCHEME.fullmatch(bare)
    )
    if match is None:
        raise BadId(
            f"{text[:200]!r} is no arXiv id: expected a form like 2503.14895 or hep-th/9901001"
        )
    archive, yymm, digits, number = match.groups()
    version = int(number) if number else None
    month = parse_yymm(yymm)
    if month is None:
        raise BadId(f"{text[:200]!r} is no arXiv id: there is no month {yymm}")
    if archive:
        return _old_scheme_id(text, month, archive.lower(), digits), version
    return _new_scheme_id(text, month, digits), version


def find_ids(text: str, *, limit: int | None = None) -> list[ArxivId]:
    """Return the papers that a text refers to by URL, DOI or `arXiv:` prefix, once, in order.

    A bare number in prose is no reference: `2024.12345` may be anything. No more than `limit` are
    returned, and nothing is read beyond them.
    """
    found: dict[ArxivId, None] = {}
    parsed = set[str]()
    for reference in find_references(text):
        if len(found) == limit:
            break
        if reference in parsed:
            continue
        parsed.add(reference)
        with suppress(BadId):
            found[ArxivId.parse(reference)] = None
    return list(found)


def month_ordinal(month: int) -> int:
    """Return the number of months from January 1990 to a month (YYYYMM)."""
    return month // 100 * 12 + month % 100 - 1 - _FIRST_YEAR * 12


def format_yymm(month: int) -> str:
    """Return a month (YYYYMM) as it is written in ids: YYMM."""
    return f"{month % 10_000:04}"


def stored_month(yymm: str) -> int:
    """Return YYYYMM of the YYMM of a month in the store, which is always valid."""
    month = parse_yymm(yymm)
    assert month, f"{yymm!r} is among the stored months"
    return month


@lru_cache(maxsize=2_048)
def parse_yymm(yymm: str) -> int | None:
    """Return YYYYMM of an id's YYMM; None if arXiv has no such month."""
    year, month = int(yymm[:2]), int(yymm[2:])
    full = (1900 if year >= 91 else 2000) * 100 + year * 100 + month
    return full if 1 <= month <= 12 and full >= _FIRST_MONTH else None


def _old_scheme_id(text: str, month: int, archive: str, digits: str) -> ArxivId:
    if month >= _FIRST_NEW_MONTH:
        raise BadId(f"{text[:200]!r} is no arXiv id: this scheme ended in March 2007")
    if archive not in _ARCHIVE_INDEX:
        raise BadId(f"{text[:200]!r} is no arXiv id: there was no archive {archive!r}")
    if int(digits) == 0:
        raise BadId(f"{text[:200]!r} is no arXiv id: numbers begin at 1")
    return ArxivId(month, _ARCHIVE_INDEX[archive] * 1000 + int(digits))


def _new_scheme_id(text: str, month: int, digits: str) -> ArxivId:
    if month < _FIRST_NEW_MONTH:
        raise BadId(f"{text[:200]!r} is no arXiv id: this scheme began in April 2007")
    expected = 4 if month < _FIRST_FIVE_DIGIT_MONTH else 5
    if len(digits) != expected:
        raise BadId(f"{text[:200]!r} is no arXiv id: its month has {expected} digits after the dot")
    if not 0 < int(digits) < _NUMBER_LIMIT:
        raise BadId(f"{text[:200]!r} is no arXiv id: numbers go from 1 to {_NUMBER_LIMIT - 1:,}")
    return ArxivId(month, int(digits))


def _strip_to_id(text: str) -> str:
    """Return the part of a text that should be the bare id; empty if its URL has none."""
    text = unquote(text.strip())
    located = _URL.fullmatch(text.split("?")[0].split("#")[0]) or _BARE_HOST.fullmatch(
        text.split("?")[0].split("#")[0]
    )
    if located and not _OLD_SCHEME.fullmatch(text):
        before = site_path(located["host"])
        path = (located["path"] or "").rstrip("/")
        match = before.match(path) if before else None
        return _ENDING.sub("", path[match.end() :] if match else "", count=1)
    text = _PREFIX.sub("", text, count=1)
    return _DOI.sub("", text, count=1)
