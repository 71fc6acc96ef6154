"""The export format: a paper as a JSON object that holds all that is known of it.

    {"paperwire": 1, "id": "2503.14895", "title": "…", "authors": ["…"], "categories": ["cs.CL"], …}

`paper_from_row(paper_to_row(paper)) == paper`. Members without a value are left out.
`docs/reference/export-format.md` lists the members; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from papers.errors import SourceGarbled
from papers.model.arxiv_id import ArxivId
from papers.model.dates import from_epoch, to_epoch
from papers.model.merge import RANKED_FIELDS
from papers.model.paper import AnnounceType, Channel, Paper, Pick, Rank, Revision, implied_versions

ROW_FORMAT: Final = 1
FORMAT_MEMBER: Final = "paperwire"
"""The member that marks a row as Paperwire's; its value is the format."""

JsonRow = dict[str, Any]

_TEXTS: Final = (
    *("title", "abstract", "primary", "comment", "journal_ref", "doi", "license"),
    *("code", "project", "organization"),
)
_LISTS: Final = ("authors", "categories", "sources")
_TIMES: Final = ("announced_at", "submitted_at", "referred_at", "coded_at")
_RANKED_MEMBERS: Final = frozenset(RANKED_FIELDS)
"""The members that `statements` are about."""

_PICK_TEXTS: Final = ("community", "url", "discussion", "submitter", "thumbnail")
_PICK_TIMES: Final = ("picked_at", "counted_at")
_PICK_COUNTS: Final = ("votes", "comments")

ROW_MEMBERS: Final = (
    *(FORMAT_MEMBER, "id", *_TEXTS, *_LISTS, *_TIMES),
    *("announce_type", "revision", "withdrawn_version", "picks", "statements", "listed_at"),
    "versions",
)
"""Every member a row can have."""

_ROW_KEYS: Final = frozenset(ROW_MEMBERS)
_REVISION_KEYS: Final = frozenset({"version", "exact", "at"})
_PICK_KEYS: Final = frozenset({*_PICK_TEXTS, *_PICK_TIMES, *_PICK_COUNTS})
_STATEMENT_KEYS: Final = frozenset({"channel", "version", "as_of", "of"})


def paper_to_row(paper: Paper) -> JsonRow:
    """Return the row of a paper."""
    row: JsonRow = {name: getattr(paper, name) for name in _TEXTS}
    row |= {name: list(getattr(paper, name)) for name in _LISTS}
    row |= {name: _format_time(getattr(paper, name)) for name in _TIMES}
    row["announce_type"] = paper.announce_type.label if paper.announce_type else None
    row["revision"] = _revision_to_row(paper.revision) if paper.revision else None
    row["versions"] = [_revision_to_row(revision) for revision in paper.versions]
    row["withdrawn_version"] = paper.withdrawn_version
    row["picks"] = [_pick_to_row(pick) for pick in paper.picks]
    row["listed_at"] = [_format_time(from_epoch(seconds)) for seconds in paper.listed_at]
    row["statements"] = _statements_to_rows(paper.ranks)
    return {FORMAT_MEMBER: ROW_FORMAT, "id": str(paper.id)} | _without_empty(row)


def paper_from_row(row: Mapping[str, Any]) -> Paper:
    """Return the paper of a row. Raises BadId, or SourceGarbled if the row is malformed."""
    if row.get(FORMAT_MEMBER) != ROW_FORMAT:
        raise SourceGarbled(
            f"a row of format {row.get(FORMAT_MEMBER)!r}; this version reads format {ROW_FORMAT}"
        )
    _reject_unknown_members(row, _ROW_KEYS, "the row")
    stated = row.get("revision")
    revision = _revision_from_row(stated) if stated is not None else None
    fields: JsonRow = {name: _read_text(row, name) for name in _TEXTS}
    fields |= {name: tuple(_read_texts(row, name)) for name in _LISTS}
    fields |= {name: _read_time(row, name) for name in _TIMES}
    paper = Paper(
        id=ArxivId.parse(row.get("id", "")),
        **fields,
        announce_type=_parse_announce_type(row.get("announce_type")),
        revision=revision,
        withdrawn_version=_read_count(row, "withdrawn_version") or 0,
        picks=_picks_from_rows(_read_objects(row, "picks")),
        ranks=_ranks_from_rows(_read_objects(row, "statements")),
        versions=_versions_from_rows(_read_objects(row, "versions")) or implied_versions(revision),
        listed_at=tuple(
            to_epoch(_parse_time(text, "listed_at")) for text in _read_texts(row, "listed_at")
        ),
    )
    _check_consistency(paper)
    return paper


def _check_consistency(paper: Paper) -> None:
    if paper.listed_at and len(paper.listed_at) != len(paper.categories):
        raise SourceGarbled("listed_at: must have one time for each category")
    stated = {name for name in _RANKED_MEMBERS if getattr(paper, name)}
    if stated != {name for name, _ in paper.ranks}:
        raise SourceGarbled("statements: must cover every member with a value, and no other")


def _without_empty(row: JsonRow) -> JsonRow:
    """Return a row without members that state nothing: empty ones, and version 0."""
    return {name: value for name, value in row.items() if value not in (None, "", [], 0)}


def _revision_to_row(revision: Revision) -> JsonRow:
    at = _format_time(from_epoch(-revision.negated_seconds))
    return {"version": revision.version, "exact": revision.is_exact, "at": at}


