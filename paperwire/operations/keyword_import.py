"""What `paperwire keyword import` does: one line of its report for each feed in the list."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from papers.errors import BadInput, BadParameter, UnknownKeyword
from papers.state.keywords import Keywords
from paperwire.operations.session import Session
from service.exports.opml_reader import MOST_BYTES, Outline, Wanted, outlines, wanted


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a feed: `saved`, `known`, `foreign` or `refused`; `said` is why."""

    line: int
    name: str
    outcome: str
    said: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.name}: {self.outcome}" + (
            f", {self.said}" if self.said else ""
        )


def read(file: str) -> bytes:
    """A file (`-`: standard input), or so much of it that it is refused. Raises BadParameter."""
    if file == "-":
        return sys.stdin.buffer.read(MOST_BYTES + 1)
    try:
        with Path(file).open("rb") as opened:
            return opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise BadParameter("FILE", f"{file}: {error.strerror}") from error


def keywords(session: Session, document: bytes) -> list[Told]:
    """Save a list's keywords; none that is saved already is changed. Raises BadParameter."""
    return [_taken(session, outline) for outline in outlines(document)]


def _taken(session: Session, outline: Outline) -> Told:
    name = outline.name or outline.url
    try:
        keyword = wanted(outline)
        if keyword is None:
            return Told(outline.line, name, "foreign", "not a feed of Paperwire's")
        return Told(outline.line, keyword.name, *_saved(session, keyword))
    except BadInput as error:
        return Told(outline.line, name, "refused", str(error))


def _saved(session: Session, keyword: Wanted) -> tuple[str, str]:
    """Outcome and reason of one keyword."""
    saved = Keywords(session.redis)
    try:
        there = saved.get(keyword.name)
    except UnknownKeyword:
        added = saved.add(keyword.name, keyword.query.canonical, now=session.now)
        return "saved", f"{added.query} (taken from its name)" if keyword.guessed else added.query
    if keyword.guessed or there.query == keyword.query.canonical:
        return "known", ""
    return "refused", f"{there.name!r} is saved with another query, {there.query}; it stays"
