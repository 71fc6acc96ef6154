"""`paperwire source`: the community feeds, tried, saved, removed, listed."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from papers.state.communities import Community
    from papers.state.feed_trials import FeedTrial

_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def source() -> None:
    """Change the community feeds: any RSS or Atom whose entries name arXiv papers."""


@source.command("try")
@click.argument("url")
@_json_option
def source_try(url: str, as_json: bool) -> None:
    """Fetch a feed once and show what it would bring; nothing is kept."""
    from datetime import UTC, datetime

    from papers.config.settings import discover_settings
    from papers.state.feed_trials import FeedTrial
    from workers.trial import try_feed

    trial = try_feed(FeedTrial("", "trial", url), discover_settings(os.environ), datetime.now(UTC))
    _print_result(_trial_json(trial), _trial_text(trial), as_json)
    if trial.fault:
        sys.exit(1)


@source.command("add")
@click.argument("name")
@click.argument("url")
@_json_option
def source_add(name: str, url: str, as_json: bool) -> None:
    """Save a feed under a name: it is fetched every hour; a name that is there gets the new URL."""
    from papers.config.settings import discover_settings
    from papers.state.communities import Communities
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session:
        feed = Communities(session.redis, session.settings).add(name, url, now=session.now)
    _print_result(_feed_json(feed), f"saved {_feed_line(feed)}", as_json)


@source.command("remove")
@click.argument("name")
@_json_option
def source_remove(name: str, as_json: bool) -> None:
    """Fetch a saved feed no more; what it picked stays."""
    from papers.config.settings import discover_settings
    from papers.state.communities import Communities
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session:
        feed = Communities(session.redis, session.settings).remove(name)
    _print_result(_feed_json(feed), f"removed {_feed_line(feed)}", as_json)


@source.command("list")
@_json_option
def source_list(as_json: bool) -> None:
    """List the community feeds, saved ones and those of the settings."""
    from papers.config.settings import discover_settings
    from papers.state.communities import Communities
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session:
        feeds = Communities(session.redis, session.settings).all()
    text = "\n".join(map(_feed_line, feeds)) or "no community feed is there"
    _print_result([_feed_json(feed) for feed in feeds], text, as_json)


def _feed_json(feed: Community) -> dict[str, Any]:
    added = feed.added_at.isoformat() if feed.added_at else None
    return {"name": feed.name, "url": feed.url, "added": added}


def _feed_line(feed: Community) -> str:
    return f"{feed.name}  {feed.url}{'' if feed.is_saved else '  (settings)'}"


def _trial_json(trial: FeedTrial) -> dict[str, Any]:
    papers = [
        {"id": str(paper.id), "picked": paper.picked_at.isoformat(), "url": paper.url or None}
        for paper in trial.papers
    ]
    told = {"url": trial.url, "fault": trial.fault or None, "entries": trial.entries}
    return {**told, "named": trial.named, "papers": papers}


def _trial_text(trial: FeedTrial) -> str:
    if trial.fault:
        return f"it cannot be read: {trial.fault}"
    lines = [f"{paper.picked_at:%Y-%m-%d}  {paper.id}  {paper.url}" for paper in trial.papers]
    return "\n".join([trial.said, *lines])


def _print_result(document: Any, text: str, as_json: bool) -> None:
    click.echo(json.dumps(document, ensure_ascii=False, indent=2) if as_json else text)
