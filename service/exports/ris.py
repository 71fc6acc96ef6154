"""RIS, which nearly every reference manager reads.

https://en.wikipedia.org/wiki/RIS_(file_format). Lines end in CR LF, as its makers had them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from papers.model.paper import Paper
from service.exports.names import AuthorName
from service.exports.reference import build_reference
from service.markup.latex_html import tex_to_text

CONTENT_TYPE: Final = "application/x-research-info-systems; charset=utf-8"


def render(papers: Sequence[Paper]) -> bytes:
    """A RIS file; the same papers give the same bytes."""
    return "".join(
        f"{tag}  - {tex_to_text(value)}\r\n"
        for paper in papers
        for tag, value in _tagged_values(paper)
    ).encode()


def ris_author(name: AuthorName) -> str:
    """A name as RIS has it: family, given, suffix. A comma in a whole name would part it."""
    if name.literal:
        return name.literal.replace(",", "")
    family = " ".join(part for part in (name.particle, name.family) if part)
    return ", ".join(part for part in (family, name.given, name.suffix) if part)


def _tagged_values(paper: Paper) -> Iterator[tuple[str, str]]:
    made = build_reference(paper)
    yield "TY", "UNPB"
    yield "ID", made.citation_key
    yield "TI", made.title
    yield from (("AU", ris_author(name)) for name in made.authors)
    yield "PY", str(made.published.year)
    yield "DA", f"{made.published:%Y/%m/%d/}"
    yield "PB", "arXiv"
    yield "AN", made.arxiv_label
    yield "DO", made.doi
    yield "UR", paper.id.url
    yield "L1", paper.id.pdf_url
    if made.abstract:
        yield "AB", made.abstract
    yield from (("KW", category) for category in paper.categories)
    yield from (("N1", note) for note in made.notes)
    yield "ER", ""
