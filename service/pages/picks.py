"""What communities picked on a day, in a week, in a month, and what is picked and voted for now."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from flask import Response, render_template, request

from papers.model.paper import Paper, Pick
from papers.model.periods import Kind as Rhythm
from papers.model.periods import Period
from papers.query.ast import Kind, Label, any_of
from papers.query.parser import Query, parse
from papers.query.request import EVERY_TYPE, Ask
from papers.search.percolate import met_by
from papers.state.keywords import Keyword
from service.cache.version_stamp import EVERY_KEYWORD
from service.context import Desk, desk
from service.feeds.entry import Entry, lead_of
from service.pages.parts.highlight import Shown, shown
from service.pages.parts.page_response import kept, moved, pages
from service.urls.keyword_urls import SEARCH, Address, joined
from service.urls.params import Asked

RHYTHMS: Final[dict[str, Rhythm]] = {"daily": "day", "weekly": "week", "monthly": "month"}
MOST_LOOKED_AT: Final = 2_000
MOST_SHOWN: Final = 50
TRENDING: Final = timedelta(days=14)
_FADING: Final = 1.5


@dataclass(frozen=True, slots=True)
class Picked:
    """A picked paper on a page: its first pick, its votes and comments, the keywords it meets."""

    shown: Shown
    lead: Pick
    votes: int
    comments: int
    met: tuple[Keyword, ...]


@pages.get("/<any(daily, weekly, monthly):rhythm>")
def newest_picks(rhythm: str) -> Response:
    """The newest day, week or month that has picks."""
    at = desk()
    newest = newest_pick(at)
    period = Period.of(RHYTHMS[rhythm], newest or at.now().date())
    return moved(_path(f"/{rhythm}/{period.name}", _filter()))


@pages.get("/<any(daily, weekly, monthly):rhythm>/<period>")
def picks(rhythm: str, period: str) -> Response:
    """The picks of one day (`2026-05-12`), week (`2026-W20`) or month (`2026-05`).

    With `q` only those that match it.
    """
    at, asked, query = desk(), Period.named(RHYTHMS[rhythm], period), _filter()
    return kept(
        _path(f"/{rhythm}/{asked.name}", query),
        lambda: _page(at, rhythm, asked, query),
        keywords=(EVERY_KEYWORD,),
        archive=True,
    )


@pages.get("/trending")
def trending() -> Response:
    """The picks of the last two weeks, those most voted for in the least time first."""
    at, query = desk(), _filter()
    path = _path("/trending", query)
    return kept(path, lambda: _trending(at, query), keywords=(EVERY_KEYWORD,))


def _filter() -> Query | None:
    """The keyword that picks are narrowed to. Raises BadQuery."""
    text = request.args.get("q", "").strip()
    return parse(text) if text else None


def _path(place: str, query: Query | None) -> str:
    return joined(place, Asked(query, {}).spelled)


def newest_pick(at: Desk) -> date | None:
    """The day of the newest pick; None where there is none."""
    page = at.store.search(_question(at, limit=1))
    return max((_lead(paper).picked_at.date() for paper in page.papers), default=None)


def picked_in(at: Desk, first: date, last: date, query: Query | None = None) -> list[Paper]:
    """The papers picked first on one of these days that match, the most votes first."""
    page = at.store.search(_question(at, query, since=first, until=last, limit=MOST_LOOKED_AT))
    return sorted(page.papers, key=lambda paper: (-(paper.votes or 0), paper.id))


def shown_pick(paper: Paper, keywords: Sequence[Keyword], query: Query | None = None) -> Picked:
    """A picked paper as pages show it to whoever asked for `query`."""
    comments = sum(pick.comments or 0 for pick in paper.picks)
    return Picked(
        shown(Entry(paper), query),
        _lead(paper),
        paper.votes or 0,
        comments,
        met_by(paper, keywords),
    )


def _page(at: Desk, rhythm: str, period: Period, query: Query | None) -> bytes:
    papers = picked_in(at, period.first, period.last, query)
    newest = newest_pick(at)
    following = period.after if newest and period.after.first <= newest else None
    address = _address(at, query, period.first, period.last)
    return _rendered(
        at,
        papers,
        address,
        query,
        f"/{rhythm}/{period.name}",
        title=f"Picked {_IN[rhythm]} {period.words}",
        about="",
        rhythm=rhythm,
        before=_path(f"/{rhythm}/{period.before.name}", query),
        after=_path(f"/{rhythm}/{following.name}", query) if following else "",
        periods=_others(period, query),
        year=period.first.year,
    )


def _trending(at: Desk, query: Query | None) -> bytes:
    newest = newest_pick(at)
    papers = picked_in(at, newest - TRENDING, newest, query) if newest else []
    ranked = sorted(papers, key=lambda paper: (-_heat(paper, newest or date.min), paper.id))
    return _rendered(
        at,
        ranked,
        _address(at, query, newest - TRENDING if newest else None, None),
        query,
        "/trending",
        title="Trending",
        about="Picked in the last two weeks; many votes in little time come first.",
        rhythm="trending",
        before="",
        after="",
        periods=_others(Period.of("day", newest), query) if newest else [],
        year=newest.year if newest else 0,
    )


def _rendered(
    at: Desk,
    papers: Sequence[Paper],
    address: Address,
    query: Query | None,
    place: str,
    **said: object,
) -> bytes:
    keywords = at.keywords.all()
    return render_template(
        "picks.html",
        picks=[shown_pick(paper, keywords, query) for paper in papers[:MOST_SHOWN]],
        total=len(papers),
        feeds=address.feeds,
        atom_url=address.url("atom"),
        list_path=address.path("page"),
        thumbnails=at.settings.thumbnails,
        query=query.canonical if query else "",
        place=place,
        trending=_path("/trending", query),
        q="",
        **said,
    ).encode()


def _heat(paper: Paper, newest: date) -> float:
    """Votes, fading with the days since the pick."""
    days = (newest - _lead(paper).picked_at.date()).days
    return (paper.votes or 0) / math.pow(days + 2, _FADING)


def _lead(paper: Paper) -> Pick:
    """The first pick; whoever asks for picked papers gets papers that have one."""
    lead = lead_of(paper)
    assert lead is not None, paper.id
    return lead


def _others(period: Period, query: Query | None) -> list[tuple[str, str]]:
    """The same time by the other rhythms, as name and path."""
    return [
        (rhythm, _path(f"/{rhythm}/{Period.of(kind, period.first).name}", query))
        for rhythm, kind in RHYTHMS.items()
    ]


def _question(at: Desk, query: Query | None = None, **more: object) -> Ask:
    """What asks for picked papers: all of them, or those that match."""
    communities = (Label(Kind.SOURCE, source) for source in at.sources if source != "arxiv")
    wanted = query or Query(any_of(communities))
    return replace(Ask(query=wanted, order="picked", types=EVERY_TYPE), **more)  # type: ignore[arg-type]


def _address(at: Desk, query: Query | None, since: date | None, until: date | None) -> Address:
    """The address of the same papers as a search: that is where their feeds are."""
    ask = _question(at, query)
    days = {"since": since, "until": until}
    options = {"order": ask.order, "types": ask.types, **{n: d for n, d in days.items() if d}}
    return Address(at.settings.base_url, SEARCH, Asked(ask.query, options))


_IN: Final = {"daily": "on", "weekly": "in", "monthly": "in"}
