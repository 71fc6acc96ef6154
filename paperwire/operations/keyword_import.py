"""What `paperwire keyword import` does: one line of its report for each feed in the list."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from papers.errors import BadInput, BadParameter, UnknownKeyword
from papers.state.keywords import Keywords
from paperwire.operations.session import CommandSession
from service.exports.opml_reader import (
    MAX_OPML_BYTES,
    ImportedKeyword,
    OpmlOutline,
    keyword_from_outline,
    read_outlines,
)


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What became of a feed: `saved`, `known`, `foreign` or `refused`; `said` is why."""

    line: int
    name: str
    outcome: str
    said: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.name}: {self.outcome}" + (
            f", {self.said}" if self.said else ""
        )


def read_import_file(file: str) -> bytes:
    """A file (`-`: standard input), or so much of it that it is refused. Raises BadParameter."""
    if file == "-":
        return sys.stdin.buffer.read(MAX_OPML_BYTES + 1)
    try:
        with Path(file).open("rb") as opened:
            return opened.read(MAX_OPML_BYTES + 1)
    except OSError as error:
        raise BadParameter("FILE", f"{file}: {error.strerror}") from error


def import_keywords(session: CommandSession, document: bytes) -> list[ImportOutcome]:
    """Save a list's keywords; none that is saved already is changed. Raises BadParameter."""
    return [_import_outline(session, outline) for outline in read_outlines(document)]


def _import_outline(session: CommandSession, outline: OpmlOutline) -> ImportOutcome:
    name = outline.name or outline.url
    try:
        keyword = keyword_from_outline(outline)
        if keyword is None:
            return ImportOutcome(outline.line, name, "foreign", "not a feed of Paperwire's")
        return ImportOutcome(outline.line, keyword.name, *_save_unless_known(session, keyword))
    except BadInput as error:
        return ImportOutcome(outline.line, name, "refused", str(error))


def _save_unless_known(session: CommandSession, keyword: ImportedKeyword) -> tuple[str, str]:
    """Outcome and reason of one keyword."""
    saved = Keywords(session.redis)
    try:
        there = saved.get(keyword.name)
    except UnknownKeyword:
        added = saved.add(keyword.name, keyword.query.canonical, now=session.now)
        return (
            "saved",
            f"{added.query} (taken from its name)" if keyword.is_guessed else added.query,
        )
    if keyword.is_guessed or there.query == keyword.query.canonical:
        return "known", ""
    return "refused", f"{there.name!r} is saved with another query, {there.query}; it stays"
