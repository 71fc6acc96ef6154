"""Foreign text as it may stand in a cell of a table in GitHub Flavored Markdown: as text.

https://github.github.com/gfm/. A pipe would part the cell and a newline end the row, whatever
stands around them, so neither is ever written. Formulas keep their dollars: GitHub reads them
after it has read the Markdown, so they are escaped like all else.
"""

from __future__ import annotations

import re
from typing import Final

from service.markup.clean import single_line

_SPECIAL_CHARACTERS: Final = re.compile(
    r"[\\`*_\[\]<>&|~#]|(?<=\bwww)\.|(?<=[a-z]):(?=//)", re.IGNORECASE
)
_ENTITIES: Final = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "|": "&#124;"}
_URL: Final = re.compile(r"https?://[^\s<>|\\^`{}\"]+", re.IGNORECASE | re.ASCII)
_TRAILING_PUNCTUATION: Final = ".,;:!?'()[]*_~$"


def escape_without_links(text: str) -> str:
    """A line of text where no link may be: in a heading, or as the words of a link."""
    return _escape_markdown(single_line(text))


def escape_table_cell(text: str) -> str:
    """A line of text in a cell; URLs in it can be followed."""
    text, pieces, done = single_line(text), [], 0
    for found in _URL.finditer(text):
        url = found[0].rstrip(_TRAILING_PUNCTUATION)
        pieces += [_escape_markdown(text[done : found.start()]), f"<{url}>"]
        done = found.start() + len(url)
    return "".join([*pieces, _escape_markdown(text[done:])])


def _escape_markdown(text: str) -> str:
    return _SPECIAL_CHARACTERS.sub(lambda found: _ENTITIES.get(found[0]) or f"\\{found[0]}", text)
