"""JSON documents of the API and of `--json`: a paper, and the state of a task."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from papers.model.dates import code_known_at, published_at, updated_at
from papers.model.events import EventRef, revision_event
from papers.model.paper import Paper, Pick, Revision
from papers.model.resources import PaperResource, paper_resources
from papers.redis_backend.listings.changed_papers import PaperMove
from papers.state.communities import Community
from papers.state.keyword_record import Keyword
from papers.state.task_states import TaskState
from papers.suggestions.suggestion_counts import Suggestion
from papers.text.links.paper_links import LinkKind
from service.feeds import FORMATS
from service.markup.clean import clean_xml_text, single_line, valid_http_url
from service.markup.paper_text import author_names
from service.urls.keyword_urls import SearchUrls
from service.urls.params import DEFAULT_PARAMS


def paper_json(
    paper: Paper, matched: tuple[Keyword, ...] = (), event: EventRef | None = None
) -> dict[str, Any]:
    """Return all that is known of a paper; null if no source has stated it.

    `matched` are the keywords that it matches, if several were requested; `event` is the event that
    it is sorted by, in an order of events.
    """
    announced = paper.announce_type
    resources = paper_resources(paper)
    return {
        "id": str(paper.id),
        "url": paper.id.url,
        "pdf_url": paper.id.pdf_url,
        "title": single_line(paper.title) or None,
        "described_by": _describer(paper),
        "abstract": clean_xml_text(paper.abstract) or None,
        "authors": list(author_names(paper)),
        "primary_category": single_line(paper.primary) or None,
        "categories": [single_line(name) for name in paper.categories],
        "published": published_at(paper).isoformat(),
        "updated": updated_at(paper).isoformat(),
        "submitted": _iso_time(paper.submitted_at),
        "version": paper.version or None,
        "announce_type": announced.label if announced else None,
        "withdrawn": paper.withdrawn,
        **{
            name: single_line(getattr(paper, name)) or None
            for name in ("comment", "journal_ref", "doi")
        },
        **{
            name: valid_http_url(url) or None
            for name, url in (
                ("license", paper.license),
                ("code", _first_url(resources, LinkKind.CODE)),
                ("project", _first_url(resources, LinkKind.PROJECT)),
            )
        },
        "resources": [
            _resource_json(resource) for resource in resources if valid_http_url(resource.url)
        ],
        "organization": single_line(paper.organization) or None,
        "votes": paper.votes,
        "picks": [_pick_json(pick) for pick in paper.picks],
        "sources": [single_line(name) for name in paper.sources],
        "versions": [_version_json(paper, revision) for revision in paper.versions],
        "code_since": _iso_time(code_known_at(paper)),
        "keywords": [keyword.slug for keyword in matched] or None,
        "event": _event_json(event) if event else None,
    }


def _describer(paper: Paper) -> str | None:
    """Return whose words title and abstract are: arXiv's, or those of a community before that."""
    if not paper.is_described:
        return None
    return "community" if paper.is_in_community_words else "arxiv"


def _first_url(resources: Iterable[PaperResource], kind: LinkKind) -> str:
    """Return the first URL of a kind that is not only announced; empty if there is none."""
    found = (each.url for each in resources if kind in each.kind and not each.is_announced)
    return next(found, "")


def _resource_json(resource: PaperResource) -> dict[str, Any]:
    return {
        "url": valid_http_url(resource.url),
        "kinds": [kind.name.lower() for kind in LinkKind if kind in resource.kind and kind.name],
        "announced": resource.is_announced,
    }


def _version_json(paper: Paper, revision: Revision) -> dict[str, Any]:
    event = revision_event(paper, revision)
    return {"version": event.version, "announced": event.at.isoformat()}


def _event_json(event: EventRef) -> dict[str, Any]:
    return {"at": event.at.isoformat(), "version": event.version or None}


def keyword_json(keyword: Keyword, base_url: str) -> dict[str, Any]:
    """Return a saved keyword with its URLs."""
    urls = SearchUrls(base_url, keyword.slug, DEFAULT_PARAMS)
    return {
        "slug": keyword.slug,
        "name": single_line(keyword.name),
        "query": keyword.query,
        "added": keyword.added_at.isoformat(),
        "page": urls.url("page"),
        "feeds": {suffix: urls.url(suffix) for suffix in FORMATS},
    }


def community_json(feed: Community) -> dict[str, Any]:
    """Return a community feed, without the secrets of its URL."""
    return {"name": feed.name, "url": feed.display_url, "added": _iso_time(feed.added_at)}


def change_json(move: PaperMove, paper: Paper | None) -> dict[str, Any]:
    """Return the last change of a paper, and the paper as it is now; None if it is removed."""
    return {
        "id": str(move.id),
        "change": move.kind.name.lower() if paper else "removed",
        "at": move.at.isoformat(),
        "paper": paper_json(paper) if paper else None,
    }


def source_json(state: TaskState) -> dict[str, Any]:
    """Return the state of a task."""
    return {
        "name": state.name,
        "state": str(state.state),
        "since": state.since.isoformat(),
        "attempted": state.attempted_at.isoformat(),
        "succeeded": _iso_time(state.succeeded_at),
        "next": _iso_time(state.next_at),
        "said": single_line(state.said),
        "got": state.got,
        "usual": state.usual,
        "failures": state.failures,
    }


def suggestion_json(suggestion: Suggestion) -> dict[str, Any]:
    """Return what a keyword may be missing or mean, the keyword that says so, and what it finds."""
    return {
        "kind": suggestion.kind,
        "text": suggestion.term,
        "query": suggestion.query.display_text,
        "effect": suggestion.effect,
        "added_papers": suggestion.added_papers,
        "papers": suggestion.papers,
        "period": suggestion.period,
    }


def _pick_json(pick: Pick) -> dict[str, Any]:
    return {
        "community": single_line(pick.community),
        "picked": pick.picked_at.isoformat(),
        "url": valid_http_url(pick.url) or None,
        "discussion": valid_http_url(pick.discussion) or None,
        "votes": pick.votes,
        "comments": pick.comments,
        "submitter": single_line(pick.submitter) or None,
        "thumbnail": valid_http_url(pick.thumbnail) or None,
    }


def _iso_time(value: datetime | None) -> str | None:
    return value.isoformat() if value else None
