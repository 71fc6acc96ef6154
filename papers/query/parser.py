"""The parser of the keyword language: a keyword as typed, what it means, and what it may mean.

    text ─▶ normal form (NFC, single blanks, straight quotes)
      ─▶ the paper whose id or link it is, if it is one
      ─▶ tokens, operators in small letters ─▶ grammar ─▶ tree, display text, notes

Limits: 500 characters; they apply to the canonical text too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from papers.errors import BadId, BadQuery
from papers.model.arxiv_id import ArxivId
from papers.query.ast import IdFilter, Node
from papers.query.grammar import GrammarParser
from papers.query.notes import Note, build_notes
from papers.query.tokens import (
    MAX_QUERY_LENGTH,
    Token,
    normalize_query,
    reads_small_or,
    refuse,
    small_operators,
    split_tokens,
    substitute,
    with_operators,
)

_PAPER_LINK: Final = re.compile(
    r"(?:oai:|doi:)?(?:(?:https?:)?//(?:[\w.-]+\.)?arxiv\.org/|arxiv(?:\.org)?:)\S+", re.IGNORECASE
)
_AROUND_LINK: Final = "<>[]().,; "


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed keyword. Queries with equal trees are equal, however they were written."""

    tree: Node
    written: str = field(default="", compare=False)
    """The display text if it was typed; empty for a query built from others."""
    notes: tuple[Note, ...] = field(default=(), compare=False)

    @property
    def canonical(self) -> str:
        """The query key, a function of the tree alone; parsing it gives an equal query."""
        return str(self.tree)

    @property
    def display_text(self) -> str:
        """What was typed, with single blanks, straight quotes and operators in capitals."""
        return self.written or self.canonical

    @property
    def notes_at_address(self) -> tuple[Note, ...]:
        """The notes for a reader who arrives by the query's URL, in which `or` has become OR.

        Whether it was typed in small letters is not known there, so the other reading is offered.
        """
        small = self.display_text.replace(" OR ", " or ")
        try:
            typed = self if small == self.display_text else parse_query(small)
        except BadQuery:  # a phrase with OR, at a limit
            return self.notes
        return typed.notes if typed == self else self.notes


@lru_cache(maxsize=512)
def parse_query(text: str) -> Query:
    """Parse a keyword; cached, as saved keywords are parsed again for every paper of a page.

    Raises BadQuery, which says what is wrong, where, and how to correct it.
    """
    normal = normalize_query(text)
    if paper := _pasted_paper(normal):
        return Query(IdFilter(paper), normal)
    reading = _Reading.of(normal)
    query = Query(reading.tree, reading.display_text)
    if (length := len(query.canonical)) > MAX_QUERY_LENGTH:
        reason = f"the keyword is too long: in its canonical form it has {length} characters"
        hint = f"keep that to {MAX_QUERY_LENGTH}; a field before brackets is repeated for each word"
        refuse(normal, reason, 0, hint)
    notes = build_notes(normal, reading.tokens, reading.operators, _display_text_of)
    return Query(query.tree, query.written, notes)


def _pasted_paper(text: str) -> ArxivId | None:
    """Return the paper if a whole keyword is its id or a link. Raises BadQuery if that is wrong."""
    bare = text.strip(_AROUND_LINK)
    try:
        return ArxivId.parse(bare)
    except BadId as error:
        if _PAPER_LINK.fullmatch(bare):
            refuse(text, str(error), 0, "paste a paper's id or link, like 2503.14895")
        return None


def _display_text_of(text: str) -> str:
    """Return the display text of a keyword; "" if it is refused."""
    try:
        return _Reading.of(normalize_query(text)).display_text
    except BadQuery:
        return ""


@dataclass(frozen=True, slots=True)
class _Reading:
    """How a normalized keyword was read; `operators` are indices of words in small letters."""

    tree: Node
    tokens: Sequence[Token]
    operators: Sequence[int]
    display_text: str

    @classmethod
    def of(cls, text: str) -> _Reading:
        """Parse a normalized keyword. Raises BadQuery."""
        tokens = split_tokens(text)
        operators, has_small_or = small_operators(tokens), reads_small_or(tokens, text)
        if not has_small_or:
            operators = [index for index in operators if tokens[index].written != "or"]
        tree = GrammarParser(text, with_operators(tokens, operators)).parse_keyword()
        # in a title that stays as it is, a capital AND would make an operator of its "or"
        capitals = operators if has_small_or else ()
        shown = substitute(text, [(tokens[at], tokens[at].small_operator) for at in capitals])
        return cls(tree, tokens, operators, shown)
