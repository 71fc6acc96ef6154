"""What belongs to a paper: code, data and project pages, named by a community or in its texts.

Derived from the record, not stored: only when code was first known is (`Paper.coded_at`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from papers.model.paper import Paper
from papers.text.links.paper_links import LinkKind, find_paper_links

MAX_RESOURCES: Final = 12
"""The most that are read of one paper; none of 30,950 recorded papers has more than six."""


class PaperResource(NamedTuple):
    """Code, data or a project page; `is_announced`: its authors say that it will be there."""

    url: str
    kind: LinkKind
    is_announced: bool


def paper_resources(paper: Paper) -> tuple[PaperResource, ...]:
    """Return a paper's code, project pages and data, in this order; each place once.

    What a community names comes first. Two mentions of one place are joined; what is available
    beats what is announced.
    """
    stated = [
        PaperResource(url, kind, False)
        for url, kind in ((paper.code, LinkKind.CODE), (paper.project, LinkKind.PROJECT))
        if url
    ]
    found = (*stated, *text_resources(paper.abstract, paper.comment))
    return _join(found) if len(found) > 1 else found


def has_code(paper: Paper) -> bool:
    """Return whether a paper's code is available; announced code is not."""
    return bool(paper.code) or texts_have_code(paper.abstract, paper.comment)


def has_project(paper: Paper) -> bool:
    """Return whether a paper has a project page."""
    if paper.project:
        return True
    found = text_resources(paper.abstract, paper.comment)
    return any(LinkKind.PROJECT in resource.kind for resource in found)


def texts_have_code(abstract: str, comment: str) -> bool:
    """Return whether an abstract or a comment has a link to available code."""
    found = text_resources(abstract, comment)
    return any(LinkKind.CODE in each.kind and not each.is_announced for each in found)


@lru_cache(maxsize=2048)
def text_resources(abstract: str, comment: str) -> tuple[PaperResource, ...]:
    """Return what an abstract and a comment name, in their order, at most `MAX_RESOURCES`.

    Cached: the merge, the index and the percolator read the same texts in turn.
    """
    links = find_paper_links(abstract) + find_paper_links(comment)
    found = [PaperResource(link.url, link.kind, link.is_announced) for link in links]
    return _join(found)[:MAX_RESOURCES] if found else ()


def _join(found: list[PaperResource] | tuple[PaperResource, ...]) -> tuple[PaperResource, ...]:
    """Return the resources with one for each place, ordered by kind, then as found."""
    places: dict[str, PaperResource] = {}
    for resource in found:
        place = _place(resource.url)
        known = places.get(place, resource)
        is_announced = known.is_announced and resource.is_announced
        places[place] = PaperResource(known.url, known.kind | resource.kind, is_announced)
    order = (LinkKind.CODE, LinkKind.PROJECT, LinkKind.DATA)
    return tuple(sorted(places.values(), key=lambda each: min(map(order.index, each.kind))))


def _place(url: str) -> str:
    """Return a key that is equal for two URLs of the same place."""
    rest = url.partition("://")[2].lower().removeprefix("www.")
    return rest.rstrip("/").removesuffix(".git").removesuffix("/index.html")
