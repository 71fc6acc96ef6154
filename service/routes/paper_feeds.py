"""The feed of one paper, `/papers/ID.SUFFIX`: its versions, withdrawal, picks, code and journal."""

from __future__ import annotations

from flask import Blueprint, Response, request

from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from service.cache.version_stamp import StoreVersion
from service.context import AppContext, context
from service.feeds import FORMATS
from service.feeds.entry import Entry
from service.feeds.feed import Feed
from service.feeds.paper_feed import paper_entries
from service.http.responses import redirect_to_canonical
from service.urls.params import reject_parameters

paper_feeds = Blueprint("paper_feeds", __name__)


@paper_feeds.get("/papers/<path:id>.<feed_suffix:suffix>")
def feed(id: str, suffix: str) -> Response:
    """Serve what happened to a paper, by any form of its id."""
    reject_parameters(request.args)
    ctx, wanted = context(), ArxivId.parse(id)
    path = _path(wanted, suffix)
    if redirect := redirect_to_canonical(request, path):
        return redirect
    form = FORMATS[suffix]

    def render(version: StoreVersion) -> bytes:
        (paper,) = ctx.store.get_papers([wanted])
        if paper is None:
            raise ctx.store.missing_paper(wanted)
        return form.render(_build_feed(ctx, paper, suffix), ctx.entry_caches)

    return ctx.serve(
        path,
        render,
        content_type=form.content_type,
        keywords=(),
        is_archive=True,
        headers={"Link": f'<{ctx.settings.base_url}{path}>; rel="self"'},
    )


def _path(id: ArxivId, suffix: str) -> str:
    return f"/papers/{id}.{suffix}"


def _build_feed(ctx: AppContext, paper: Paper, suffix: str) -> Feed:
    base_url, title = ctx.settings.base_url, Entry(paper).title
    return Feed(
        id=base_url + _path(paper.id, "atom"),
        title=f"{title} · Paperwire",
        subtitle=f"Versions, withdrawal, picks, code and journal reference of arXiv:{paper.id}.",
        page_url=f"{base_url}/papers/{paper.id}",
        self_url=base_url + _path(paper.id, suffix),
        icon_url=f"{base_url}/static/icon.svg",
        alternates=tuple(
            (base_url + _path(paper.id, other), form.media_type)
            for other, form in FORMATS.items()
            if other != suffix
        ),
        entries=paper_entries(paper),
    )
