"""Words in a row, as texts may write them: where they stand in the bytes of many texts at once.

Whether they stand there is told by expressions for so many words, whichever they are, and by what
words these turn out to be: an expression for each phrase takes longer to compile than to look
through a hundred texts with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import takewhile
from typing import Final, NamedTuple

from papers.text.plurals import surfaces

_GAP: Final = "[^a-z0-9\0]+"
"""Between words in a row of a plain text."""


class Row(NamedTuple):
    """Folded words in a row, as they may be written."""

    begin: bytes
    """What each spelling of the first begins with."""
    spellings: tuple[frozenset[bytes], ...]
    """Of each word."""

    def stands_in(self, text: str) -> bool:
        """Whether it is spelled in a plain text, in lower case."""
        return any(True for _ in self.spans(text.encode()))

    def spans(self, text: bytes) -> Iterator[Span]:
        """Where it is spelled in a text in lower case."""
        plainly, spelled = _shape(len(self.spellings))
        start = text.find(self.begin)
        while start >= 0:
            sure = plainly.match(text, start)
            met = sure or spelled.match(text, start)
            if met and all(map(frozenset.__contains__, self.spellings, met.groups())):
                yield Span(start, met.end(), sure is not None)
            start = text.find(self.begin, start + 1)


class Span(NamedTuple):
    """Where a row stands: from and up to which byte.

    `plainly`: so that folding the text around cannot change it.
    """

    start: int
    end: int
    plainly: bool


@lru_cache(maxsize=1024)
def row_of(words: tuple[str, ...], *, plurals: bool = True) -> Row:
    """How folded words in a row may be written: in the plural too, unless they are of names."""
    written = [surfaces(word) if plurals else [word] for word in words]
    spellings = [frozenset(map(str.encode, spelled)) for spelled in written]
    return Row(_shared_start(written[0]).encode(), tuple(spellings))


class _Shape(NamedTuple):
    """So many words in a row, whichever they are."""

    plainly: re.Pattern[bytes]
    """In any text, so that folding cannot change it."""
    spelled: re.Pattern[bytes]
    """In a plain text."""


@lru_cache(maxsize=64)
def _shape(count: int) -> _Shape:
    words = ["([a-z0-9]+)"] * count
    tex = r"(?<!\\.)(?<!\\..)(?<!\\...)"
    row = r"[\s(),.;:!?/\"-]+".join(words)
    plainly = rf"(?<=[\s(/\"-]){tex}{row}(?=[\s,.;:!?)/\"-])"
    spelled = rf"(?<![a-z0-9]){_GAP.join(words)}"
    return _Shape(re.compile(plainly.encode(), re.DOTALL), re.compile(spelled.encode()))


def _shared_start(words: Sequence[str]) -> str:
    """What sorted words all begin with."""
    letters = zip(words[0], words[-1], strict=False) if words else ()
    return "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], letters))
