"""Stop words: function words, which say little of what a text is about."""

from __future__ import annotations

from typing import Final

STOP_WORDS: Final = frozenset(
    "a an and are as at be but by can for from has have in into is it its not of on or our such"
    " that the their these this to under using via was we were which while with".split()
)
"""They are part of the shingles around them; a change needs a schema migration."""
