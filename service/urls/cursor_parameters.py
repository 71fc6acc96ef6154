"""Parameters of the lists that clients read to the end and then follow: size and cursors."""

from __future__ import annotations

from typing import Final

from papers.model.arxiv_id import ArxivId
from service.urls.param_types import integer_between
from service.urls.params import MAX_PAPERS, Parameter

DEFAULT_SIZE: Final = 100
_MAX_CURSOR_LENGTH: Final = 16


def _parse_cursor(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_CURSOR_LENGTH):
        raise ValueError("is no cursor; send that of the last response, or none to begin")
    return int(text)


SIZE_PARAMETER: Final = Parameter(
    "n",
    "",
    integer_between(1, MAX_PAPERS),
    str,
    {"type": "integer", "minimum": 1, "maximum": MAX_PAPERS, "default": DEFAULT_SIZE},
    "The maximum number of papers.",
)
AFTER_PARAMETER: Final = Parameter(
    "after",
    "",
    lambda text, _: _parse_cursor(text),
    str,
    {"type": "string", "pattern": f"^[0-9]{{1,{_MAX_CURSOR_LENGTH}}}$"},
    "The `cursor` of the last response; without it there are no changes, and the cursor is that "
    "of now.",
)
BEFORE_PARAMETER: Final = Parameter(
    "before",
    "",
    lambda text, _: ArxivId.parse(text),
    str,
    {"type": "string"},
    "The id of the last paper of the page before.",
)
