"""The parts of a keyword that may be written otherwise: its words, phrases and runs of words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from papers.query.fields import FIELD_ALIASES
from papers.query.tokens import Token, small_operators, split_tokens, with_operators

MAX_WINDOW: Final = 6
"""Words of the longest run that is looked up."""
MAX_SPANS: Final = 64
"""Parts of one keyword that are looked up."""
_TEXT_FIELDS: Final = ("", "ti", "abs", "all")


@dataclass(frozen=True, slots=True)
class TermSpan:
    """A part of a keyword, at `text[start:end]` with its field; `written` without field and quotes.

    `field` is as written, with its colon, or empty. `word_count` is 1 for a word or a phrase, and
    more for a run of words.
    """

    start: int
    end: int
    written: str
    field: str = ""
    word_count: int = 1

    def contains(self, other: TermSpan) -> bool:
        """Return whether another span is within this one."""
        return self.start <= other.start and other.end <= self.end

    def with_alternative(self, text: str, alternative: str) -> str:
        """Return a keyword with this part OR'ed with another term, quoted if need be."""
        either = f"{text[self.start : self.end]} OR {self.field}{quoted_term(alternative)}"
        is_whole = self.start == 0 and self.end == len(text)
        return either if is_whole else f"{text[: self.start]}({either}){text[self.end :]}"


def quoted_term(written: str) -> str:
    """Return a term as it is typed: in quotes unless it is a plain word."""
    is_plain = written.isalnum() and written.upper() not in ("OR", "AND", "NOT", "ANDNOT")
    return written if is_plain else f'"{written}"'


def term_spans(text: str) -> list[TermSpan]:
    """Return the parts of a keyword's display text that papers must have, longest runs first."""
    tokens = split_tokens(text)
    tokens = with_operators(tokens, small_operators(tokens))
    spans = list[TermSpan]()
    for _, group in groupby(enumerate(_terms(tokens)), _run_key):
        run = [span for _, span in group if span]
        spans += run
        is_run = run and not run[0].field and text[run[0].start] != '"'
        spans += _windows(run, text) if is_run else ()
    return sorted(spans, key=lambda span: (-span.word_count, span.start))[:MAX_SPANS]


def _run_key(item: tuple[int, TermSpan | None]) -> object:
    """Return a key that groups words into runs: equal for words without a field, else unique."""
    index, span = item
    is_word = span and not span.field and span.end - span.start == len(span.written)
    return "run" if is_word else index


def _windows(run: Sequence[TermSpan], text: str) -> Iterator[TermSpan]:
    for first in range(len(run)):
        for last in range(first + 1, min(first + MAX_WINDOW, len(run))):
            start, end = run[first].start, run[last].end
            yield TermSpan(start, end, text[start:end], word_count=last - first + 1)


def _terms(tokens: Sequence[Token]) -> Iterator[TermSpan | None]:
    """Yield each word and phrase that papers must have, and None for what separates them."""
    open_groups, is_excluded, field = [True], False, None
    for token in tokens:
        if token.kind in ("minus", "NOT"):
            is_excluded = True
            yield None
            continue
        if token.kind == "field":
            field = token
            continue
        is_required = open_groups[-1] and not is_excluded and _is_text(field)
        if token.kind == "open":
            open_groups.append(is_required)
        elif token.kind == "close":
            open_groups = open_groups[:-1] or [True]
        is_term = token.kind in ("word", "value", "phrase") and not token.written.endswith("*")
        yield _span(token, field) if is_term and is_required else None
        is_excluded, field = False, None


def _is_text(field: Token | None) -> bool:
    name = field.written.lower() if field else ""
    return FIELD_ALIASES.get(name, name) in _TEXT_FIELDS


def _span(token: Token, field: Token | None) -> TermSpan:
    start = field.start if field else token.start
    return TermSpan(start, token.end, token.written, f"{field.written}:" if field else "")
