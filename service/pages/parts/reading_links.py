"""Where a paper can be read: links to its PDF, HTML, code and to sites that show it."""

from __future__ import annotations

from typing import Final

from papers.model.paper import Paper
from service.feeds.entry import HTML_MEDIA_TYPE, Entry, Link

_FIRST_HTML_MONTH: Final = 202312
"""arXiv makes HTML of papers from that month on, where their sources allow it."""


def reading_links(entry: Entry) -> tuple[Link, ...]:
    """Return the links of a paper in a list: PDF, HTML, what belongs to it, alphaXiv.

    The entry of an event has its own address at arXiv, which comes first.
    """
    pdf, *others = [link for link in entry.links if link.rel == "related"]
    html = html_url(entry.paper)
    event = f"arXiv {entry.id.rpartition('/')[2]}" if entry.id != entry.paper.id.url else ""
    return (
        *((Link(entry.id, "related", HTML_MEDIA_TYPE, event),) if event else ()),
        pdf,
        *((Link(html, "related", HTML_MEDIA_TYPE, "HTML"),) if html else ()),
        *others,
        Link(alphaxiv_url(entry.paper), "related", HTML_MEDIA_TYPE, "alphaXiv"),
    )


def html_url(paper: Paper) -> str:
    """Return the URL of arXiv's HTML of a paper; empty for one from before there was any."""
    has_html = paper.id.month >= _FIRST_HTML_MONTH
    return paper.id.url.replace("/abs/", "/html/") if has_html else ""


def alphaxiv_url(paper: Paper) -> str:
    """Return the URL of a paper's page on alphaXiv."""
    return f"https://www.alphaxiv.org/abs/{paper.id}"
