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
from service.feeds.entry import HTML, Link, Listing
from service.markup.clean import category_name, line
from service.markup.latex_html import marked, plain

MOST_PAPERS: Final = 300
MOST_AUTHORS: Final = 3
_TOLD: Final = 3


def digest_of(
    papers: Sequence[Paper], *, id: str, name: str, when: str, url: str, at: datetime
) -> Listing:
    """The entry that lists papers, newest first.

    `name` is the keyword's, `when` the period in words, `url` the page of just these papers, `at`
    the moment the period was over.
    """
    many = f"{len(papers):,} paper{'' if len(papers) == 1 else 's'}"
    told = [_title(paper) for paper in papers[:_TOLD]]
    return Listing(
        id=id,
        title=f"{line(name)}: {many}, {when}",
        summary=f"{'; '.join(told)}{' …' if len(papers) > _TOLD else ''}",
        content=_contents(papers, url),
        links=(Link(url, "alternate", HTML, f"Papers of {when}"),),
        published=at,
        updated=at,
        touched=at,
    )


def _contents(papers: Sequence[Paper], url: str) -> Content:
    shown: list[str] = []
    plain: list[str] = []
    for heading, members in _by_category(papers[:MOST_PAPERS]):
        shown.append(f"<h3>{escape(heading, quote=False)}</h3><ul>")
        plain += [heading, ""]
        for paper in members:
            title, authors = _title(paper), _authors(paper.authors)
            by = f"<br/>{escape(authors, quote=False)}" if authors else ""
            shown.append(f'<li><a href="{escape(paper.id.url)}">{marked(title)}</a>{by}</li>')
            plain += [f"* {title}", *([f"  {authors}"] if authors else []), f"  {paper.id.url}"]
        shown.append("</ul>")
        plain.append("")
    if (more := len(papers) - MOST_PAPERS) > 0:
        shown.append(f'<p><a href="{escape(url)}">and {more:,} more</a></p>')
        plain.append(f"and {more:,} more: {url}")
    return Content("".join(shown), "\n".join(plain).strip())


def _by_category(papers: Iterable[Paper]) -> list[tuple[str, list[Paper]]]:
    """Papers under the name of their primary category, in the order of names."""
    groups: defaultdict[str, list[Paper]] = defaultdict(list)
    for paper in papers:
        name = category_name(paper.primary)
        groups[f"{name} ({line(paper.primary)})" if paper.primary else "Other"].append(paper)
    return sorted(groups.items())


def _title(paper: Paper) -> str:
    return plain(line(paper.title)) or str(paper.id)


def _authors(names: Sequence[str]) -> str:
    """The first names and how many more; never "and 1 more"."""
    known = [name for name in map(line, names) if name]
    if len(known) <= MOST_AUTHORS + 1:
        return ", ".join(known)
    return f"{', '.join(known[:MOST_AUTHORS])} and {len(known) - MOST_AUTHORS} more"
