"""`paperwire source`: try, save, remove and list community feeds."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from paperwire.commands.options import json_option, print_result

if TYPE_CHECKING:
    from papers.state.communities import Community
    from papers.state.feed_trials import FeedTrial


@click.group()
def source() -> None:
    """Manage the community feeds.

    A community feed is an RSS or Atom feed whose entries link to arXiv papers.
    """


@source.command("try")
@click.argument("url")
@json_option
def source_try(url: str, as_json: bool) -> None:
    """Fetch a feed once and show its papers; nothing is saved."""
    from papers.config.settings import discover_settings
    from papers.state.feed_trials import FeedTrial
    from paperwire.operations.session import open_session
    from workers.trial import trial_fetcher, try_feed

    with open_session(discover_settings(os.environ), migrate=False) as session:
        fetcher = trial_fetcher(session.redis, session.settings)
        trial = try_feed(FeedTrial("", "trial", url), fetcher, session.now)
    print_result(_trial_json(trial), _trial_text(trial), as_json)
    if trial.fault:
        sys.exit(1)


@source.command("add")
@click.argument("name")
@click.argument("url")
@json_option
def source_add(name: str, url: str, as_json: bool) -> None:
    """Save a feed to be fetched every hour; an existing name gets the new URL."""
    from papers.config.settings import discover_settings
    from papers.state.communities import Communities
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session:
        feed = Communities(session.redis, session.settings).add(name, url, now=session.now)
    print_result(_feed_json(feed), f"saved {_feed_line(feed)}", as_json)


@source.command("remove")
@click.argument("name")
@json_option
def source_remove(name: str, as_json: bool) -> None:
    """Remove a saved feed; its picks stay."""
    from papers.config.settings import discover_settings
    from papers.state.communities import Communities
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session:
        feed = Communities(session.redis, session.settings).remove(name)
    print_result(_feed_json(feed), f"removed {_feed_line(feed)}", as_json)


@source.command("list")
@json_option
def source_list(as_json: bool) -> None:
    """List the community feeds, both saved and from the settings."""
    from papers.config.settings import discover_settings
    from papers.state.communities import Communities
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session:
        feeds = Communities(session.redis, session.settings).all()
    text = "\n".join(map(_feed_line, feeds)) or "there are no community feeds"
    print_result([_feed_json(feed) for feed in feeds], text, as_json)


def _feed_json(feed: Community) -> dict[str, Any]:
    added = feed.added_at.isoformat() if feed.added_at else None
    return {"name": feed.name, "url": feed.display_url, "added": added}


def _feed_line(feed: Community) -> str:
    return f"{feed.name}  {feed.display_url}{'' if feed.is_saved else '  (settings)'}"


def _trial_json(trial: FeedTrial) -> dict[str, Any]:
    papers = [
        {"id": str(paper.id), "picked": paper.picked_at.isoformat(), "url": paper.url or None}
        for paper in trial.papers
    ]
    return {
        "url": trial.url,
        "fault": trial.fault or None,
        "entries": trial.entries,
        "named": trial.named,
        "papers": papers,
    }


def _trial_text(trial: FeedTrial) -> str:
    if trial.fault:
        return f"the feed cannot be read: {trial.fault}"
    lines = [f"{paper.picked_at:%Y-%m-%d}  {paper.id}  {paper.url}" for paper in trial.papers]
    return "\n".join([trial.said, *lines])
