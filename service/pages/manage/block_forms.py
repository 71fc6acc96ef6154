"""The page that manages the block list; all of it requires the token.

    form ─▶ list: the blocks whose subject or reason contains a text, a page of them at a time
         ─▶ block, lift ─▶ the page with a message; feeds follow with their next request

Reasons are for the operator, and a subject may be the very thing that was to be taken out, so
unlike keywords and feeds the list is not shown to everyone: it is the response to a form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import Response, request

from papers.blocks.block_list import BLOCK_KINDS, Block, BlockKind
from papers.blocks.saved_blocks import MAX_REASON_LENGTH, MAX_SUBJECT_LENGTH, SavedBlocks
from papers.errors import BadInput, BadParameter, ScopeMissing, Unauthorized
from service.context import AppContext, context
from service.http.error_pages import status_of
from service.markup.clean import single_line
from service.pages.manage.token_access import describe_access
from service.pages.parts.page_response import pages, uncached_page
from service.urls.paging import ListPage, parse_page_number, slice_page

BLOCKS_PER_PAGE: Final = 50
MAX_FIND_LENGTH: Final = 300
_FORM_FIELDS: Final = ("token", "kind", "subject", "reason", "public", "find", "page")


@pages.get("/manage/blocks")
def manage_blocks() -> Response:
    """Return the forms, without the list; `kind` and `subject` prefill the first."""
    given = {name: request.args.get(name, "") for name in ("kind", "subject")}
    return _render_manage_blocks(context(), given)


@pages.post("/manage/blocks")
def managed_blocks() -> Response:
    """Show the list or make a change; return the page with the result."""
    ctx = context()
    given = {name: request.form.get(name, "").strip() for name in _FORM_FIELDS}
    action = request.form.get("action", "")
    try:
        if action not in _ACTIONS:
            raise BadParameter("action", f"is none of {', '.join(_ACTIONS)}")
        ctx.token_guard.require_form(given["token"], request.headers, "blocks")
        message = _ACTIONS[action](ctx, given)
        shown = _find_blocks(ctx, given)
    except (BadInput, Unauthorized, ScopeMissing) as error:
        return _render_manage_blocks(ctx, given, error=str(error), status=status_of(error))
    kept = {name: given[name] for name in ("token", "find")}
    return _render_manage_blocks(ctx, kept, message=message, page=shown)


def _render_manage_blocks(
    ctx: AppContext, given: Mapping[str, str], *, status: int = 200, **result: Any
) -> Response:
    return uncached_page(
        "manage_blocks.html",
        status=status,
        kinds=BLOCK_KINDS,
        max_subject=MAX_SUBJECT_LENGTH,
        max_reason=MAX_REASON_LENGTH,
        given={**dict.fromkeys(_FORM_FIELDS, ""), **given},
        access=describe_access(ctx),
        **{"message": "", "error": "", "page": None, **result},
    )


def _find_blocks(ctx: AppContext, given: Mapping[str, str]) -> ListPage[Block]:
    """Return the page of blocks to show: the last one if the list has become shorter."""
    text = single_line(given["find"])[:MAX_FIND_LENGTH].casefold()
    found = [
        block
        for block in SavedBlocks(ctx.redis).all()
        if text in f"{block.kind}\n{block.subject}\n{block.reason}".casefold()
    ]
    last = max(1, -(-len(found) // BLOCKS_PER_PAGE))
    return slice_page(found, min(parse_page_number(given), last), BLOCKS_PER_PAGE, "", {})


def _kind(given: Mapping[str, str]) -> BlockKind:
    for kind in BLOCK_KINDS:
        if given["kind"] == kind:
            return kind
    raise BadParameter("kind", f"is none of {', '.join(BLOCK_KINDS)}")


def _list(ctx: AppContext, given: Mapping[str, str]) -> str:
    return ""


def _block(ctx: AppContext, given: Mapping[str, str]) -> str:
    block = SavedBlocks(ctx.redis).add(
        _kind(given),
        given["subject"],
        given["reason"],
        now=ctx.now(),
        is_public=bool(given["public"]),
    )
    return f"The {block.kind} {block.subject} is blocked: out of feeds with the next request."


def _lift(ctx: AppContext, given: Mapping[str, str]) -> str:
    block = SavedBlocks(ctx.redis).remove(_kind(given), given["subject"], now=ctx.now())
    return f"The block of the {block.kind} {block.subject} is lifted."


_ACTIONS: Final[dict[str, Callable[[AppContext, Mapping[str, str]], str]]] = {
    "list": _list,
    "block": _block,
    "lift": _lift,
}
