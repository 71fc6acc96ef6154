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
    from paperwire.operations.session import CommandSession


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
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ), migrate=False) as session:
        trial = _try("trial", url, session)
    print_result(_trial_json(trial), _trial_text(trial), as_json)
    if trial.fault:
        sys.exit(1)


@source.command("add")
@click.argument("name", required=False, default="")
@click.argument("url", required=False, default="")
@click.option("--preset", default="", help="Save a known feed: one of `source presets`.")
@click.option("--untried", is_flag=True, help="Save the feed without fetching it first.")
@json_option
def source_add(name: str, url: str, preset: str, untried: bool, as_json: bool) -> None:
    """Save a feed to be fetched every hour; an existing name gets the new URL.

    The feed is fetched once first, and is not saved if it cannot be read. With --preset, NAME is
    the preset's unless given.
    """
    from papers.config.settings import discover_settings
    from papers.state.communities import Communities, validate_feed
    from paperwire.operations.session import open_session

    name, url = _preset_feed(name, url, preset) if preset else (name, url)
    if not url:
        raise click.UsageError("a NAME and a URL are needed, or --preset")
    with open_session(discover_settings(os.environ)) as session:
        communities = Communities(session.redis, session.settings)
        feed = validate_feed(name, url, session.now)
        trial = None if untried else _try(feed.name, feed.url, session)
        if trial is None or not trial.fault:
            feed = communities.add(name, url, now=session.now)
    if trial and trial.fault:
        untried_hint = "nothing is saved; to save it all the same, add --untried"
        document = {**_feed_json(feed), "fault": trial.fault}
        print_result(document, f"{_trial_text(trial)}\n{untried_hint}", as_json)
        sys.exit(1)
    said = f"saved {_feed_line(feed)}" + (f"\n{trial.said}" if trial else "")
    print_result(_feed_json(feed), said, as_json)


@source.command("presets")
@json_option
def source_presets(as_json: bool) -> None:
    """List the known feeds, to be saved by `source add --preset NAME`."""
    from papers.config.community_presets import COMMUNITY_PRESETS

    rows = [
        {
            "name": name,
            "title": preset.title,
            "url": preset.url,
            "votes": preset.has_votes,
            "evidence": str(preset.evidence),
            "documentation": preset.documentation,
        }
        for name, preset in COMMUNITY_PRESETS.items()
    ]
    lines = [
        f"{row['name']}  {row['title']}\n"
        f"    {row['url']}\n"
        f"    {'votes' if row['votes'] else 'no votes'}; {row['evidence']}"
        for row in rows
    ]
    print_result(rows, "\n".join(lines), as_json)


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


def _preset_feed(name: str, url: str, preset: str) -> tuple[str, str]:
    """Return the name and URL of a preset. Raises UsageError if there is none, or a URL as well."""
    from papers.config.community_presets import COMMUNITY_PRESETS

    if preset not in COMMUNITY_PRESETS:
        names = ", ".join(COMMUNITY_PRESETS)
        raise click.UsageError(f"there is no preset {preset[:80]!r}; there are {names}")
    if url:
        raise click.UsageError("--preset has a URL of its own; leave yours out, or leave it out")
    return name or preset, COMMUNITY_PRESETS[preset].url


def _try(name: str, url: str, session: CommandSession) -> FeedTrial:
    from papers.state.feed_trials import FeedTrial
    from workers.trial import trial_fetcher, try_feed

    fetcher = trial_fetcher(session.redis, session.settings)
    return try_feed(FeedTrial("", name, url), fetcher, session.now)


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
