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
from service.exports.markdown_text import escape_table_cell, escape_without_links
from service.markup.clean import single_line, split_paragraphs
from service.markup.latex_html import tex_to_text

CONTENT_TYPE: Final = "text/markdown; charset=utf-8"
MAX_INLINE_COMMENT: Final = 20
"""Characters of a comment that is shown as it is; a longer one is folded."""
_COMMENT_PREVIEW_CHARACTERS: Final = 5
_TABLE_HEADER: Final = """\
| **Title** | **Date** | **Abstract** | **Comment** |
| --- | --- | --- | --- |
"""


@dataclass(frozen=True, slots=True)
class MarkdownSection:
    """A keyword's name and its papers, newest first."""

    name: str
    papers: tuple[Paper, ...]


def render(sections: Sequence[MarkdownSection], *, rows: int, site_url: str) -> bytes:
    """The page; `rows` is how many papers a keyword may have here."""
    return "".join(_page_fragments(sections, rows, site_url)).encode()


def last_update_text(sections: Sequence[MarkdownSection]) -> str:
    """The day of the newest thing that is told, in UTC; in words where there is nothing."""
    moments = [updated_at(paper) for section in sections for paper in section.papers]
    return str(max(moments).date()) if moments else "none yet"


def _page_fragments(sections: Sequence[MarkdownSection], rows: int, site_url: str) -> Iterator[str]:
    yield "# Daily Papers\n"
    yield "The newest papers from arXiv for each keyword, newest first.\n\n"
    yield f"The subheadings are the keywords; each is a feed at <{site_url}>.\n\n"
    yield f"Each keyword has {rows} papers at most.\n\n"
    yield f"Last update: {last_update_text(sections)}\n"
    for section in sections:
        yield f"\n## {escape_without_links(section.name)}\n{_TABLE_HEADER}"
        for paper in section.papers:
            yield f"| {' | '.join(_table_cells(paper))} |\n"


def _table_cells(paper: Paper) -> tuple[str, str, str, str]:
    title = escape_without_links(tex_to_text(single_line(paper.title)) or str(paper.id))
    mark = escape_without_links("[Withdrawn] ") if paper.withdrawn else ""
    abstract = [escape_table_cell(paragraph) for paragraph in split_paragraphs(paper.abstract)]
    return (
        f"**[{mark}{title}]({paper.id.url})**",
        str(published_at(paper).date()),
        _collapsible("Show", abstract) if abstract else "",
        _comment_cell(single_line(paper.comment)),
    )


def _comment_cell(comment: str) -> str:
    if len(comment) <= MAX_INLINE_COMMENT:
        return escape_table_cell(comment)
    return _collapsible(
        f"{escape_without_links(comment[:_COMMENT_PREVIEW_CHARACTERS])}...",
        [escape_table_cell(comment)],
    )


def _collapsible(summary: str, texts: Sequence[str]) -> str:
    inside = "".join(f"<p>{text}</p>" for text in texts)
    return f"<details><summary>{summary}</summary>{inside}</details>"
