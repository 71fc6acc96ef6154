"""Thumbnails of picked papers, from this server alone: what a worker has fetched, and nothing else.

The browser is told the type that the content has, whatever its origin said, and that it is no
document (`service.http.security`: nosniff, a policy that allows nothing).
"""

from __future__ import annotations

from pathlib import Path

from flask import Response, abort

from papers.model.paper import Paper
from papers.thumbnails.thumbnail_folder import ThumbnailFolder, thumbnail_name
from service.context import AppContext, context
from service.pages.parts.page_response import pages

_CACHE_CONTROL = "public, max-age=604800, immutable"


@pages.get("/thumbnails/<name>")
def thumbnail(name: str) -> Response:
    """Return an image; 404 if there is none of that name, or thumbnails are off."""
    folder = thumbnail_folder(context())
    found = folder.read(name) if folder else None
    if found is None:
        abort(404)
    header, data = found
    return Response(data, headers={"Cache-Control": _CACHE_CONTROL}, content_type=header.media_type)


def thumbnail_folder(ctx: AppContext) -> ThumbnailFolder | None:
    """Return the folder of thumbnails; None if they are off."""
    return ThumbnailFolder(Path(ctx.settings.data_dir)) if ctx.settings.thumbnails else None


def thumbnails_version(ctx: AppContext) -> str:
    """Return a text that changes with the thumbnails that pages may show."""
    folder = thumbnail_folder(ctx)
    return f" {folder.version}" if folder else ""


def thumbnail_of(folder: ThumbnailFolder | None, paper: Paper) -> str:
    """Return the name of a paper's thumbnail, of the first pick with one; "" if there is none."""
    if folder is None:
        return ""
    names = [thumbnail_name(pick.thumbnail) for pick in paper.picks if pick.thumbnail]
    return next(filter(folder.has_image, names), "")
