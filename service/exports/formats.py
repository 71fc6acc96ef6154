"""The forms that references come in: one module each, one line each in the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from papers.errors import UnknownPaper
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from papers.store import Store
from service.exports import bibtex, csl, ris


@dataclass(frozen=True, slots=True)
class ReferenceFormat:
    """A form: what people call it, its Content-Type, and how papers become bytes."""

    name: str
    content_type: str
    render: Callable[[Sequence[Paper]], bytes]


REFERENCE_FORMATS: Final = {
    "bib": ReferenceFormat("BibTeX", bibtex.CONTENT_TYPE, bibtex.render),
    "ris": ReferenceFormat("RIS", ris.CONTENT_TYPE, ris.render),
    "csl.json": ReferenceFormat("CSL-JSON", csl.CONTENT_TYPE, csl.render),
}
"""URL suffix to form."""


def require_papers(store: Store, ids: Sequence[ArxivId]) -> list[Paper]:
    """Papers by id. Raises UnknownPaper for the first that is not here."""
    found = store.get_papers(ids)
    for id, paper in zip(ids, found, strict=True):
        if paper is None:
            raise UnknownPaper(f"{id} is not here; arXiv may have it: {id.url}")
    return [paper for paper in found if paper]
