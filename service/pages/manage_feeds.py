"""Managing the community feeds: looked at by anyone, changed by whoever has the token.

    form ─▶ try: a worker fetches the feed once, the page asks for what came; nothing is kept
         ─▶ save, remove: with the token ─▶ the scheduler takes it up, or lets it go

Whoever tries a feed has this machine fetch an address, so that wants the token as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import Response, render_template, request

from papers.errors import BadInput, BadParameter, NotAllowed, NotFound
from papers.state.communities import Community, checked, community_task
from papers.state.feed_trials import Brought, Trial, Trials
from papers.state.task_states import SourceState
from service.context import Desk, desk
from service.feeds.entry import Entry
from service.http.auth import require_in_form
from service.http.error_pages import status_of
from service.pages.parts import trial_requests
from service.pages.parts.page_response import HTML, fresh, pages

PAPERS_SHOWN: Final = 8
_FIELDS: Final = ("token", "name", "url", "community")


@dataclass(frozen=True, slots=True)
class Row:
    """A community feed in the list, with its source's state once it was fetched."""

    feed: Community
    state: SourceState | None


@dataclass(frozen=True, slots=True)
class Named:
    """A paper that a feed on trial names; `entry` is None while the paper is not here."""

    brought: Brought
    entry: Entry | None


@pages.get("/manage/feeds")
def manage_feeds() -> Response:
    """The community feeds, and the forms that change them; `trial` names one to show."""
    at = desk()
    if not (id := request.args.get("trial", "")):
        return _shown(at, {name: request.args.get(name, "") for name in ("name", "url")})
    trial = Trials(at.redis).get(id)
    return _shown(at, {"name": trial.name, "url": trial.url}, trial=trial)


@pages.post("/manage/feeds")
def managed_feeds() -> Response:
    """One trial or change; then the page again, with what came of it."""
    at = desk()
    given = {name: request.form.get(name, "").strip() for name in _FIELDS}
    action = request.form.get("action", "")
    try:
        if action not in (*_CHANGES, "try"):
            raise BadParameter("action", f"is none of try, {', '.join(_CHANGES)}")
        require_in_form(at.settings, given["token"])
        if action == "try":
            return _shown(at, given, trial=_trial(at, given))
        said = _CHANGES[action](at, given)
    except (BadInput, NotAllowed, NotFound) as error:
        return _shown(at, given, fault=str(error), status=status_of(error))
    return _shown(at, {"token": given["token"]}, said=said)


@pages.get("/manage/feeds/trials/<id>")
def trial(id: str) -> Response:
    """What a trial brought, as a piece of the page."""
    at = desk()
    found = Trials(at.redis).get(id)
    body = render_template("_trial.html", trial=found, named=_named(at, found))
    return Response(body, headers={"Cache-Control": "no-store"}, content_type=HTML)


def _trial(at: Desk, given: Mapping[str, str]) -> Trial:
    at.rates.spend(request.remote_addr or "")
    feed = checked(given["name"], given["url"], at.now())
    return trial_requests.begin(at, feed.name, feed.url)


def _shown(at: Desk, given: Mapping[str, str], *, status: int = 200, **came: Any) -> Response:
    states = {state.name: state for state in at.states.all()}
    tried: Trial | None = came.get("trial")
    response = fresh(
        "manage_feeds.html",
        rows=[Row(feed, states.get(community_task(feed.name))) for feed in at.communities.all()],
        given=given,
        writable=bool(at.settings.token),
        named=_named(at, tried) if tried else [],
        **{"said": "", "fault": "", "trial": None, **came},
    )
    response.status_code = status
    return response


def _named(at: Desk, trial: Trial) -> list[Named]:
    """The newest papers of a trial, those known here with their titles."""
    papers = trial.papers[:PAPERS_SHOWN]
    known = at.store.papers([paper.id for paper in papers])
    return [
        Named(brought, Entry(paper) if paper and paper.described else None)
        for brought, paper in zip(papers, known, strict=True)
    ]


def _save(at: Desk, given: Mapping[str, str]) -> str:
    feed = at.communities.add(given["name"], given["url"], now=at.now())
    return f"{feed.name} is saved; it is fetched now, and every hour."


def _remove(at: Desk, given: Mapping[str, str]) -> str:
    feed = at.communities.remove(given["community"])
    return f"{feed.name} is fetched no more. What it picked stays."


_CHANGES: Final[dict[str, Callable[[Desk, Mapping[str, str]], str]]] = {
    "save": _save,
    "remove": _remove,
}
