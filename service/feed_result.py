"""The result of a search, with everything that pages and feeds show of it."""

from __future__ import annotations

from dataclasses import dataclass

from papers.model.events import EventRef
from papers.query.match import FoldedPaper, matches_node
from papers.query.notes import Note
from papers.query.parser import Query, parse_query
from papers.query.request import Page, SearchRequest
from papers.records.packing import PaperRecord
from papers.state.keyword_record import Keyword
from papers.state.task_states import TaskState
from service.feeds.entry import Entry
from service.feeds.event_entry import make_entry
from service.search_title import ORDER_NAMES, describe_order, search_title
from service.urls.keyword_urls import SearchUrls


@dataclass(frozen=True, slots=True)
class FeedResult:
    """The result of a search: its URLs, the saved keywords if any, the query and a page of papers.

    With several keywords a paper matches any. `previous_page` is None on the first page.
    """

    address: SearchUrls
    keywords: tuple[Keyword, ...]
    query: Query
    search_request: SearchRequest
    page: Page
    previous_page: SearchUrls | None
    source_states: list[TaskState]

    @property
    def name(self) -> str:
        """The title: the names of its keywords, or its query."""
        return search_title(self.keywords, self.query, self.address.list_name)

    @property
    def query_in_words(self) -> str:
        """The query in words."""
        return f"any of {self.name}" if len(self.keywords) > 1 else self.query.display_text

    @property
    def notes(self) -> tuple[Note, ...]:
        """How the query was read where it may be meant otherwise."""
        return self.query.notes if self.keywords else self.query.notes_at_address

    def matched_keywords(self, paper: PaperRecord) -> tuple[Keyword, ...]:
        """Return which of several keywords a paper matches; none if there is only one keyword."""
        if len(self.keywords) < 2:
            return ()
        folded = FoldedPaper(paper)
        return tuple(k for k in self.keywords if matches_node(parse_query(k.query).tree, folded))

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The papers as entries; in order of an event each begins with it."""
        events = self.page.events or (None,) * len(self.page.records)
        return tuple(map(self._make_entry, self.page.records, events))

    def _make_entry(self, record: PaperRecord, event: EventRef | None) -> Entry:
        slugs = tuple([keyword.slug for keyword in self.matched_keywords(record)])
        return make_entry(record, self.search_request, event, slugs)

    @property
    def page_links(self) -> dict[str, SearchUrls]:
        """The other pages by their link relation (`first`, `previous`, `next`); {} if none."""
        if not self.previous_page and not self.page.next_cursor:
            return {}
        following = self.address.at_cursor(self.page.next_cursor) if self.page.next_cursor else None
        first = self.address.at_cursor("")
        pages = {"first": first, "previous": self.previous_page, "next": following}
        return {rel: urls for rel, urls in pages.items() if urls}

    @property
    def is_by_pick(self) -> bool:
        """True if these are picked papers, newest pick first."""
        return self.search_request.order == "picked"

    @property
    def name_of_order(self) -> str:
        """What to add to the name of the search; empty in order of announcement."""
        return ORDER_NAMES[self.search_request.order].suffix

    @property
    def order_in_words(self) -> str:
        """The order and the filters in words."""
        return describe_order(self.search_request)
