"""A paper as a row of our own export: a JSON object that says all that is known of it.

    {"paperwire": 1, "id": "2503.14895", "title": "…", "authors": ["…"], "categories": ["cs.CL"], …}

`paper_of(row_of(paper)) == paper`. What nobody has said is left out. `docs/export.md` lists the
members; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from papers.errors import SourceGarbled
from papers.model.arxiv_id import ArxivId
from papers.model.paper import AnnounceType, Channel, Paper, Pick, Rank, Revision

FORMAT: Final = 1
MARK: Final = "paperwire"
"""The member that tells our rows from others; its value is the format."""

Row = dict[str, Any]

_TEXTS: Final = (
    *("title", "abstract", "primary", "comment", "journal_ref", "doi", "license"),
    *("code", "project", "organization"),
)
_LISTS: Final = ("authors", "categories", "sources")
_TIMES: Final = ("announced_at", "submitted_at", "referred_at")
_STATED: Final = frozenset(_TEXTS) | {"authors"}
"""What statements are kept of: `papers.model.merge` ranks these."""

_PICK_TEXTS: Final = ("community", "url", "discussion", "submitter", "thumbnail")
_PICK_TIMES: Final = ("picked_at", "counted_at")
_PICK_COUNTS: Final = ("votes", "comments")

MEMBERS: Final = (
    *(MARK, "id", *_TEXTS, *_LISTS, *_TIMES),
    *("announce_type", "revision", "withdrawn_version", "picks", "statements", "listed_at"),
)
"""Every member a row can have."""

_KNOWN: Final = frozenset(MEMBERS)
_KNOWN_OF_REVISION: Final = frozenset({"version", "exact", "at"})
_KNOWN_OF_PICK: Final = frozenset({*_PICK_TEXTS, *_PICK_TIMES, *_PICK_COUNTS})
_KNOWN_OF_STATEMENT: Final = frozenset({"channel", "version", "as_of", "of"})


def row_of(paper: Paper) -> Row:
    """The row of a paper."""
    row: Row = {name: getattr(paper, name) for name in _TEXTS}
    row |= {name: list(getattr(paper, name)) for name in _LISTS}
    row |= {name: _spelled(getattr(paper, name)) for name in _TIMES}
    row["announce_type"] = paper.announce_type.label if paper.announce_type else None
    row["revision"] = _revision_row(paper.revision) if paper.revision else None
    row["withdrawn_version"] = paper.withdrawn_version
    row["picks"] = [_pick_row(pick) for pick in paper.picks]
    row["listed_at"] = [_spelled(_moment(seconds)) for seconds in paper.listed_at]
    row["statements"] = _statement_rows(paper.ranks)
    return {MARK: FORMAT, "id": str(paper.id)} | _said(row)


def paper_of(row: Mapping[str, Any]) -> Paper:
    """The paper of a row. Raises BadId, SourceGarbled for what is no row of ours."""
    if row.get(MARK) != FORMAT:
        raise SourceGarbled(f"a row of format {row.get(MARK)!r}; this version knows {FORMAT}")
    _no_others(row, _KNOWN, "the row")
    revision = row.get("revision")
    said: Row = {name: _text(row, name) for name in _TEXTS}
    said |= {name: tuple(_texts(row, name)) for name in _LISTS}
    said |= {name: _time(row, name) for name in _TIMES}
    paper = Paper(
        id=ArxivId.parse(row.get("id", "")),
        **said,
        announce_type=_announce_type(row.get("announce_type")),
        revision=_revision(revision) if revision is not None else None,
        withdrawn_version=_count(row, "withdrawn_version") or 0,
        picks=_sorted_by_name((p.community, p) for p in map(_pick, _rows(row, "picks"))),
        ranks=_ranks(_rows(row, "statements")),
        listed_at=tuple(_seconds(_read(text, "listed_at")) for text in _texts(row, "listed_at")),
    )
    if paper.listed_at and len(paper.listed_at) != len(paper.categories):
        raise SourceGarbled("listed_at: every category has one time")
    if {name for name in _STATED if getattr(paper, name)} != {name for name, _ in paper.ranks}:
        raise SourceGarbled("statements: every text has one that is of it, and nothing else has")
    return paper


def _said(row: Row) -> Row:
    """Without what says nothing; zero votes is something, version 0 is not."""
    return {name: value for name, value in row.items() if value not in (None, "", [], 0)}


def _revision_row(revision: Revision) -> Row:
    at = _spelled(_moment(-revision.minus_seconds))
    return {"version": revision.version, "exact": revision.exact, "at": at}


def _revision(row: Any) -> Revision:
    row = _object(row, "revision")
    _no_others(row, _KNOWN_OF_REVISION, "revision")
    version, at = _count(row, "version"), _time(row, "at")
    if not version or at is None or not isinstance(row.get("exact"), bool):
        raise SourceGarbled("revision: needs version, exact and at")
    return Revision(version, row["exact"], -_seconds(at))


def _pick_row(pick: Pick) -> Row:
    row: Row = {name: getattr(pick, name) for name in _PICK_TEXTS}
    row |= {name: _spelled(getattr(pick, name)) for name in _PICK_TIMES}
    counts = {name: getattr(pick, name) for name in _PICK_COUNTS}
    return _said(row) | {name: count for name, count in counts.items() if count is not None}


def _pick(row: Mapping[str, Any]) -> Pick:
    _no_others(row, _KNOWN_OF_PICK, "a pick")
    picked_at = _time(row, "picked_at")
    if picked_at is None or not _text(row, "community"):
        raise SourceGarbled("a pick needs community and picked_at")
    said: Row = {name: _text(row, name) for name in _PICK_TEXTS}
    said |= {name: _count(row, name) for name in _PICK_COUNTS}
    return Pick(**said, picked_at=picked_at, counted_at=_time(row, "counted_at"))


def _statement_rows(ranks: tuple[tuple[str, Rank], ...]) -> list[Row]:
    """The ranks, each with the members it is of: mostly one for all."""
    members: dict[Rank, list[str]] = {}
    for name, rank in ranks:
        members.setdefault(rank, []).append(name)
    return [
        {
            "channel": Channel(rank.channel).name.lower(),
            "version": rank.version,
            "as_of": _spelled(_moment(rank.as_of)),
            "of": names,
        }
        for rank, names in members.items()
    ]


def _ranks(rows: list[Mapping[str, Any]]) -> tuple[tuple[str, Rank], ...]:
    found: dict[str, Rank] = {}
    for row in rows:
        _no_others(row, _KNOWN_OF_STATEMENT, "a statement")
        names, as_of = _texts(row, "of"), _time(row, "as_of")
        channel = _CHANNELS.get(_text(row, "channel"))
        if channel is None or as_of is None or not _STATED.issuperset(names):
            raise SourceGarbled("a statement needs a channel, as_of and what it is of")
        version = _count(row, "version") or 0
        rank = Rank(channel.is_arxiv, version, int(channel), _seconds(as_of))
        found |= dict.fromkeys(names, rank)
    return tuple(sorted(found.items()))


_CHANNELS: Final = {channel.name.lower(): channel for channel in Channel}
_TYPES: Final = {announced.label: announced for announced in AnnounceType}


def _announce_type(label: Any) -> AnnounceType | None:
    if label is not None and label not in _TYPES:
        raise SourceGarbled(f"announce_type: {label!r} is none of {', '.join(_TYPES)}")
    return _TYPES[label] if label else None


def _sorted_by_name(named: Any) -> tuple[Any, ...]:
    """By community, one each, as records keep picks."""
    return tuple(value for _, value in sorted(dict(named).items()))


def _no_others(row: Mapping[str, Any], known: frozenset[str], what: str) -> None:
    """Nothing is dropped unseen: a member of a later version is refused."""
    if others := row.keys() - known:
        raise SourceGarbled(f"{what}: this version knows no {', '.join(sorted(others))[:200]}")


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name, "")
    if not isinstance(value, str):
        raise SourceGarbled(f"{name}: {value!r:.100} is no text")
    return value


def _texts(row: Mapping[str, Any], name: str) -> list[str]:
    values = row.get(name, [])
    if not isinstance(values, list) or not {str}.issuperset(map(type, values)):
        raise SourceGarbled(f"{name}: {values!r:.100} is no list of texts")
    return values


def _count(row: Mapping[str, Any], name: str) -> int | None:
    value = row.get(name)
    if value is not None and (type(value) is not int or not 0 <= value < 1 << 31):
        raise SourceGarbled(f"{name}: {value!r:.100} is no count")
    return value


def _rows(row: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    values = row.get(name, [])
    if not isinstance(values, list):
        raise SourceGarbled(f"{name}: {values!r:.100} is no list")
    return [_object(value, name) for value in values]


def _object(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise SourceGarbled(f"{name}: {value!r:.100} is no object")
    return value


def _time(row: Mapping[str, Any], name: str) -> datetime | None:
    text = _text(row, name)
    return _read(text, name) if text else None


@lru_cache(maxsize=4_096)
def _read(text: str, name: str) -> datetime:
    """Most times of a row are days, which come again."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise SourceGarbled(f"{name}: {text[:100]!r} is no time") from error
    if moment.utcoffset() != timedelta() or moment.microsecond:
        raise SourceGarbled(f"{name}: {text[:100]!r} is no time in UTC, of whole seconds")
    return moment.astimezone(UTC)


def _spelled(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
