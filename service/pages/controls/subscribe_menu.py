"""The Subscribe menu: the address of a feed, readers that can open it, and choices of other feeds.

No link of a menu leads to a feed: a choice leads to the page with the menu open at it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from service.feeds import FORMATS
from service.pages.controls.page_state import FeedChoice, PageState
from service.pages.parts.reader_links import reader_links
from service.urls.keyword_urls import SearchUrls

MENU_FRAGMENT: Final = "#subscribe"
_FORMAT_LABELS: Final = {"atom": "Atom", "rss": "RSS", "json": "JSON"}
_PAPERS_LABELS: Final = {"all": "All", "picked": "Picked", "code": "With code"}
_ENTRIES_LABELS: Final = {"each": "Each", "day": "Daily", "week": "Weekly"}

PagePath = Callable[[PageState], str]
"""Returns the path of the page in a state."""


class MenuOption(NamedTuple):
    """One of several options: its label, and the page with the menu open at it."""

    label: str
    path: str
    is_current: bool


class MenuChoice(NamedTuple):
    """A choice of a menu: its label and its options, of which one is current."""

    label: str
    options: tuple[MenuOption, ...]


@dataclass(frozen=True, slots=True)
class SubscribeMenu:
    """A Subscribe button and its menu.

    `feed_url` is the absolute URL to copy, `readers` are (name, URL) of the readers that can open
    it. `note` is a sentence on how much the feed brings, `mailed` how often its digest is mailed.
    `close_path` is the page with the menu closed.
    """

    of: str
    feed_url: str
    readers: Sequence[tuple[str, str]]
    choices: tuple[MenuChoice, ...] = ()
    note: str = ""
    mailed: tuple[str, ...] = ()
    is_open: bool = False
    close_path: str = ""


def search_menu(
    urls: SearchUrls,
    state: PageState,
    page_path: PagePath,
    *,
    of: str,
    note: str = "",
    mailed: Sequence[str] = (),
) -> SubscribeMenu:
    """Return the menu of a keyword or search: papers, entries and format can be chosen."""
    shown = _shown_papers(urls)
    choice = state.feed or FeedChoice()
    choice = choice._replace(papers=choice.papers or shown)
    if choice.entries != "each":  # a digest has no other parameters
        choice = choice._replace(papers="all")

    def option(label: str, wanted: FeedChoice, is_current: bool) -> MenuOption:
        path = page_path(state.with_feed(wanted)) + MENU_FRAGMENT
        return MenuOption(label, path, is_current)

    papers, entries = _PAPERS_LABELS.items(), _ENTRIES_LABELS.items()
    choices = (
        MenuChoice(
            "Papers",
            tuple(
                option(text, choice._replace(papers=p, entries="each"), p == choice.papers)
                for p, text in papers
            ),
        ),
        MenuChoice(
            "Entries",
            tuple(
                option(
                    text,
                    choice._replace(papers=choice.papers if e == "each" else "all", entries=e),
                    e == choice.entries,
                )
                for e, text in entries
            ),
        ),
        _format_choice(choice, option),
    )
    feed_url = feed_urls(urls, choice).url(choice.suffix)
    return SubscribeMenu(
        of=of,
        feed_url=feed_url,
        readers=reader_links(feed_url),
        choices=choices,
        note=note,
        mailed=tuple(mailed),
        is_open=state.feed is not None,
        close_path=page_path(state.with_feed(None)),
    )


def format_menu(
    urls_by_suffix: Mapping[str, str],
    state: PageState,
    page_path: PagePath,
    *,
    of: str,
    note: str = "",
) -> SubscribeMenu:
    """Return the menu of what has one feed in every format; `urls_by_suffix` are absolute."""
    choice = FeedChoice(suffix=(state.feed or FeedChoice()).suffix)

    def option(label: str, wanted: FeedChoice, is_current: bool) -> MenuOption:
        path = page_path(state.with_feed(wanted)) + MENU_FRAGMENT
        return MenuOption(label, path, is_current)

    feed_url = urls_by_suffix[choice.suffix]
    return SubscribeMenu(
        of=of,
        feed_url=feed_url,
        readers=reader_links(feed_url),
        choices=(_format_choice(choice, option),),
        note=note,
        is_open=state.feed is not None,
        close_path=page_path(state.with_feed(None)),
    )


def list_menu(
    urls: SearchUrls,
    state: PageState,
    page_path: PagePath,
    *,
    of: str,
    note: str = "",
    just_these: str = "",
) -> SubscribeMenu:
    """Return the menu of a pick list; `just_these` is the page of what the list has now."""
    first = urls.at_cursor("")
    by_suffix = {suffix: first.url(suffix) for suffix in FORMATS}
    menu = format_menu(by_suffix, state, page_path, of=of, note=note)
    if not just_these:
        return menu
    option = MenuOption("A feed of just these papers", just_these + MENU_FRAGMENT, False)
    return replace(menu, choices=(*menu.choices, MenuChoice("", (option,))))


def small_menu(feed_url: str, *, of: str, more_path: str, close_path: str) -> SubscribeMenu:
    """Return a menu of an address alone, with a link to the page that has all choices."""
    more = (MenuOption("Readers, digest, format", more_path + MENU_FRAGMENT, False),)
    choices = (MenuChoice("", more),) if more_path else ()
    return SubscribeMenu(
        of=of, feed_url=feed_url, readers=(), choices=choices, close_path=close_path
    )


def feed_urls(urls: SearchUrls, choice: FeedChoice) -> SearchUrls:
    """Return the URLs of the feeds of a choice, from the first page on."""
    first = urls.at_cursor("")
    if choice.entries != "each":
        return first.digest_urls(choice.entries)
    if choice.papers == "all":
        return first if _shown_papers(urls) == "all" else first.by_announcement
    return first.in_order(choice.papers)


def _shown_papers(urls: SearchUrls) -> str:
    """Return which of the papers a page shows: the choice that is current without `feed=`."""
    order = str(urls.params.options.get("order", ""))
    return order if order in ("picked", "code") else "all"


def _format_choice(
    choice: FeedChoice, option: Callable[[str, FeedChoice, bool], MenuOption]
) -> MenuChoice:
    options = (
        option(text, choice._replace(suffix=s), s == choice.suffix)
        for s, text in _FORMAT_LABELS.items()
    )
    return MenuChoice("Format", tuple(options))
