"""A reference to a paper, independent of its format.

Texts are on one line and contain arXiv's TeX; formats without TeX convert it to plain text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from papers.model.dates import published_at
from papers.model.paper import Paper
from papers.text.folding import fold_text
from service.exports.names import AuthorName, parse_author_names
from service.markup.clean import single_line, split_paragraphs


@dataclass(frozen=True, slots=True)
class Reference:
    """The fields of a reference; `citation_key` is first author and arXiv id in every format."""

    citation_key: str
    paper: Paper
    title: str
    authors: tuple[AuthorName, ...]
    published: date
    doi: str
    abstract: str
    comment: str
    journal_ref: str

    @property
    def arxiv_label(self) -> str:
        """The arXiv id as bibliographies write it."""
        return f"arXiv:{self.paper.id}"

    @property
    def notes(self) -> tuple[str, ...]:
        """Withdrawal, journal reference and comment."""
        withdrawn = "Withdrawn" if self.paper.withdrawn else ""
        published = f"Published as {self.journal_ref}" if self.journal_ref else ""
        return tuple(note for note in (withdrawn, published, self.comment) if note)


def build_reference(paper: Paper) -> Reference:
    """Build the reference to a paper; its DOI is the journal's, else the one arXiv registers."""
    authors = parse_author_names(paper.authors)
    return Reference(
        citation_key=_citation_key(authors, paper),
        paper=paper,
        title=single_line(paper.title) or str(paper.id),
        authors=authors,
        published=published_at(paper).date(),
        doi=next(iter(single_line(paper.doi).split()), paper.id.doi),
        abstract=" ".join(split_paragraphs(paper.abstract)),
        comment=single_line(paper.comment),
        journal_ref=single_line(paper.journal_ref),
    )


def _citation_key(authors: tuple[AuthorName, ...], paper: Paper) -> str:
    """Return a key such as `broeck-2503.14895`: unique because of the id, and stable."""
    first = fold_text(authors[0].citation_name if authors else "").lower()
    word = re.sub(r"[^a-z0-9]+", "-", first.encode("ascii", "ignore").decode())[:24]
    return f"{word.strip('-') or 'arxiv'}-{str(paper.id).replace('/', '-')}"
