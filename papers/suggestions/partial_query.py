"""A keyword while it is typed: its last word may be the beginning of one."""

from __future__ import annotations

from dataclasses import dataclass

from papers.errors import BadQuery
from papers.query.fields import attach_fields
from papers.query.grammar import MIN_PREFIX_LENGTH
from papers.query.parser import Query, parse_query
from papers.query.tokens import normalize_query, split_tokens


@dataclass(frozen=True, slots=True)
class PartialReading:
    """What a keyword finds while it is typed.

    `typed` is the keyword as it stands. `shown` has its last word as a prefix, where it can be
    one. `rest` is the keyword without its last word, None if nothing is left.
    """

    typed: Query
    shown: Query
    rest: Query | None = None
    is_partial: bool = False

    @property
    def is_prefix(self) -> bool:
        """Whether the last word is read as a prefix."""
        return self.shown is not self.typed

    @classmethod
    def of(cls, text: str) -> PartialReading:
        """Read a keyword; a blank at its end finishes its last word. Raises BadQuery."""
        typed = parse_query(text)
        normal = normalize_query(text)
        last = attach_fields(split_tokens(normal))[-1]
        is_word = last.kind in ("word", "value") and normal[last.start : last.end] == last.written
        if text[-1:].isspace() or not is_word or last.written.endswith("*"):
            return cls(typed, typed)
        rest = _parsed(normal[: last.start].removesuffix("-")) if last.kind == "word" else None
        can_begin_a_word = last.written[-1].isalnum() and len(last.written) >= MIN_PREFIX_LENGTH
        shown = _parsed(f"{normal}*") if can_begin_a_word else None
        return cls(typed, shown or typed, rest, is_partial=True)


def _parsed(text: str) -> Query | None:
    try:
        return parse_query(text)
    except BadQuery:
        return None
