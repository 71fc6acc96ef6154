"""What the manage pages say of the token, and the check of one that a browser is to keep."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, request

from papers.state.access.local_token import is_local_token
from service.context import AppContext, context
from service.pages.parts.page_response import pages


@dataclass(frozen=True, slots=True)
class WriteAccess:
    """Whether any token may write, and whether this machine made it."""

    writable: bool
    is_local: bool


def describe_access(ctx: AppContext) -> WriteAccess:
    """Return how one gets to save here."""
    return WriteAccess(ctx.token_guard.is_writable, is_local_token(ctx.settings))


@pages.post("/manage/token")
def check_token() -> Response:
    """Return 204 if the token in the header is valid. Raises Unauthorized."""
    context().token_guard.require_known(request.headers)
    return Response(status=204, headers={"Cache-Control": "no-store"})
