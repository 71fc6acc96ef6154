"""Renders RIS, which nearly every reference manager imports.

https://en.wikipedia.org/wiki/RIS_(file_format). Lines end in CR LF, as the format requires.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from papers.model.paper import Paper
from service.exports.names import AuthorName
from service.exports.reference import build_reference
from service.markup.latex_html import tex_to_text

CONTENT_TYPE: Final = "application/x-research-info-systems; charset=utf-8"


def render_ris(papers: Sequence[Paper]) -> bytes:
    """Render papers as a RIS file; equal papers give equal bytes."""
    return "".join(
        f"{tag}  - {tex_to_text(value)}\r\n"
        for paper in papers
        for tag, value in _tagged_values(paper)
    ).encode()


def ris_author(name: AuthorName) -> str:
    """Format a name: family, given, suffix.

    Commas are removed from a literal name: RIS would split it there.
    """
    if name.literal:
        return name.literal.replace(",", "")
    family = " ".join(part for part in (name.particle, name.family) if part)
    return ", ".join(part for part in (family, name.given, name.suffix) if part)


def _tagged_values(paper: Paper) -> Iterator[tuple[str, str]]:
    reference = build_reference(paper)
    yield "TY", "UNPB"
    yield "ID", reference.citation_key
    yield "TI", reference.title
    yield from (("AU", ris_author(name)) for name in reference.authors)
    yield "PY", str(reference.published.year)
    yield "DA", f"{reference.published:%Y/%m/%d/}"
    yield "PB", "arXiv"
    yield "AN", reference.arxiv_label
    yield "DO", reference.doi
    yield "UR", paper.id.url
    yield "L1", paper.id.pdf_url
    if reference.abstract:
        yield "AB", reference.abstract
    yield from (("KW", category) for category in paper.categories)
    yield from (("N1", note) for note in reference.notes)
    yield "ER", ""
