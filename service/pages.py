"""Pages to read: the saved keywords, one keyword's papers, a search, the state of things."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from typing import Final

from flask import Blueprint, Response, render_template, request
from markupsafe import Markup

from papers.keywords import Keyword
from papers.query import parse
from papers.search import Ask
from service.addresses import SEARCH, Address
from service.caching import EVERY_KEYWORD
from service.desk import Desk, Found, desk
from service.feeds.entry import Entry, entry_of, lead_of
from service.feeds.mathematics import excerpt, marked
from service.feeds.text import line, link, source_name
from service.params import Asked
from service.serving import redirected
from service.source_lines import summary, task_name, trouble

pages = Blueprint("pages", __name__)
HTML: Final = "text/html; charset=utf-8"
HOME_PAPERS: Final = 5
PAGE_SECONDS: Final = 60
"""How long a browser may show a page again without asking: people, unlike readers, look twice."""
EXCERPT_CHARACTERS: Final = 240
_NO_OPTIONS: Final = Asked(None, {})


@pages.get("/")
def home() -> Response:
    """The saved keywords with their newest papers."""
    at = desk()
    return redirected(request, "/") or at.serve(
        "/",
        lambda: _home(at),
        content_type=HTML,
        keywords=(EVERY_KEYWORD,),
        most_seconds=PAGE_SECONDS,
    )


@pages.get("/k/<name>")
def keyword(name: str) -> Response:
    """The papers of a saved keyword."""
    return _papers(name)


@pages.get("/search")
def search() -> Response:
    """The papers of any keyword; without one, a form and how keywords are written."""
    if any(not name.startswith("utm_") for name in request.args):
        return _papers(SEARCH)
    page = render_template("search.html", q="")
    return Response(page, headers={"Cache-Control": "public, max-age=3600"}, content_type=HTML)


@pages.get("/status")
def status() -> Response:
    """The sources, what is under way, what is due."""
    at = desk()
    page = render_template(
        "status.html",
        states=at.states.all(),
        runs=at.states.progress(),
        planned=at.states.planned(),
        aside=len(at.states.quarantined(1_000)),
        size=at.store.size(),
        name=task_name,
    )
    return Response(page, headers={"Cache-Control": "no-store"}, content_type=HTML)


def register_filters(env_filters: dict[str, object]) -> None:
    """What the templates call: dates in words, names of sources."""
    env_filters["day"] = day
    env_filters["moment"] = moment
    env_filters["source_name"] = source_name
    env_filters["http_link"] = link
    env_filters["mathematics"] = mathematics
    env_filters["excerpt"] = beginning


def mathematics(text: str) -> Markup:
    """A line of foreign text, its mathematics as MathML."""
    return Markup(marked(text))  # escaped there


def beginning(text: str) -> Markup:
    """The beginning of an abstract, its mathematics as MathML."""
    return Markup(excerpt(line(text), EXCERPT_CHARACTERS))  # escaped there


def day(value: date) -> str:
    """A day in words: `20 November 2026`."""
    return f"{value.day} {value:%B %Y}"


def moment(value: datetime | None) -> str:
    """A time to the minute, in UTC."""
    return f"{value:%Y-%m-%d %H:%M} UTC" if value else "–"


def _papers(name: str) -> Response:
    at = desk()
    address = at.address(name)
    path = address.path("page")
    return redirected(request, path) or at.serve(
        path,
        lambda: _papers_page(at.find(address)),
        content_type=HTML,
        keywords=address.keywords,
        most_seconds=PAGE_SECONDS,
    )


def _papers_page(found: Found) -> bytes:
    address, following = found.address, found.page.next
    return render_template(
        "papers.html",
        found=found,
        address=address,
        feeds=address.feeds,
        atom_url=address.after("").url("atom"),
        api_path=address.api_path,
        groups=_by_day(found),
        next_path=address.after(following).path("page") if following else "",
        trouble=trouble(found.states),
        q="" if found.keywords else found.query.canonical,
    ).encode()


def _by_day(found: Found) -> list[tuple[date, list[Entry]]]:
    """The entries under the days they were announced, or picked; newest day first."""
    days: defaultdict[date, list[Entry]] = defaultdict(list)
    for paper in found.page.papers:
        lead = lead_of(paper, found.ask.source) if found.picked else None
        entry = entry_of(paper, keywords=tuple(keyword.slug for keyword in found.met(paper)))
        days[lead.picked_at.date() if lead else entry.published.date()].append(entry)
    return sorted(days.items(), reverse=True)


def _home(at: Desk) -> bytes:
    keywords = at.keywords.all()
    return render_template(
        "home.html",
        columns=[_column(at, keyword) for keyword in keywords],
        empty=at.store.size() == 0,
        sources=summary(at.states.all()),
        q="",
    ).encode()


def _column(at: Desk, keyword: Keyword) -> tuple[Keyword, Address, list[Entry]]:
    address = Address(at.settings.base_url, keyword.slug, _NO_OPTIONS)
    page = at.store.search(Ask(query=parse(keyword.query), limit=HOME_PAPERS))
    return keyword, address, [entry_of(paper) for paper in page.papers]
