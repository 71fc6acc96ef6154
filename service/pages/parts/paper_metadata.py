"""Metadata in the head of a paper's page, for tools that read pages.

    citation_*          Highwire tags: Zotero's connector, Google Scholar
    og:*, article:*     OpenGraph: previews of links in chats
    JSON-LD             a schema.org ScholarlyArticle: search engines

https://scholar.google.com/intl/en/scholar/inclusion.html#indexing, https://ogp.me,
https://schema.org/ScholarlyArticle
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from papers.model.dates import published_at, updated_at
from papers.model.paper import Paper
from service.exports.names import AuthorName
from service.exports.reference import Reference, build_reference
from service.markup.clean import single_line, valid_http_url
from service.markup.latex_html import tex_to_text
from service.markup.paper_text import marked_title

SITE_NAME: Final = "Paperwire"
MAX_DESCRIPTION: Final = 300
MAX_AUTHORS: Final = 200
"""A collaboration may have thousands, whom no tool needs three times."""


@dataclass(frozen=True, slots=True)
class PageMetadata:
    """The tags by name and by property, and the document for search engines."""

    named: tuple[tuple[str, str], ...]
    properties: tuple[tuple[str, str], ...]
    article: dict[str, Any]


def paper_metadata(paper: Paper, base_url: str) -> PageMetadata:
    """Return the metadata of a paper's page; of one without a title only the preview."""
    reference = build_reference(paper)
    abstract = single_line(tex_to_text(reference.abstract))
    description = _shorten(abstract)
    named = [("description", description), *(_citation_tags(reference) if paper.title else ())]
    return PageMetadata(
        tuple((name, text) for name, text in named if text),
        tuple((name, text) for name, text in _preview(paper, base_url, description) if text),
        _article(reference, abstract),
    )


def _citation_tags(reference: Reference) -> Iterator[tuple[str, str]]:
    paper = reference.paper
    yield "citation_title", tex_to_text(reference.title)
    for author in reference.authors[:MAX_AUTHORS]:
        yield "citation_author", tex_to_text(_family_first(author))
    yield "citation_publication_date", f"{reference.published:%Y/%m/%d}"
    yield "citation_online_date", f"{updated_at(paper):%Y/%m/%d}"
    yield "citation_arxiv_id", str(paper.id)
    yield "citation_doi", reference.doi
    yield "citation_publisher", "arXiv"
    yield "citation_abstract_html_url", paper.id.url
    yield "citation_pdf_url", paper.id.pdf_url
    for category in paper.categories:
        yield "citation_keywords", single_line(category)


def _preview(paper: Paper, base_url: str, description: str) -> Iterator[tuple[str, str]]:
    yield "og:type", "article"
    yield "og:site_name", SITE_NAME
    yield "og:title", marked_title(paper)
    yield "og:url", f"{base_url}/papers/{paper.id}"
    yield "og:description", description
    yield "og:image", f"{base_url}/static/icon.png"
    yield "article:published_time", published_at(paper).isoformat()
    yield "article:modified_time", updated_at(paper).isoformat()


def _article(reference: Reference, abstract: str) -> dict[str, Any]:
    """Return the ScholarlyArticle; a member that is unknown is left out."""
    paper, title = reference.paper, tex_to_text(reference.title)
    names = [tex_to_text(_given_first(author)) for author in reference.authors[:MAX_AUTHORS]]
    article = {
        "@context": "https://schema.org",
        "@type": "ScholarlyArticle",
        "@id": paper.id.url,
        "url": paper.id.url,
        "headline": title,
        "name": title,
        "author": [{"@type": "Person", "name": name} for name in names],
        "abstract": abstract,
        "datePublished": published_at(paper).isoformat(),
        "dateModified": updated_at(paper).isoformat(),
        "version": paper.version,
        "identifier": [
            _identifier("arXiv", str(paper.id)),
            _identifier("DOI", reference.doi),
        ],
        "sameAs": valid_http_url(f"https://doi.org/{reference.doi}"),
        "keywords": [single_line(category) for category in paper.categories],
        "license": valid_http_url(paper.license),
        "publisher": {"@type": "Organization", "name": "arXiv", "url": "https://arxiv.org/"},
        "encoding": {
            "@type": "MediaObject",
            "contentUrl": paper.id.pdf_url,
            "encodingFormat": "application/pdf",
        },
    }
    return {name: value for name, value in article.items() if value}


def _identifier(kind: str, value: str) -> dict[str, str]:
    return {"@type": "PropertyValue", "propertyID": kind, "value": value}


def _family_first(name: AuthorName) -> str:
    family = " ".join(filter(None, (name.particle, name.family)))
    return name.literal or ", ".join(filter(None, (family, name.given, name.suffix)))


def _given_first(name: AuthorName) -> str:
    parts = (name.given, name.particle, name.family, name.suffix)
    return name.literal or " ".join(filter(None, parts))


def _shorten(text: str) -> str:
    """Return a text cut at a word, so that it has at most `MAX_DESCRIPTION` characters."""
    if len(text) <= MAX_DESCRIPTION:
        return text
    return text[: MAX_DESCRIPTION - 1].rpartition(" ")[0] + "…"
