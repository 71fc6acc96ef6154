"""Import keywords from an OPML list: one outcome for each feed in it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from papers.errors import BadInput, BadParameter, UnknownKeyword
from papers.query.parser import parse_query
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
    """The outcome of one feed: `saved`, `known`, `foreign` or `refused`; `said` is the reason."""

    line: int
    name: str
    outcome: str
    said: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.name}: {self.outcome}" + (
            f", {self.said}" if self.said else ""
        )


def read_import_file(file: str) -> bytes:
    """Read a file (`-`: standard input), at most one byte over the limit. Raises BadParameter."""
    if file == "-":
        return sys.stdin.buffer.read(MAX_OPML_BYTES + 1)
    try:
        with Path(file).open("rb") as opened:
            return opened.read(MAX_OPML_BYTES + 1)
    except OSError as error:
        raise BadParameter("FILE", f"{file}: {error.strerror}") from error


def import_keywords(session: CommandSession, document: bytes) -> list[ImportOutcome]:
    """Save the keywords of a list; saved ones are not changed. Raises BadParameter."""
    return [_import_outline(session, outline) for outline in read_outlines(document)]


def _import_outline(session: CommandSession, outline: OpmlOutline) -> ImportOutcome:
    name = outline.name or outline.url
    try:
        keyword = keyword_from_outline(outline)
        if keyword is None:
            return ImportOutcome(outline.line, name, "foreign", "not a Paperwire feed")
        return ImportOutcome(outline.line, keyword.name, *_save_unless_known(session, keyword))
    except BadInput as error:
        return ImportOutcome(outline.line, name, "refused", str(error))


def _save_unless_known(session: CommandSession, keyword: ImportedKeyword) -> tuple[str, str]:
    """Return the outcome and the reason for one keyword."""
    saved = Keywords(session.redis)
    try:
        existing = saved.get(keyword.name)
    except UnknownKeyword:
        added = saved.add(keyword.name, keyword.query.display_text, now=session.now)
        return (
            "saved",
            f"{added.query} (derived from the name)" if keyword.is_guessed else added.query,
        )
    if keyword.is_guessed or parse_query(existing.query) == keyword.query:
        return "known", ""
    return (
        "refused",
        f"{existing.name!r} is saved with another query, {existing.query}; not changed",
    )
