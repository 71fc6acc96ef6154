"""Pages of long lists: `page=N` in the URL, and the links to the pages before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar
from urllib.parse import urlencode

from papers.errors import BadParameter
from service.urls.keyword_urls import with_query_string
from service.urls.param_types import integer_between
from service.urls.params import Parameter, abbreviate

MAX_PAGE_NUMBER: Final = 1_000_000
_parse_number: Final = integer_between(1, MAX_PAGE_NUMBER)
PAGE_PARAMETER: Final = Parameter(
    "page",
    "",
    _parse_number,
    str,
    {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_NUMBER, "default": 1},
    "Which page of the list; `next` is the one after.",
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ListPage(Generic[T]):
    """A page of a list: its items, its number from 1, the number of pages and of all items."""

    items: Sequence[T]
    number: int
    page_count: int
    total: int
    base_path: str
    params: Mapping[str, str]
    """The parameters of the list beside `page`."""

    @property
    def previous_path(self) -> str:
        """The path of the page before; empty on the first."""
        return (
            numbered_path(self.base_path, self.number - 1, self.params) if self.number > 1 else ""
        )

    @property
    def next_path(self) -> str:
        """The path of the page after; empty on the last."""
        is_last = self.number >= self.page_count
        return "" if is_last else numbered_path(self.base_path, self.number + 1, self.params)


def parse_page_number(args: Mapping[str, str]) -> int:
    """Return the number in `page`, 1 without it. Raises BadParameter."""
    text = args.get("page", "").strip()
    try:
        return _parse_number(text, ()) if text else 1
    except ValueError as error:
        raise BadParameter("page", f"{abbreviate(text)!r} {error}") from error


def numbered_path(base_path: str, number: int, params: Mapping[str, str] | None = None) -> str:
    """Return the canonical path of a page of a list: parameters that are empty are left out."""
    given = {**(params or {}), "page": str(number) if number > 1 else ""}
    return with_query_string(base_path, urlencode({k: v for k, v in given.items() if v}))


def slice_page(
    items: Sequence[T],
    number: int,
    size: int,
    base_path: str,
    params: Mapping[str, str] | None = None,
) -> ListPage[T]:
    """Return a page of `size` items. Raises BadParameter if the list has fewer pages."""
    page_count = max(1, -(-len(items) // size))
    if number > page_count:
        reason = f"there is no page {number:,}; the last is {page_count:,}"
        raise BadParameter("page", reason)
    start = (number - 1) * size
    shown = items[start : start + size]
    return ListPage(shown, number, page_count, len(items), base_path, params or {})
