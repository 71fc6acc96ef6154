"""The formats of references: a new one is a module and a row of `REFERENCE_FORMATS`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from papers.store import Store
from service.exports import bibtex, csl, ris


@dataclass(frozen=True, slots=True)
class ReferenceFormat:
    """A format: its display name, its Content-Type and its renderer."""

    name: str
    content_type: str
    render: Callable[[Sequence[Paper]], bytes]


REFERENCE_FORMATS: Final = {
    "bib": ReferenceFormat("BibTeX", bibtex.CONTENT_TYPE, bibtex.render_bibtex),
    "ris": ReferenceFormat("RIS", ris.CONTENT_TYPE, ris.render_ris),
    "csl.json": ReferenceFormat("CSL-JSON", csl.CONTENT_TYPE, csl.render_csl),
}
"""URL suffix to format, in the order in which pages list them."""


def require_papers(store: Store, ids: Sequence[ArxivId]) -> list[Paper]:
    """Return papers by id. Raises UnknownPaper, BlockedPaper for the first without one."""
    found = store.get_papers(ids)
    for id, paper in zip(ids, found, strict=True):
        if paper is None:
            raise store.missing_paper(id)
    return [paper for paper in found if paper]
