"""References: `/papers/ID.bib` of a paper, `/export/…` of a selection and of a keyword.

/papers/2503.14895.bib   /papers/hep-th/9901001.ris   /export/papers.csl.json?id=ID,ID
/export/k/reward-model.bib?n=20   /export/search.ris?q=…
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from flask import Blueprint, Response, request

from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from service.context import context
from service.exports.formats import REFERENCE_FORMATS, require_papers
from service.exports.selection import parse_paper_ids
from service.http.responses import redirect_to_canonical
from service.urls.keyword_urls import SEARCH_SLUG, with_query_string
from service.urls.params import reject_parameters

references = Blueprint("references", __name__)

_FORM_RULE: Final = f"<any({', '.join(map(repr, REFERENCE_FORMATS))}):form>"


@references.get(f"/papers/<path:id>.{_FORM_RULE}")
def paper(id: str, form: str) -> Response:
    """One paper, by any form of its id."""
    reject_parameters(request.args)
    ctx, wanted = context(), ArxivId.parse(id)
    path = f"/papers/{wanted}.{form}"
    return _serve_references(
        path, form, lambda: require_papers(ctx.store, [wanted]), name=str(wanted)
    )


@references.get(f"/export/papers.{_FORM_RULE}")
def selection(form: str) -> Response:
    """The papers that `id=ID,ID` selects, newest first."""
    ctx, wanted = context(), parse_paper_ids(request.args)
    path = with_query_string(f"/export/papers.{form}", f"id={','.join(map(str, wanted))}")
    return _serve_references(path, form, lambda: require_papers(ctx.store, wanted), name="papers")


@references.get(f"/export/search.{_FORM_RULE}")
def search(form: str) -> Response:
    """The papers of any keyword, a page of them."""
    return _serve_keyword(SEARCH_SLUG, form)


@references.get(f"/export/k/<name>.{_FORM_RULE}")
def keyword(name: str, form: str) -> Response:
    """The papers of a saved keyword, a page of them."""
    return _serve_keyword(name, form)


def _serve_keyword(name: str, form: str) -> Response:
    ctx = context()
    address = ctx.parse_search_urls(name)
    return _serve_references(
        address.references_path(form),
        form,
        lambda: ctx.search(address).page.papers,
        name=address.slug,
        keywords=address.keywords,
    )


def _serve_references(
    path: str,
    form: str,
    found: Callable[[], Sequence[Paper]],
    *,
    name: str,
    keywords: tuple[str, ...] = (),
) -> Response:
    """References from the cache, as a file with a name of its own; `form` is a suffix."""
    kind, file = REFERENCE_FORMATS[form], f"{name.replace('/', '-')}.{form}"
    return redirect_to_canonical(request, path) or context().serve(
        path,
        lambda: kind.render(found()),
        content_type=kind.content_type,
        keywords=keywords,
        headers={"Content-Disposition": f'attachment; filename="{file}"'},
    )
