"""One-line texts of a paper: title, authors, what its links are; for feeds, pages and exports."""

from __future__ import annotations

from collections.abc import Sequence

from papers.model.paper import Paper
from papers.model.resources import PaperResource
from papers.text.links.paper_links import LinkKind
from papers.text.names.person_names import is_author_name
from service.markup.clean import single_line, source_name
from service.markup.latex_html import title_to_text


def plain_title(paper: Paper) -> str:
    """Return the title without markup, simple formulas as Unicode; the id if there is none."""
    return title_to_text(single_line(paper.title)).strip() or str(paper.id)


def marked_title(paper: Paper) -> str:
    """Return the plain title, marked if the paper is withdrawn or the title a community's."""
    words = "[Community's title] " if paper.is_in_community_words else ""
    return f"{'[Withdrawn] ' if paper.withdrawn else ''}{words}{plain_title(paper)}"


def words_note(paper: Paper) -> str:
    """Return whose words a paper is shown in; empty if they are arXiv's."""
    if not paper.is_in_community_words:
        return ""
    names = " or ".join(map(source_name, paper.describing_communities)) or "a community"
    return f"In the words of {names}: arXiv has not described this paper yet."


def author_names(paper: Paper) -> tuple[str, ...]:
    """Return the authors' names, each on one line, without entries such as `:` and `and`."""
    return tuple(filter(is_author_name, map(single_line, paper.authors)))


def resource_title(resource: PaperResource) -> str:
    """Return what is at a link: `Code`, `Project page`, `Code and data`, `Code (announced)`."""
    if LinkKind.PROJECT in resource.kind:
        return "Project page"
    has_code, has_data = LinkKind.CODE in resource.kind, LinkKind.DATA in resource.kind
    title = "Code and data" if has_code and has_data else "Code" if has_code else "Data"
    return f"{title} (announced)" if resource.is_announced else title


def visible_author_count(total: int, limit: int) -> int:
    """Return how many of `total` authors to list: `limit`, but never "and 1 more"."""
    return total if total <= limit + 1 else limit


def author_line(names: Sequence[str], limit: int) -> str:
    """Join the first names: `A, B and 3 more`."""
    shown = visible_author_count(len(names), limit)
    more = f" and {len(names) - shown} more" if shown < len(names) else ""
    return ", ".join(names[:shown]) + more
