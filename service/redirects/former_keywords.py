"""Former keywords: responses to the URLs of a renamed, merged or removed keyword.

renamed, merged           301 to the same URL of what it has become
removed a few days ago    404, and how to bring it back
removed before            410: readers stop asking
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from flask import Flask, Response, request, url_for

from papers.command_name import command_line
from papers.errors import BadParameter, KeywordGone, UnknownKeyword
from papers.state.former_names import UNDO_PERIOD, FormerName
from papers.state.slugs import slug_of
from service.context import context
from service.http.error_pages import error_response
from service.redirects.next_steps import custom_feed_hint

_MAX_AGE: Final = 3600
"""Seconds for which a redirect may be cached: the old name can be taken over."""
_KEYWORD_PARAMETER: Final = "k"


def register_former_keywords(app: Flask) -> None:
    """Answer requests for a keyword that is not saved, and was."""
    app.register_error_handler(UnknownKeyword, _handle_unknown_keyword)


def _handle_unknown_keyword(error: UnknownKeyword) -> Response:
    former = context().keywords.former_names.get(error.slug) if error.slug else None
    if former is None or not request.endpoint or request.method not in ("GET", "HEAD"):
        hint = custom_feed_hint(error.slug) if request.method in ("GET", "HEAD") else ""
        return error_response(UnknownKeyword(f"{error}; {hint}") if hint else error)
    if former.successor:
        return _redirect(former)
    if former.can_be_undone(context().now()):
        return error_response(UnknownKeyword(f"{error}; {_undo_hint(former)}"))
    return error_response(KeywordGone(f"the keyword {former.slug!r} was removed for good"))


def _undo_hint(former: FormerName) -> str:
    assert former.removed_at, "only a removed keyword has no successor"
    until = former.removed_at + UNDO_PERIOD
    return (
        f"it was removed on {former.removed_at:%Y-%m-%d}, and until {until:%Y-%m-%d} "
        f"`{command_line(f'keyword restore {former.slug}')}` or /manage brings it back"
    )


def _redirect(former: FormerName) -> Response:
    """Redirect to the same URL with the successor in place of the slug, in path and parameters."""
    assert request.endpoint
    in_path: dict[str, Any] = {
        name: former.successor if name == "name" and _is_slug(value, former.slug) else value
        for name, value in (request.view_args or {}).items()
    }
    parameters = [
        (name, former.successor if name == _KEYWORD_PARAMETER and _is_slug(v, former.slug) else v)
        for name, values in request.args.lists()
        for v in values
    ]
    path = url_for(request.endpoint, **in_path)
    target = f"{path}?{urlencode(parameters)}" if parameters else path
    headers = {"Location": target, "Cache-Control": f"public, max-age={_MAX_AGE}"}
    text = f"The keyword is {former.successor} now: {target}\n"
    return Response(text, 301, headers, content_type="text/plain; charset=utf-8")


def _is_slug(name: str, slug: str) -> bool:
    try:
        return slug_of(name) == slug
    except BadParameter:
        return False
