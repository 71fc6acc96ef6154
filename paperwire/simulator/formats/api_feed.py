"""arXiv's API response: Atom as export.arxiv.org has served it since its new server of 2026."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote_plus

from papers.model.arxiv_id import ArxivId
from paperwire.simulator.formats.arxiv_xml import block, document, element, format_utc
from paperwire.simulator.world.manuscripts import Manuscript

_FEED = (
    'feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/"'
    ' xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns="http://www.w3.org/2005/Atom"'
)
_SCHEME = "http://arxiv.org/schemas/atom"


@dataclass(frozen=True, slots=True)
class ApiQuery:
    """The query parameters, as the response repeats them."""

    search_query: str = ""
    id_list: str = ""
    start: int = 0
    max_results: int = 10

    @property
    def query(self) -> str:
        """The search query as the server interprets it: a bare word searches all fields."""
        is_bare = self.search_query and ":" not in self.search_query
        return f"all:{self.search_query}" if is_bare else self.search_query


@dataclass(frozen=True, slots=True)
class ApiResult:
    """One version of a paper; `published` is the time of version 1, `updated` of this one."""

    id: ArxivId
    version: int
    text: Manuscript
    published: datetime
    updated: datetime


def render_api_page(
    query: ApiQuery, results: Iterable[ApiResult], total: int, now: datetime
) -> bytes:
    """Render one page of results; `total` counts those of all pages."""
    head = (
        f"search_query={query.query}&id_list={query.id_list}"
        f"&start={query.start}&max_results={query.max_results}"
    )
    address = (
        f"https://arxiv.org/api/query?search_query={quote_plus(query.query, safe=':')}"
        f"&start={query.start}&max_results={query.max_results}"
        f"&id_list={quote_plus(query.id_list, safe=',/')}"
    )
    lines = [
        element("id", f"https://arxiv.org/api/{_digest(head)}"),
        element("title", f"arXiv Query: {head}"),
        element("updated", format_utc(now)),
        element("link", href=address, type="application/atom+xml"),
        *_opensearch_counts(query.max_results, total, query.start),
    ]
    for result in results:
        lines += _entry(result)
    return document(block(_FEED, lines))


def render_api_error(reason: str, now: datetime) -> bytes:
    """Render the feed sent with HTTP 400: one entry titled `Error`."""
    address = f"https://arxiv.org/api/errors#{reason.replace(' ', '_')}"
    entry = [
        element("id", address),
        element("title", "Error"),
        element("updated", format_utc(now)),
        element("link", href=address, rel="alternate", type="text/html"),
        element("summary", reason),
        *block("author", [element("name", "arXiv api core")]),
    ]
    lines = [
        element("id", "https://arxiv.org/"),
        element("title", "arXiv Search Results"),
        element("updated", format_utc(now)),
        *_opensearch_counts(1, 1, 0),
        *block("entry", entry),
    ]
    return document(block(_FEED, lines))


def _opensearch_counts(page: int, total: int, start: int) -> list[str]:
    return [
        element("opensearch:itemsPerPage", str(page)),
        element("opensearch:totalResults", str(total)),
        element("opensearch:startIndex", str(start)),
    ]


def _entry(result: ApiResult) -> list[str]:
    text, versioned_id = result.text, f"{result.id}v{result.version}"
    page, pdf = f"https://arxiv.org/abs/{versioned_id}", f"https://arxiv.org/pdf/{versioned_id}"
    lines = [
        element("id", f"http://arxiv.org/abs/{versioned_id}"),
        element("title", text.title),
        element("updated", format_utc(result.updated)),
        element("link", href=page, rel="alternate", type="text/html"),
        element("link", href=pdf, rel="related", type="application/pdf", title="pdf"),
        element("summary", text.abstract),
        *(element("category", term=term, scheme=_SCHEME) for term in text.categories),
        element("published", format_utc(result.published)),
    ]
    if text.comment:
        lines.append(element("arxiv:comment", text.comment))
    lines.append(element("arxiv:primary_category", term=text.categories[0]))
    if text.journal_ref:
        lines.append(element("arxiv:journal_ref", text.journal_ref))
    lines += _authors(text)
    if text.doi:
        lines.append(element("arxiv:doi", text.doi))
        doi = f"https://doi.org/{text.doi}"
        lines.append(element("link", rel="related", href=doi, title="doi"))
    return block("entry", lines)


def _authors(text: Manuscript) -> list[str]:
    lines: list[str] = []
    for name, affiliation in text.authors_with_affiliations():
        children = [element("name", name)]
        if affiliation:
            children.append(element("arxiv:affiliation", affiliation))
        lines += block("author", children)
    return lines


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha1(text.encode()).digest()).decode().rstrip("=")
