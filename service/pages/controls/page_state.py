"""Parameters of pages that feeds do not have: the view of a list, and the open Subscribe menu.

?view=full           abstracts in full
?feed=picked-rss     the Subscribe menu is open, with these choices
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from papers.errors import BadParameter
from service.feeds import FORMATS
from service.urls.keyword_urls import with_query_string
from service.urls.params import abbreviate

FULL_VIEW: Final = "full"
PAGE_PARAMETERS: Final = ("view", "feed")
"""Names of the parameters; pages that have them take them out before they parse the others."""
DEFAULT_FORMAT: Final = "atom"
_PAPERS: Final = ("all", "picked", "code")
_ENTRIES: Final = ("each", "day", "week")


class FeedChoice(NamedTuple):
    """What a Subscribe menu is set to: which papers, what an entry is, the suffix of the format.

    `papers` is empty for those that the page shows.
    """

    papers: str = ""
    entries: str = "each"
    suffix: str = DEFAULT_FORMAT

    @property
    def text(self) -> str:
        """The value of `feed=`."""
        entries = self.entries if self.entries != "each" else ""
        return "-".join(filter(None, (self.papers, entries, self.suffix)))


@dataclass(frozen=True, slots=True)
class PageState:
    """The state of a page in its URL beside the search: `feed` is None while the menu is closed."""

    view: str = ""
    feed: FeedChoice | None = None

    def path(self, path: str) -> str:
        """Return a path of a page with this state added to its query string."""
        path, _, query = path.partition("?")
        feed = f"feed={self.feed.text}" if self.feed else ""
        view = f"view={self.view}" if self.view else ""
        return with_query_string(path, "&".join(filter(None, (query, feed, view))))

    def with_view(self, view: str) -> PageState:
        """Return the state with another view, and the menu closed."""
        return PageState(view)

    def with_feed(self, feed: FeedChoice | None) -> PageState:
        """Return the state with the menu open at a choice, or closed."""
        return replace(self, feed=feed)


def parse_page_state(args: Mapping[str, str]) -> PageState:
    """Parse the parameters of the page itself. Raises BadParameter."""
    view, feed = args.get("view", "").strip(), args.get("feed", "").strip()
    if view and view != FULL_VIEW:
        raise BadParameter("view", f"{abbreviate(view)!r} is none; there is only {FULL_VIEW}")
    return PageState(view, _parse_choice(feed) if feed else None)


def _parse_choice(text: str) -> FeedChoice:
    choice = FeedChoice()
    for word in text.split("-"):
        if word in _PAPERS:
            choice = choice._replace(papers=word)
        elif word in _ENTRIES:
            choice = choice._replace(entries=word)
        elif word in FORMATS:
            choice = choice._replace(suffix=word)
        else:
            known = ", ".join((*_PAPERS, *_ENTRIES, *FORMATS))
            raise BadParameter("feed", f"{abbreviate(word)!r} is none; there are {known}")
    return choice
