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

from papers.errors import BadInput, BadParameter, NotFound, Unauthorized
from papers.state.communities import Community, community_task, validate_feed
from papers.state.feed_trials import FeedTrial, FeedTrials, TrialPaper
from papers.state.task_states import TaskState
from service.context import AppContext, context
from service.feeds.entry import Entry
from service.http.auth import require_form_token
from service.http.error_pages import status_of
from service.pages.parts import trial_requests
from service.pages.parts.page_response import HTML_CONTENT_TYPE, pages, uncached_page

MAX_TRIAL_PAPERS: Final = 8
_FORM_FIELDS: Final = ("token", "name", "url", "community")


@dataclass(frozen=True, slots=True)
class CommunityFeedRow:
    """A community feed in the list, with its source's state once it was fetched."""

    feed: Community
    state: TaskState | None


@dataclass(frozen=True, slots=True)
class TrialPaperRow:
    """A paper that a feed on trial names; `entry` is None while the paper is not here."""

    mention: TrialPaper
    entry: Entry | None


@pages.get("/manage/feeds")
def manage_feeds() -> Response:
    """The community feeds, and the forms that change them; `trial` names one to show."""
    ctx = context()
    if not (id := request.args.get("trial", "")):
        return _render_manage_feeds(
            ctx, {name: request.args.get(name, "") for name in ("name", "url")}
        )
    trial = FeedTrials(ctx.redis).get(id)
    return _render_manage_feeds(ctx, {"name": trial.name, "url": trial.url}, trial=trial)


@pages.post("/manage/feeds")
def managed_feeds() -> Response:
    """One trial or change; then the page again, with what came of it."""
    ctx = context()
    given = {name: request.form.get(name, "").strip() for name in _FORM_FIELDS}
    action = request.form.get("action", "")
    try:
        if action not in (*_ACTIONS, "try"):
            raise BadParameter("action", f"is none of try, {', '.join(_ACTIONS)}")
        require_form_token(ctx.settings, given["token"])
        if action == "try":
            return _render_manage_feeds(ctx, given, trial=_start_trial(ctx, given))
        said = _ACTIONS[action](ctx, given)
    except (BadInput, Unauthorized, NotFound) as error:
        return _render_manage_feeds(ctx, given, fault=str(error), status=status_of(error))
    return _render_manage_feeds(ctx, {"token": given["token"]}, said=said)


@pages.get("/manage/feeds/trials/<id>")
def trial(id: str) -> Response:
    """What a trial brought, as a piece of the page."""
    ctx = context()
    found = FeedTrials(ctx.redis).get(id)
    body = render_template("_trial.html", trial=found, named=_trial_papers(ctx, found))
    return Response(body, headers={"Cache-Control": "no-store"}, content_type=HTML_CONTENT_TYPE)


def _start_trial(ctx: AppContext, given: Mapping[str, str]) -> FeedTrial:
    ctx.consume_quota()
    feed = validate_feed(given["name"], given["url"], ctx.now())
    return trial_requests.enqueue_trial(ctx, feed.name, feed.url)


def _render_manage_feeds(
    ctx: AppContext, given: Mapping[str, str], *, status: int = 200, **came: Any
) -> Response:
    states = {state.name: state for state in ctx.source_states.all()}
    tried: FeedTrial | None = came.get("trial")
    response = uncached_page(
        "manage_feeds.html",
        rows=[
            CommunityFeedRow(feed, states.get(community_task(feed.name)))
            for feed in ctx.communities.all()
        ],
        given=given,
        writable=bool(ctx.settings.token),
        named=_trial_papers(ctx, tried) if tried else [],
        **{"said": "", "fault": "", "trial": None, **came},
    )
    response.status_code = status
    return response


def _trial_papers(ctx: AppContext, trial: FeedTrial) -> list[TrialPaperRow]:
    """The newest papers of a trial, those known here with their titles."""
    papers = trial.papers[:MAX_TRIAL_PAPERS]
    known = ctx.store.get_papers([paper.id for paper in papers])
    return [
        TrialPaperRow(brought, Entry(paper) if paper and paper.is_described else None)
        for brought, paper in zip(papers, known, strict=True)
    ]


def _save(ctx: AppContext, given: Mapping[str, str]) -> str:
    feed = ctx.communities.add(given["name"], given["url"], now=ctx.now())
    return f"{feed.name} is saved; it is fetched now, and every hour."


def _remove(ctx: AppContext, given: Mapping[str, str]) -> str:
    feed = ctx.communities.remove(given["community"])
    return f"{feed.name} is fetched no more. What it picked stays."


_ACTIONS: Final[dict[str, Callable[[AppContext, Mapping[str, str]], str]]] = {
    "save": _save,
    "remove": _remove,
}
