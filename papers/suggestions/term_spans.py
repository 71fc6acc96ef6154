"""The parts of a keyword that may be written otherwise: its words, phrases and runs of words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from papers.errors import BadQuery
from papers.query.fields import FIELD_ALIASES, attach_fields
from papers.query.parser import Query, parse_query
from papers.query.tokens import Token, small_operators, split_tokens, with_operators
from papers.text.folding import tokenize
from papers.text.stop_words import STOP_WORDS

MAX_WINDOW: Final = 6
"""Words of the longest run that is looked up."""
MAX_SPANS: Final = 64
"""Parts of one keyword that are looked up."""
MAX_PHRASES: Final = 4
"""Phrases that are tried for a keyword: each costs a count."""
_TEXT_FIELDS: Final = ("", "ti", "abs", "all")
_NAME_FIELDS: Final = ("au",)


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

    @property
    def is_name(self) -> bool:
        """Whether it is the name of an author."""
        return _field_name(self.field.removesuffix(":")) in _NAME_FIELDS

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
    words, windows = list[TermSpan](), list[TermSpan]()
    for _, group in groupby(enumerate(_terms(_tokens(text), _TEXT_FIELDS)), _run_key):
        run = [span for _, span in group if span]
        words += run
        is_run = run and not run[0].field and text[run[0].start] != '"'
        windows += _windows(run, text) if is_run else ()
    windows.sort(key=lambda span: (-span.word_count, span.start))
    return [*windows[: MAX_SPANS - len(words)], *words]


def name_spans(text: str) -> list[TermSpan]:
    """Return the authors' names of a keyword's display text that papers must have."""
    return [span for span in _terms(_tokens(text), _NAME_FIELDS) if span][:MAX_SPANS]


def _tokens(text: str) -> list[Token]:
    tokens = attach_fields(split_tokens(text))
    return with_operators(tokens, small_operators(tokens))


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


def _terms(tokens: Sequence[Token], fields: Sequence[str]) -> Iterator[TermSpan | None]:
    """Yield each word and phrase in some fields that papers must have, None for what is between."""
    groups, is_excluded, field = [(True, "" in fields)], False, None
    for token in tokens:
        if token.kind in ("minus", "NOT"):
            is_excluded = True
            yield None
            continue
        if token.kind == "field":
            field = token
            continue
        is_required, is_of_field = groups[-1]
        is_required = is_required and not is_excluded
        is_of_field = _field_name(field.written) in fields if field else is_of_field
        if token.kind == "open":
            groups.append((is_required, is_of_field and "" in fields))
        elif token.kind == "close" and len(groups) > 1:
            groups.pop()
        is_term = token.kind in ("word", "value", "phrase") and not token.written.endswith("*")
        yield _span(token, field) if is_term and is_required and is_of_field else None
        is_excluded, field = False, None


def _field_name(written: str) -> str:
    return FIELD_ALIASES.get(written.lower(), written.lower())


def _span(token: Token, field: Token | None) -> TermSpan:
    start = field.start if field else token.start
    return TermSpan(start, token.end, token.written, f"{field.written}:" if field else "")


def phrase_readings(text: str, spans: Sequence[TermSpan]) -> Iterator[Query]:
    """Yield a keyword with all its runs of words as phrases, and one run with shorter phrases.

    Two words may meet far apart by chance: `cell membrane` is also `"cell membrane"`. `spans` are
    those of the keyword, longest runs first.
    """
    runs = list[TermSpan]()
    for span in spans:
        if span.word_count > 1 and not any(longer.contains(span) for longer in runs):
            runs.append(span)
    if not runs:
        return
    tried = [sorted(runs, key=lambda run: run.start)]
    if len(runs) == 1:
        shorter = [s for s in spans if 1 < s.word_count < runs[0].word_count and _is_term(s)]
        tried += [[span] for span in shorter]
    for phrases in tried[:MAX_PHRASES]:
        if query := _quoted(text, phrases):
            yield query


def _is_term(span: TermSpan) -> bool:
    words = tokenize(span.written)
    return bool(words) and words[0] not in STOP_WORDS and words[-1] not in STOP_WORDS


def _quoted(text: str, spans: Sequence[TermSpan]) -> Query | None:
    for span in reversed(spans):
        text = text[: span.start] + quoted_term(span.written) + text[span.end :]
    try:
        return parse_query(text)
    except BadQuery:
        return None
