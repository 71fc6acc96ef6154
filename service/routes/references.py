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
from service.context import desk
from service.exports.formats import FORMS, known
from service.exports.selection import selected
from service.http.responses import redirected
from service.urls.keyword_urls import SEARCH, joined
from service.urls.params import without_parameters

references = Blueprint("references", __name__)

_SUFFIX: Final = f"<any({', '.join(map(repr, FORMS))}):form>"


@references.get(f"/papers/<path:id>.{_SUFFIX}")
def paper(id: str, form: str) -> Response:
    """One paper, by any form of its id."""
    without_parameters(request.args)
    at, wanted = desk(), ArxivId.parse(id)
    path = f"/papers/{wanted}.{form}"
    return _served(path, form, lambda: known(at.store, [wanted]), name=str(wanted))


@references.get(f"/export/papers.{_SUFFIX}")
def selection(form: str) -> Response:
    """The papers that `id=ID,ID` selects, newest first."""
    at, wanted = desk(), selected(request.args)
    path = joined(f"/export/papers.{form}", f"id={','.join(map(str, wanted))}")
    return _served(path, form, lambda: known(at.store, wanted), name="papers")


@references.get(f"/export/search.{_SUFFIX}")
def search(form: str) -> Response:
    """The papers of any keyword, a page of them."""
    return _keyword(SEARCH, form)


@references.get(f"/export/k/<name>.{_SUFFIX}")
def keyword(name: str, form: str) -> Response:
    """The papers of a saved keyword, a page of them."""
    return _keyword(name, form)


def _keyword(name: str, form: str) -> Response:
    at = desk()
    address = at.address(name)
    return _served(
        address.references(form),
        form,
        lambda: at.find(address).page.papers,
        name=address.slug,
        keywords=address.keywords,
    )


def _served(
    path: str,
    form: str,
    found: Callable[[], Sequence[Paper]],
    *,
    name: str,
    keywords: tuple[str, ...] = (),
) -> Response:
    """References from the cache, as a file with a name of its own; `form` is a suffix."""
    kind, file = FORMS[form], f"{name.replace('/', '-')}.{form}"
    return redirected(request, path) or desk().serve(
        path,
        lambda: kind.render(found()),
        content_type=kind.content_type,
        keywords=keywords,
        headers={"Content-Disposition": f'attachment; filename="{file}"'},
    )
