"""The record of a saved keyword, and how it is stored: a value of the keywords hash, JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from papers.errors import BadQuery, StoreError
from papers.query.parser import parse_query
from papers.redis_backend import keys
from papers.state.initial_fetch_states import INITIAL_FETCH_PREFIX


@dataclass(frozen=True, slots=True)
class Keyword:
    """A saved keyword; `query` is a display text, `added_at` aware UTC."""

    slug: str
    name: str
    query: str
    added_at: datetime

    @classmethod
    def decode(cls, slug: str, stored: bytes) -> Keyword:
        """Decode a value of the keywords hash. Raises StoreError if it is damaged."""
        try:
            values = json.loads(stored)
            added_at = datetime.fromisoformat(values["added_at"])
            return cls(slug, values["name"], _quote_small_or(values["query"]), added_at)
        except (ValueError, KeyError, TypeError) as error:
            reason = f"{stored[:200]!r} is no keyword ({error}); delete {slug!r} to go on"
            raise StoreError(f"{keys.KEYWORDS}: {reason}") from error

    @classmethod
    def decode_all(cls, stored: Mapping[bytes, bytes]) -> dict[bytes, Keyword]:
        """Decode values of the keywords hash by slug, three times as fast as one by one.

        Raises StoreError if one is damaged.
        """
        try:
            rows = json.loads(b"[%s]" % b",".join(stored.values()))
            return {
                slug: cls(
                    slug.decode(),
                    row["name"],
                    _quote_small_or(row["query"]),
                    datetime.fromisoformat(row["added_at"]),
                )
                for slug, row in zip(stored, rows, strict=True)
            }
        except (ValueError, KeyError, TypeError):  # one of them is damaged: say which
            return {slug: cls.decode(slug.decode(), value) for slug, value in stored.items()}

    def encode(self) -> str:
        """Return the value to store."""
        values = {
            "name": self.name,
            "query": self.query,
            "added_at": self.added_at.astimezone(UTC).isoformat(),
        }
        return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def initial_fetch_task(slug: str) -> str:
    """Return the name of the task that fetches a new keyword's first papers."""
    return f"{INITIAL_FETCH_PREFIX}{slug}"


def acronyms_of_name(name: str, query: str) -> str:
    """Return the words of a name whose acronyms have lost their S in the query; empty if none have.

    Before schema 6 the query of a keyword named GPS was stored as `gp`, which found both.
    """
    pairs = list(zip(name.split(), query.split(), strict=False))
    if len(pairs) != len(name.split()) or len(pairs) != len(query.split()):
        return ""
    lost = [word.isupper() and word.casefold() == f"{folded}s" for word, folded in pairs]
    others = [folded for (_, folded), is_lost in zip(pairs, lost, strict=True) if not is_lost]
    same = all(word.casefold() == folded for word, folded in pairs if folded in others)
    return " ".join(word for word, _ in pairs) if any(lost) and same else ""


def _quote_small_or(text: str) -> str:
    """Return a stored query in which no small `or` is an operator.

    Operators are stored in capitals: in a query that an earlier version stored, `or` is a word.
    """
    if " or " not in text:
        return text
    try:
        notes = parse_query(text).notes
    except BadQuery:
        return text
    readings = [note.alternative_query for note in notes if note.kind == "operator"]
    return readings[0] if readings and readings[0] else text
