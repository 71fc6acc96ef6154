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
class Form:
    """A form: what people call it, its Content-Type, and how papers become bytes."""

    name: str
    content_type: str
    render: Callable[[Sequence[Paper]], bytes]


FORMS: Final = {
    "bib": Form("BibTeX", bibtex.CONTENT_TYPE, bibtex.render),
    "ris": Form("RIS", ris.CONTENT_TYPE, ris.render),
    "csl.json": Form("CSL-JSON", csl.CONTENT_TYPE, csl.render),
}
"""URL suffix to form."""


def known(store: Store, wanted: Sequence[ArxivId]) -> list[Paper]:
    """Papers by id. Raises UnknownPaper for the first that is not here."""
    found = store.papers(wanted)
    for id, paper in zip(wanted, found, strict=True):
        if paper is None:
            raise UnknownPaper(f"{id} is not here; arXiv may have it: {id.url}")
    return [paper for paper in found if paper]
