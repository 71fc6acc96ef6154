"""References of a paper (`/papers/ID.bib`), of selected papers and of a keyword (`/export/…`).

/papers/2503.14895.bib   /papers/hep-th/9901001.ris   /export/papers.csl.json?id=ID,ID
/export/k/reward-model.bib?n=20   /export/search.ris?q=…
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Final
from urllib.parse import quote

from flask import Blueprint, Response, request

from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from service.cache.version_stamp import StoreVersion
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
    """Serve the reference of one paper, by any form of its id."""
    reject_parameters(request.args)
    ctx, wanted = context(), ArxivId.parse(id)
    path = f"/papers/{wanted}.{form}"
    return _serve_references(
        path, form, lambda _: require_papers(ctx.store, [wanted]), name=str(wanted)
    )


@references.get(f"/export/papers.{_FORM_RULE}")
def selection(form: str) -> Response:
    """Serve the references of the papers in `id=ID,ID`, newest first."""
    ctx, wanted = context(), parse_paper_ids(request.args)
    path = with_query_string(f"/export/papers.{form}", f"id={','.join(map(str, wanted))}")
    return _serve_references(path, form, lambda _: require_papers(ctx.store, wanted), name="papers")


@references.get(f"/export/search.{_FORM_RULE}")
def search(form: str) -> Response:
    """Serve the references of a custom query, one page of papers."""
    return _serve_keyword(SEARCH_SLUG, form)


@references.get(f"/export/k/<name>.{_FORM_RULE}")
def keyword(name: str, form: str) -> Response:
    """Serve the references of a saved keyword, one page of papers."""
    return _serve_keyword(context().resolve_slug(name), form)


def _serve_keyword(name: str, form: str) -> Response:
    ctx = context()
    urls = ctx.parse_search_urls(name)
    return _serve_references(
        urls.references_path(form),
        form,
        lambda version: ctx.search(urls, version).page.papers,
        name=urls.slug,
        keywords=urls.keywords,
    )


def _serve_references(
    path: str,
    form: str,
    find_papers: Callable[[StoreVersion], Sequence[Paper]],
    *,
    name: str,
    keywords: tuple[str, ...] = (),
) -> Response:
    """Serve references as a file to save, `name` with the suffix `form`."""
    kind, file = REFERENCE_FORMATS[form], f"{name.replace('/', '-')}.{form}"
    return redirect_to_canonical(request, path) or context().serve(
        path,
        lambda version: kind.render(find_papers(version)),
        content_type=kind.content_type,
        keywords=keywords,
        headers={"Content-Disposition": _attachment(file)},
    )


def _attachment(file: str) -> str:
    """Return a Content-Disposition; a name beyond ASCII is encoded.

    https://www.rfc-editor.org/rfc/rfc6266
    """
    plain = file if file.isascii() else f"papers{PurePath(file).suffix}"
    encoded = "" if file.isascii() else f"; filename*=UTF-8''{quote(file)}"
    return f'attachment; filename="{plain}"{encoded}'
