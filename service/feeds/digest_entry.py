"""The papers of a day or week as one entry: a table of contents, by category.

It says what does not move when a paper is revised: titles and names as they were, no abstracts, no
votes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from typing import Final

from papers.model.paper import Paper
from service.feeds.content import Content
from service.feeds.entry import HTML_MEDIA_TYPE, DigestEntry, Link
from service.markup.clean import category_name, single_line
from service.markup.latex_html import tex_to_html, tex_to_text

MAX_DIGEST_ENTRY_PAPERS: Final = 300
MAX_DIGEST_ENTRY_AUTHORS: Final = 3
_TITLES_IN_SUMMARY: Final = 3


def build_digest_entry(
    papers: Sequence[Paper], *, id: str, name: str, period_text: str, url: str, ended_at: datetime
) -> DigestEntry:
    """The entry that lists papers, newest first.

    `name` is the keyword's, `when` the period in words, `url` the page of just these papers, `at`
    the moment the period was over.
    """
    many = f"{len(papers):,} paper{'' if len(papers) == 1 else 's'}"
    told = [_title_text(paper) for paper in papers[:_TITLES_IN_SUMMARY]]
    return DigestEntry(
        id=id,
        title=f"{single_line(name)}: {many}, {period_text}",
        summary=f"{'; '.join(told)}{' …' if len(papers) > _TITLES_IN_SUMMARY else ''}",
        content=_table_of_contents(papers, url),
        links=(Link(url, "alternate", HTML_MEDIA_TYPE, f"Papers of {period_text}"),),
        published=ended_at,
        updated=ended_at,
        last_activity_at=ended_at,
    )


def _table_of_contents(papers: Sequence[Paper], url: str) -> Content:
    shown: list[str] = []
    plain: list[str] = []
    for heading, members in _group_by_category(papers[:MAX_DIGEST_ENTRY_PAPERS]):
        shown.append(f"<h3>{escape(heading, quote=False)}</h3><ul>")
        plain += [heading, ""]
        for paper in members:
            title, authors = _title_text(paper), _format_authors(paper.authors)
            by = f"<br/>{escape(authors, quote=False)}" if authors else ""
            shown.append(f'<li><a href="{escape(paper.id.url)}">{tex_to_html(title)}</a>{by}</li>')
            plain += [f"* {title}", *([f"  {authors}"] if authors else []), f"  {paper.id.url}"]
        shown.append("</ul>")
        plain.append("")
    if (more := len(papers) - MAX_DIGEST_ENTRY_PAPERS) > 0:
        shown.append(f'<p><a href="{escape(url)}">and {more:,} more</a></p>')
        plain.append(f"and {more:,} more: {url}")
    return Content("".join(shown), "\n".join(plain).strip())


def _group_by_category(papers: Iterable[Paper]) -> list[tuple[str, list[Paper]]]:
    """Papers under the name of their primary category, in the order of names."""
    groups: defaultdict[str, list[Paper]] = defaultdict(list)
    for paper in papers:
        name = category_name(paper.primary)
        groups[f"{name} ({single_line(paper.primary)})" if paper.primary else "Other"].append(paper)
    return sorted(groups.items())


def _title_text(paper: Paper) -> str:
    return tex_to_text(single_line(paper.title)) or str(paper.id)


def _format_authors(names: Sequence[str]) -> str:
    """The first names and how many more; never "and 1 more"."""
    known = [name for name in map(single_line, names) if name]
    if len(known) <= MAX_DIGEST_ENTRY_AUTHORS + 1:
        return ", ".join(known)
    shown, hidden = known[:MAX_DIGEST_ENTRY_AUTHORS], len(known) - MAX_DIGEST_ENTRY_AUTHORS
    return f"{', '.join(shown)} and {hidden} more"
