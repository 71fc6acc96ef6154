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
from papers.query.fields import attach_fields
from papers.query.grammar import GrammarParser
from papers.query.notes import Note, build_notes
from papers.query.tokens import (
    MAX_QUERY_LENGTH,
    SPLIT_HINT,
    Token,
    normalize_query,
    reads_small_or,
    refuse,
    small_operators,
    split_tokens,
    substitute,
    with_operators,
    without_lone_signs,
)

_PAPER_LINK: Final = re.compile(
    r"(?:oai:|doi:)?(?:(?:https?:)?//(?:[\w.-]+\.)?arxiv\.org/|arxiv(?:\.org)?:)\S+", re.IGNORECASE
)
_AROUND_LINK: Final = "<>[]().,; "
_CITED_PAPER: Final = re.compile(
    r"(?:arxiv[: ] ?)?(\S+)(?: \[[a-z-]+(?:\.[a-z-]+)?\])?", re.IGNORECASE
)
"""A paper as arXiv cites it: `arXiv:2503.14895 [cs.CL]`."""
_ARXIV_LIST: Final = re.compile(
    r"\S*arxiv\.org/(?:list|archive)/([a-z-]+(?:\.[a-z-]+)?)\b.*", re.IGNORECASE
)
_JOURNAL_DOI: Final = re.compile(
    r"(?:doi: ?|https?://(?:dx\.)?doi\.org/)10\.\d{4,9}/\S+", re.IGNORECASE
)


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

        A function of the display text, as the address has nothing else.
        Whether it was typed in small letters is not known there, so the other reading is offered.
        """
        shown = self.display_text
        try:
            typed = parse_query(shown.replace(" OR ", " or "))
        except BadQuery:  # a phrase with OR, at a limit
            typed = None
        if typed and typed == self and typed.display_text == shown:
            return typed.notes
        return parse_query(shown).notes


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
        reason = f"written out, the keyword has {length:,} characters; at most {MAX_QUERY_LENGTH}"
        hint = f"α is written out as alpha, and a field before brackets for each word; {SPLIT_HINT}"
        refuse(normal, reason, 0, hint)
    # on the text that is shown, of equal length: notes are the same for what was typed and shown
    notes = build_notes(
        query.written, reading.tokens, reading.operators, reading.signs, _display_text_of
    )
    return Query(query.tree, query.written, notes)


def _pasted_paper(text: str) -> ArxivId | None:
    """Return the paper if a whole keyword is its id or a link. Raises BadQuery if that is wrong."""
    bare = text.strip(_AROUND_LINK)
    cited = _CITED_PAPER.fullmatch(text)
    reason = ""
    for written in dict.fromkeys((cited[1] if cited else bare, bare)):
        try:
            return ArxivId.parse(written)
        except BadId as error:
            reason = str(error)
    if found := _ARXIV_LIST.fullmatch(bare):
        refuse(text, "a list of arXiv is no keyword", 0, f"cat:{found[1]} finds its papers")
    if _PAPER_LINK.fullmatch(bare):
        refuse(text, reason, 0, "paste a paper's id or link, like 2503.14895")
    if _JOURNAL_DOI.fullmatch(bare):
        hint = "paste the paper's id on arXiv, or words of its title"
        refuse(text, "papers are not found by a journal's DOI", 0, hint)
    return None


def _display_text_of(text: str) -> str:
    """Return the display text of a keyword; "" if it is refused."""
    try:
        return _Reading.of(normalize_query(text)).display_text
    except BadQuery:
        return ""


@dataclass(frozen=True, slots=True)
class _Reading:
    """How a normalized keyword was read.

    `operators` are indices of words in small letters; `signs` are lone signs, not in `tokens`.
    """

    tree: Node
    tokens: Sequence[Token]
    operators: Sequence[int]
    signs: Sequence[Token]
    display_text: str

    @classmethod
    def of(cls, text: str) -> _Reading:
        """Parse a normalized keyword. Raises BadQuery."""
        tokens, signs = without_lone_signs(attach_fields(split_tokens(text)))
        operators, has_small_or = small_operators(tokens), reads_small_or(tokens)
        if not has_small_or:
            operators = [index for index in operators if tokens[index].written != "or"]
        tree = GrammarParser(text, with_operators(tokens, operators)).parse_keyword()
        # in a title that stays as it is, a capital AND would make an operator of its "or"
        capitals = operators if has_small_or else ()
        shown = substitute(text, [(tokens[at], tokens[at].small_operator) for at in capitals])
        return cls(tree, tokens, operators, signs, shown)
