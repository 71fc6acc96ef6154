"""The page that manages community feeds: anyone may read it, changes require the token.

    form ─▶ try: a worker fetches the feed once, the page polls for the result; nothing is saved
         ─▶ save, remove ─▶ the scheduler starts or stops fetching it

A trial makes this host fetch a URL, so it requires the token as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import Response, request

from papers.config.community_presets import COMMUNITY_PRESETS
from papers.errors import BadInput, BadParameter, NotFound, ScopeMissing, Unauthorized
from papers.state.communities import Community, community_task, validate_feed
from papers.state.feed_trials import FeedTrial, FeedTrials, TrialPaper
from papers.state.task_states import TaskState
from service.context import AppContext, context
from service.feeds.entry import Entry
from service.http.error_pages import status_of
from service.pages.manage.token_access import describe_access
from service.pages.parts import trial_requests
from service.pages.parts.page_response import pages, uncached_page

MAX_TRIAL_PAPERS: Final = 8
_FORM_FIELDS: Final = ("token", "name", "url", "community")


@dataclass(frozen=True, slots=True)
class CommunityFeedRow:
    """A community feed in the list; `state` is None before its first fetch."""

    feed: Community
    state: TaskState | None


@dataclass(frozen=True, slots=True)
class TrialPaperRow:
    """A paper that a feed on trial mentions; `entry` is None if the store has no such paper."""

    mention: TrialPaper
    entry: Entry | None


@pages.get("/manage/feeds")
def manage_feeds() -> Response:
    """Return the community feeds and the forms that change them; `trial` is the id of a trial."""
    ctx = context()
    if not (id := request.args.get("trial", "")):
        return _render_manage_feeds(
            ctx, {name: request.args.get(name, "") for name in ("name", "url")}
        )
    trial = FeedTrials(ctx.redis).get(id)
    url = trial.url if trial.url == trial.display_url else ""  # whoever has it types it again
    return _render_manage_feeds(ctx, {"name": trial.name, "url": url}, trial=trial)


@pages.post("/manage/feeds")
def managed_feeds() -> Response:
    """Start a trial or make a change; return the page with the result."""
    ctx = context()
    given = {name: request.form.get(name, "").strip() for name in _FORM_FIELDS}
    action = request.form.get("action", "")
    try:
        if action not in (*_ACTIONS, "try"):
            raise BadParameter("action", f"is none of try, {', '.join(_ACTIONS)}")
        ctx.token_guard.require_form(given["token"], request.headers, "sources")
        if action == "try":
            return _render_manage_feeds(ctx, given, trial=_start_trial(ctx, given))
        message = _ACTIONS[action](ctx, given)
    except (BadInput, Unauthorized, ScopeMissing, NotFound) as error:
        return _render_manage_feeds(ctx, given, error=str(error), status=status_of(error))
    return _render_manage_feeds(ctx, {"token": given["token"]}, message=message)


@pages.get("/manage/feeds/trials/<id>")
def trial(id: str) -> Response:
    """Return the result of a trial as a fragment of the page."""
    ctx = context()
    found = FeedTrials(ctx.redis).get(id)
    return uncached_page("_trial.html", trial=found, papers=_trial_papers(ctx, found))


def _start_trial(ctx: AppContext, given: Mapping[str, str]) -> FeedTrial:
    ctx.quota.spend_question()
    feed = validate_feed(given["name"], given["url"], ctx.now())
    return trial_requests.enqueue_trial(ctx, feed.name, feed.url)


def _render_manage_feeds(
    ctx: AppContext, given: Mapping[str, str], *, status: int = 200, **result: Any
) -> Response:
    states = {state.name: state for state in ctx.source_states.all()}
    tried: FeedTrial | None = result.get("trial")
    return uncached_page(
        "manage_feeds.html",
        status=status,
        rows=[
            CommunityFeedRow(feed, states.get(community_task(feed.name)))
            for feed in ctx.communities.all()
        ],
        given={**dict.fromkeys(_FORM_FIELDS, ""), **given},
        access=describe_access(ctx),
        presets=COMMUNITY_PRESETS,
        papers=_trial_papers(ctx, tried) if tried else [],
        **{"message": "", "error": "", "trial": None, **result},
    )


def _trial_papers(ctx: AppContext, trial: FeedTrial) -> list[TrialPaperRow]:
    """Return the newest papers of a trial, with entries of those in the store."""
    mentions = trial.papers[:MAX_TRIAL_PAPERS]
    known = ctx.store.get_papers([mention.id for mention in mentions])
    return [
        TrialPaperRow(mention, Entry(paper) if paper and paper.is_described else None)
        for mention, paper in zip(mentions, known, strict=True)
    ]


def _save(ctx: AppContext, given: Mapping[str, str]) -> str:
    feed = ctx.communities.add(given["name"], given["url"], now=ctx.now())
    return f"{feed.name} is saved; it is fetched now, and every hour."


def _remove(ctx: AppContext, given: Mapping[str, str]) -> str:
    feed = ctx.communities.remove(given["community"])
    return f"{feed.name} is no longer fetched. Its picks stay."


_ACTIONS: Final[dict[str, Callable[[AppContext, Mapping[str, str]], str]]] = {
    "save": _save,
    "remove": _remove,
}
