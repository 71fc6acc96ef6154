"""Pages of Hugging Face Daily Papers: the records of a response, and whether another page follows.

The API answers with a bare list. Mirrors and its other addresses wrap the list in an object,
`{"papers": […], "total": 120}`, and a server may return fewer records than `limit` asks for: what
looks like a last page need not be one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from papers.errors import SourceGarbled
from workers.fetch.refusals import body_excerpt

MAX_PAGES: Final = 20
"""Pages of one day that are read; a day that has more is incomplete."""

DEFAULT_PAGE_SIZE: Final = 50
"""The length of a full page where the server does not honour `limit`."""

_LIST_NAMES: Final = ("papers", "dailyPapers", "daily_papers", "items", "results", "data")
_TOTAL_NAMES: Final = ("total", "totalCount", "totalItems", "numTotalItems", "count")
_MORE_NAMES: Final = (
    "hasMore",
    "has_more",
    "hasNext",
    "nextPage",
    "next_page",
    "nextCursor",
    "next",
)
_MAX_DEPTH: Final = 3
_NEXT_LINK: Final = re.compile(r'rel\s*=\s*"?next\b', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DailyPage:
    """The records of one response; `total` of the day and `has_more` are None if not declared."""

    records: tuple[Any, ...]
    total: int | None = None
    has_more: bool | None = None


class PageSequence:
    """The pages of one day so far, and whether to request another."""

    def __init__(self, page_size: int) -> None:
        self._full_page = min(page_size, DEFAULT_PAGE_SIZE)
        self._seen: set[str] = set()
        self._follows = True
        self.count = 0

    def add(self, page: DailyPage) -> None:
        """Add a page. One that is empty or only repeats records is the last, whatever it says."""
        self.count += 1
        new = {_identity(record) for record in page.records} - self._seen
        self._seen |= new
        self._follows = bool(new) and self._is_followed(page)

    @property
    def has_more(self) -> bool:
        """Whether another page is to be requested."""
        return self._follows and self.count < MAX_PAGES

    @property
    def is_truncated(self) -> bool:
        """Whether there are more pages than are read."""
        return self._follows and self.count >= MAX_PAGES

    def _is_followed(self, page: DailyPage) -> bool:
        if page.has_more is not None:
            return page.has_more
        if page.total is not None:
            return len(self._seen) < page.total
        return len(page.records) >= self._full_page


def read_page(body: bytes, headers: Mapping[str, str] | None = None) -> DailyPage:
    """Read a response. Raises SourceGarbled if it holds no list of records."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SourceGarbled(f"Daily Papers: not JSON but: {body_excerpt(body)}") from error
    link = (headers or {}).get("Link", "")
    more = True if _NEXT_LINK.search(link) else None
    total: int | None = None
    for _ in range(_MAX_DEPTH):
        if isinstance(document, list):
            return DailyPage(tuple(document), total, more)
        if not isinstance(document, dict) or "error" in document:
            break
        total = total if total is not None else _declared_total(document)
        more = more if more is not None else _declared_more(document)
        document = next((document[name] for name in _LIST_NAMES if name in document), None)
    raise SourceGarbled(f"Daily Papers: no list of papers but: {body_excerpt(body)}")


def _declared_total(wrapper: Mapping[str, Any]) -> int | None:
    numbers = (wrapper.get(name) for name in _TOTAL_NAMES)
    return next((number for number in numbers if type(number) is int and number >= 0), None)


def _declared_more(wrapper: Mapping[str, Any]) -> bool | None:
    """Return whether a page says that another follows, by a flag or by naming the next one."""
    given = [wrapper[name] for name in _MORE_NAMES if name in wrapper]
    return bool(given[0]) if given else None


def _identity(record: Any) -> str:
    """Return what identifies a record: its paper's id, or else all of it."""
    outer = record if isinstance(record, dict) else {}
    paper = outer.get("paper")
    inner = paper if isinstance(paper, dict) else {}
    id = inner.get("id") or outer.get("id")
    return id if isinstance(id, str) else json.dumps(record, sort_keys=True)
