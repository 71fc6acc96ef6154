"""A digest entry: the papers of a day or week as a table of contents, by category.

It leaves out what changes after the period: abstracts, votes and withdrawals.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from typing import Final

from papers.counted import format_counted
from papers.model.paper import Paper
from service.feeds.content import Content
from service.feeds.entry import HTML_MEDIA_TYPE, DigestEntry, Link
from service.markup.clean import category_name, single_line
from service.markup.latex_html import tex_to_html
from service.markup.paper_text import author_line, author_names, plain_title

MAX_DIGEST_ENTRY_PAPERS: Final = 300
MAX_DIGEST_ENTRY_AUTHORS: Final = 3
_TITLES_IN_SUMMARY: Final = 3


def build_digest_entry(
    papers: Sequence[Paper], *, id: str, name: str, period_text: str, url: str, ended_at: datetime
) -> DigestEntry:
    """Build the entry that lists `papers`, newest first.

    `name` is the keyword's, `period_text` the period in words, `url` the page of just these papers,
    `ended_at` the end of the period.
    """
    count = format_counted(len(papers), "paper")
    titles = "; ".join(map(plain_title, papers[:_TITLES_IN_SUMMARY]))
    return DigestEntry(
        id=id,
        title=f"{single_line(name)}: {count}, {period_text}",
        summary=f"{titles}{' …' if len(papers) > _TITLES_IN_SUMMARY else ''}",
        content=_table_of_contents(papers, url),
        links=(Link(url, "alternate", HTML_MEDIA_TYPE, f"Papers of {period_text}"),),
        published=ended_at,
        updated=ended_at,
        last_activity_at=ended_at,
    )


def _table_of_contents(papers: Sequence[Paper], url: str) -> Content:
    html: list[str] = []
    plain: list[str] = []
    for heading, members in _group_by_category(papers[:MAX_DIGEST_ENTRY_PAPERS]):
        html.append(f"<h3>{escape(heading, quote=False)}</h3><ul>")
        plain += [heading, ""]
        for paper in members:
            title, authors = plain_title(paper), _authors(paper)
            by = f"<br/>{escape(authors, quote=False)}" if authors else ""
            html.append(f'<li><a href="{escape(paper.id.url)}">{tex_to_html(title)}</a>{by}</li>')
            plain += [f"* {title}", *([f"  {authors}"] if authors else []), f"  {paper.id.url}"]
        html.append("</ul>")
        plain.append("")
    if (more := len(papers) - MAX_DIGEST_ENTRY_PAPERS) > 0:
        html.append(f'<p><a href="{escape(url)}">and {more:,} more</a></p>')
        plain.append(f"and {more:,} more: {url}")
    return Content("".join(html), "\n".join(plain).strip())


def _group_by_category(papers: Iterable[Paper]) -> list[tuple[str, list[Paper]]]:
    """Return papers by the name of their primary category, sorted by name."""
    groups: defaultdict[str, list[Paper]] = defaultdict(list)
    for paper in papers:
        name = category_name(paper.primary)
        groups[f"{name} ({single_line(paper.primary)})" if paper.primary else "Other"].append(paper)
    return sorted(groups.items())


def _authors(paper: Paper) -> str:
    return author_line(author_names(paper), MAX_DIGEST_ENTRY_AUTHORS)
