"""The table of the day: a Markdown page with the newest papers of each keyword.

The form is that of the DailyArXiv repositories: a section a keyword, a row a paper, long text
folded. Nothing in it tells when it was made: the same papers give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from papers.model.merge import published_at, updated_at
from papers.model.paper import Paper
from service.exports.markdown_text import cell, label
from service.markup.clean import line, paragraphs
from service.markup.latex_html import plain

CONTENT_TYPE: Final = "text/markdown; charset=utf-8"
SHORT: Final = 20
"""Characters of a comment that is shown as it is; a longer one is folded."""
_SHOWN: Final = 5
_HEAD: Final = """\
| **Title** | **Date** | **Abstract** | **Comment** |
| --- | --- | --- | --- |
"""


@dataclass(frozen=True, slots=True)
class Section:
    """A keyword's name and its papers, newest first."""

    name: str
    papers: tuple[Paper, ...]


def render(sections: Sequence[Section], *, rows: int, site_url: str) -> bytes:
    """The page; `rows` is how many papers a keyword may have here."""
    return "".join(_page(sections, rows, site_url)).encode()


def last_update(sections: Sequence[Section]) -> str:
    """The day of the newest thing that is told, in UTC; in words where there is nothing."""
    moments = [updated_at(paper) for section in sections for paper in section.papers]
    return str(max(moments).date()) if moments else "none yet"


def _page(sections: Sequence[Section], rows: int, site_url: str) -> Iterator[str]:
    yield "# Daily Papers\n"
    yield "The newest papers from arXiv for each keyword, newest first.\n\n"
    yield f"The subheadings are the keywords; each is a feed at <{site_url}>.\n\n"
    yield f"Each keyword has {rows} papers at most.\n\n"
    yield f"Last update: {last_update(sections)}\n"
    for section in sections:
        yield f"\n## {label(section.name)}\n{_HEAD}"
        for paper in section.papers:
            yield f"| {' | '.join(_cells(paper))} |\n"


def _cells(paper: Paper) -> tuple[str, str, str, str]:
    title = label(plain(line(paper.title)) or str(paper.id))
    mark = label("[Withdrawn] ") if paper.withdrawn else ""
    abstract = [cell(paragraph) for paragraph in paragraphs(paper.abstract)]
    return (
        f"**[{mark}{title}]({paper.id.url})**",
        str(published_at(paper).date()),
        _folded("Show", abstract) if abstract else "",
        _comment(line(paper.comment)),
    )


def _comment(comment: str) -> str:
    if len(comment) <= SHORT:
        return cell(comment)
    return _folded(f"{label(comment[:_SHOWN])}...", [cell(comment)])


def _folded(summary: str, texts: Sequence[str]) -> str:
    inside = "".join(f"<p>{text}</p>" for text in texts)
    return f"<details><summary>{summary}</summary>{inside}</details>"
