"""The progress of an import of keywords: a page that is sent while they are saved."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from flask import Response, render_template, request, stream_with_context
from markupsafe import Markup, escape

from papers.errors import BadParameter, PaperwireError
from papers.state.import_blocks import ImportOutcome, import_keywords
from service.context import AppContext
from service.exports.keyword_list_reader import read_keyword_list
from service.markup.clean import single_line
from service.pages.parts.page_response import HTML_CONTENT_TYPE

MAX_SHOWN_PROBLEMS: Final = 200
_PROGRESS_SLOT: Final = "<!-- progress -->"


def import_response(ctx: AppContext) -> Response:
    """Save the keywords of the file in a form. Raises BadParameter, StoreError."""
    file = request.files.get("file")
    if not file or not file.filename:
        raise BadParameter("file", "missing; choose one")
    content = io.BytesIO(file.read())  # the file is closed before the response is sent
    blocks = import_keywords(ctx.redis, read_keyword_list(content), now=ctx.now())
    first = next(blocks, [])  # what is no list is an error of the form
    page = render_template("manage_import.html", q="", slot=Markup(_PROGRESS_SLOT))
    head, _, tail = page.partition(_PROGRESS_SLOT)
    return Response(
        stream_with_context(chain([head], _progress(chain([first], blocks)), [tail])),
        headers={"Cache-Control": "no-store"},
        content_type=HTML_CONTENT_TYPE,
    )


def _progress(blocks: Iterable[list[ImportOutcome]]) -> Iterator[str]:
    """Yield a line after each block, and one for each entry that was refused, up to a number."""
    counts = Counter[str]()
    try:
        for block in blocks:
            refused = [outcome for outcome in block if outcome.outcome == "refused"]
            left = max(0, MAX_SHOWN_PROBLEMS - counts["refused"])
            yield from (_line(str(outcome)) for outcome in refused[:left])
            counts.update(outcome.outcome for outcome in block)
            yield _line(f"{counts.total():,} read: {_figures(counts)}")
        yield _line("All is read." if counts else "The file contains no keywords.")
    except PaperwireError as error:
        yield _line(f"It ends here: {error}")


def _line(text: str) -> str:
    return f"<li>{escape(single_line(text))}</li>\n"


def _figures(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(counts.items()))
