"""Readings of a text: its folded words as they stand, and with hyphenated pairs joined.

`papers.text.compounds` says which pairs are joined, and why there are several readings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from papers.text.compounds import closed_reading_joins, may_join
from papers.text.folding import (
    SEPARATORS_TO_BLANKS,
    FoldWords,
    TokenSpan,
    fold_text,
    token_spans,
)
from papers.text.plurals import fold_written_words, mark_case

_HYPHEN: Final = "-"
_KEEP_HYPHENS: Final = {
    code: to for code, to in SEPARATORS_TO_BLANKS.items() if code != ord(_HYPHEN)
}
MAX_HYPHENS: Final = 2
"""Hyphens in a compound: TeX writes an en dash with two, and an em dash with three."""


class Readings(NamedTuple):
    """The folded words of a text: as they stand, and with hyphenated pairs joined.

    `closed` has up to two readings, none if no pair is joined; `papers.text.compounds` says why.
    """

    words: list[str]
    closed: tuple[list[str], ...] = ()


def token_readings(text: str) -> Readings:
    """Return all readings of a text."""
    return folded_readings(fold_text(text))


def folded_readings(folded: str) -> Readings:
    """Return all readings of a text that was folded by `fold_text`, or of what is between blanks.

    Hyphens join no words across a blank.
    """
    if _HYPHEN not in folded:
        return Readings(fold_written_words(folded.translate(SEPARATORS_TO_BLANKS).split()))
    written, joinable = _split_hyphenated(folded)
    words = fold_written_words(written)
    if True not in joinable:
        return Readings(words)
    closed = (closed_reading(words, written, of) for of in closed_reading_joins(joinable))
    return Readings(words, tuple(closed))


def closed_reading(
    words: Sequence[str], written: Sequence[str], joined: Sequence[bool]
) -> list[str]:
    """Return a reading in which the pairs are joined that begin at `joined` words."""
    found, at = list[str](), 0
    while at < len(words):
        if joined[at]:
            found += fold_written_words([join_written(written[at], written[at + 1])])
            at += 2
        else:
            found.append(words[at])
            at += 1
    return found


def join_written(first: str, second: str) -> str:
    """Return two written words as one."""
    return mark_case(first) + mark_case(second)


def _split_hyphenated(folded: str) -> tuple[list[str], list[bool]]:
    """Return the written words of a folded text, and which may be joined with the next one."""
    words, joinable = list[str](), list[bool]()
    for chunk in folded.translate(_KEEP_HYPHENS).split():
        if _HYPHEN not in chunk:
            words.append(chunk)
            joinable.append(False)
            continue
        hyphens = MAX_HYPHENS + 1
        for part in chunk.split(_HYPHEN):
            if part:
                if hyphens <= MAX_HYPHENS:
                    joinable[-1] = may_join(words[-1].lower(), part.lower())
                words.append(part)
                joinable.append(False)
                hyphens = 0
            hyphens += 1
    return words, joinable


def span_readings(text: str, fold: FoldWords | None = None) -> list[list[TokenSpan]]:
    """Return all readings of a text with positions; with `fold`, that of names, only the open one.

    The words and their order are those of `token_readings`.
    """
    opened = list(token_spans(text, fold or fold_written_words))
    if fold or _HYPHEN not in fold_text(text):
        return [opened]
    written, joinable = _split_hyphenated(fold_text(text))
    readings = [opened]
    for joined in closed_reading_joins(joinable):
        words, spans = (
            closed_reading([span.word for span in opened], written, joined),
            list[TokenSpan](),
        )
        places = iter(zip(opened, joined, strict=True))
        for word in words:
            span, is_joined = next(places)
            end = next(places)[0].end if is_joined else span.end
            spans.append(TokenSpan(word, span.start, end, is_joined))
        readings.append(spans)
    return readings
