"""Renders CSL-JSON: references for citation processors, Pandoc and Zotero.

https://github.com/citation-style-language/schema/blob/master/schemas/input/csl-data.json. A
preprint is an `article` with arXiv as its publisher, as Zotero writes it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from papers.model.paper import Paper
from service.exports.names import AuthorName
from service.exports.reference import build_reference
from service.markup.latex_html import tex_to_text

CONTENT_TYPE: Final = "application/vnd.citationstyles.csl+json"


def render_csl(papers: Sequence[Paper]) -> bytes:
    """Render papers as a list of items; equal papers give equal bytes."""
    return json.dumps([_csl_item(paper) for paper in papers], ensure_ascii=False, indent=1).encode()


def csl_author(name: AuthorName) -> dict[str, str]:
    """Return a name in CSL's parts."""
    parts = {
        "literal": name.literal,
        "family": name.family,
        "given": name.given,
        "non-dropping-particle": name.particle,
        "suffix": name.suffix,
    }
    return {part: tex_to_text(text) for part, text in parts.items() if text}


def _csl_item(paper: Paper) -> dict[str, Any]:
    reference = build_reference(paper)
    day = reference.published
    item = {
        "id": reference.citation_key,
        "type": "article",
        "title": tex_to_text(reference.title),
        "author": [csl_author(name) for name in reference.authors],
        "issued": {"date-parts": [[day.year, day.month, day.day]]},
        "number": reference.arxiv_label,
        "publisher": "arXiv",
        "source": "arXiv.org",
        "DOI": reference.doi,
        "URL": paper.id.url,
        "abstract": tex_to_text(reference.abstract),
        "keyword": ", ".join(paper.categories),
        "status": "withdrawn" if paper.withdrawn else "",
        "note": tex_to_text(". ".join(reference.notes)),
    }
    return {name: value for name, value in item.items() if value}