def _revision_from_row(row: Any) -> Revision:
    row = _require_object(row, "revision")
    _reject_unknown_members(row, _REVISION_KEYS, "revision")
    version, at = _read_count(row, "version"), _read_time(row, "at")
    if not version or at is None or not isinstance(row.get("exact"), bool):
        raise SourceGarbled("revision: needs version, exact and at")
    return Revision(version, row["exact"], -to_epoch(at))


def _versions_from_rows(rows: Iterable[Any]) -> tuple[Revision, ...]:
    """Return the versions by number, one each, as records store them."""
    versions = {revision.version: revision for revision in sorted(map(_revision_from_row, rows))}
    return tuple(versions.values())


def _pick_to_row(pick: Pick) -> JsonRow:
    row: JsonRow = {name: getattr(pick, name) for name in _PICK_TEXTS}
    row |= {name: _format_time(getattr(pick, name)) for name in _PICK_TIMES}
    counts = {name: getattr(pick, name) for name in _PICK_COUNTS}
    return _without_empty(row) | {
        name: count for name, count in counts.items() if count is not None
    }


def _picks_from_rows(rows: Iterable[Mapping[str, Any]]) -> tuple[Pick, ...]:
    """Return the picks sorted by community, one each, as records store them."""
    picks = {pick.community: pick for pick in map(_pick_from_row, rows)}
    return tuple(picks[community] for community in sorted(picks))


def _pick_from_row(row: Mapping[str, Any]) -> Pick:
    _reject_unknown_members(row, _PICK_KEYS, "a pick")
    picked_at = _read_time(row, "picked_at")
    if picked_at is None or not _read_text(row, "community"):
        raise SourceGarbled("a pick: needs community and picked_at")
    fields: JsonRow = {name: _read_text(row, name) for name in _PICK_TEXTS}
    fields |= {name: _read_count(row, name) for name in _PICK_COUNTS}
    return Pick(**fields, picked_at=picked_at, counted_at=_read_time(row, "counted_at"))


def _statements_to_rows(ranks: tuple[tuple[str, Rank], ...]) -> list[JsonRow]:
    """Return each rank with its members; most papers have one rank for all."""
    members: dict[Rank, list[str]] = {}
    for name, rank in ranks:
        members.setdefault(rank, []).append(name)
    return [
        {
            "channel": Channel(rank.channel).name.lower(),
            "version": rank.version,
            "as_of": _format_time(from_epoch(rank.as_of)),
            "of": names,
        }
        for rank, names in members.items()
    ]


def _ranks_from_rows(rows: list[Mapping[str, Any]]) -> tuple[tuple[str, Rank], ...]:
    found: dict[str, Rank] = {}
    for row in rows:
        _reject_unknown_members(row, _STATEMENT_KEYS, "a statement")
        names, as_of = _read_texts(row, "of"), _read_time(row, "as_of")
        channel = _CHANNELS.get(_read_text(row, "channel"))
        if channel is None or as_of is None or not _RANKED_MEMBERS.issuperset(names):
            raise SourceGarbled("a statement: needs channel, as_of and of")
        version = _read_count(row, "version") or 0
        rank = Rank(channel.is_arxiv, version, int(channel), to_epoch(as_of))
        found |= dict.fromkeys(names, rank)
    return tuple(sorted(found.items()))


_CHANNELS: Final = {channel.name.lower(): channel for channel in Channel}
_ANNOUNCE_TYPES: Final = {announced.label: announced for announced in AnnounceType}


def _parse_announce_type(label: Any) -> AnnounceType | None:
    if label is not None and label not in _ANNOUNCE_TYPES:
        raise SourceGarbled(f"announce_type: {label!r} is not one of {', '.join(_ANNOUNCE_TYPES)}")
    return _ANNOUNCE_TYPES[label] if label else None


def _reject_unknown_members(row: Mapping[str, Any], known: frozenset[str], what: str) -> None:
    """Refuse members of a later version: dropping them would lose data unnoticed."""
    if others := row.keys() - known:
        raise SourceGarbled(f"{what}: this version does not know {', '.join(sorted(others))[:200]}")


def _read_text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name, "")
    if not isinstance(value, str):
        raise SourceGarbled(f"{name}: {value!r:.100} is not a text")
    return value


def _read_texts(row: Mapping[str, Any], name: str) -> list[str]:
    values = row.get(name, [])
    if not isinstance(values, list) or not {str}.issuperset(map(type, values)):
        raise SourceGarbled(f"{name}: {values!r:.100} is not a list of texts")
    return values


def _read_count(row: Mapping[str, Any], name: str) -> int | None:
    value = row.get(name)
    if value is not None and (type(value) is not int or not 0 <= value < 1 << 31):
        raise SourceGarbled(f"{name}: {value!r:.100} is not a count")
    return value


def _read_objects(row: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    values = row.get(name, [])
    if not isinstance(values, list):
        raise SourceGarbled(f"{name}: {values!r:.100} is not a list")
    return [_require_object(value, name) for value in values]


def _require_object(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise SourceGarbled(f"{name}: {value!r:.100} is not an object")
    return value


def _read_time(row: Mapping[str, Any], name: str) -> datetime | None:
    text = _read_text(row, name)
    return _parse_time(text, name) if text else None


@lru_cache(maxsize=4_096)
def _parse_time(text: str, name: str) -> datetime:
    """Return an ISO time in UTC. Cached: most times are days, which many rows share."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise SourceGarbled(f"{name}: {text[:100]!r} is not a time") from error
    if moment.utcoffset() != timedelta() or moment.microsecond:
        raise SourceGarbled(f"{name}: {text[:100]!r} is not a time in UTC, in whole seconds")
    return moment.astimezone(UTC)


def _format_time(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None
