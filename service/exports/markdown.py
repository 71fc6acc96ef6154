"""The daily table: a GitHub Flavored Markdown page with the newest papers of each keyword.

The layout is that of the DailyArXiv repositories: a section per keyword, a row per paper, long text
collapsed. It contains no time of rendering: equal papers give equal bytes.

Upstream text stays text. A pipe would end a cell and a newline the row in any context, so neither
is ever written. Formulas keep their dollars: GitHub renders them after it has parsed the Markdown,
so they are escaped like all else. https://github.github.com/gfm/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from papers.model.dates import published_at, updated_at
from papers.model.paper import Paper
from service.markup.clean import single_line, split_paragraphs
from service.markup.paper_text import marked_title

CONTENT_TYPE: Final = "text/markdown; charset=utf-8"
MAX_INLINE_COMMENT: Final = 20
"""Characters of a comment that is shown in full; a longer one is collapsed."""
_COMMENT_PREVIEW_CHARACTERS: Final = 5
_TABLE_HEADER: Final = """\
| **Title** | **Date** | **Abstract** | **Comment** |
| --- | --- | --- | --- |
"""
_SPECIAL_CHARACTERS: Final = re.compile(
    r"[\\`*_\[\]<>&|~#]|(?<=\bwww)\.|(?<=[a-z]):(?=//)", re.IGNORECASE
)
_ENTITIES: Final = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "|": "&#124;"}
_URL: Final = re.compile(r"https?://[^\s<>|\\^`{}\"]+", re.IGNORECASE | re.ASCII)
_TRAILING_PUNCTUATION: Final = ".,;:!?'()[]*_~$"


@dataclass(frozen=True, slots=True)
class MarkdownSection:
    """A keyword's name and its papers, newest first."""

    name: str
    papers: tuple[Paper, ...]


def render_daily_table(sections: Sequence[MarkdownSection], *, rows: int, site_url: str) -> bytes:
    """Render the page; `rows` is the number of papers that it says a keyword has at most."""
    return "".join(_page_fragments(sections, rows, site_url)).encode()


def last_update_text(sections: Sequence[MarkdownSection]) -> str:
    """Return the day (UTC) of the newest update of any paper; `none yet` without papers."""
    times = [updated_at(paper) for section in sections for paper in section.papers]
    return str(max(times).date()) if times else "none yet"


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
    abstract = [escape_table_cell(paragraph) for paragraph in split_paragraphs(paper.abstract)]
    return (
        f"**[{escape_without_links(marked_title(paper))}]({paper.id.url})**",
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


def escape_without_links(text: str) -> str:
    """Escape a line of text for a heading or a link's label, where URLs must not become links."""
    return _escape_markdown(single_line(text))


def escape_table_cell(text: str) -> str:
    """Escape a line of text for a table cell; URLs in it become links."""
    text, pieces, done = single_line(text), [], 0
    for found in _URL.finditer(text):
        url = found[0].rstrip(_TRAILING_PUNCTUATION)
        pieces += [_escape_markdown(text[done : found.start()]), f"<{url}>"]
        done = found.start() + len(url)
    return "".join([*pieces, _escape_markdown(text[done:])])


def _escape_markdown(text: str) -> str:
    return _SPECIAL_CHARACTERS.sub(lambda found: _ENTITIES.get(found[0]) or f"\\{found[0]}", text)
