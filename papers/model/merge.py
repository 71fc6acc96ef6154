"""What counts as the same paper, and which of two statements about it is kept.

A record is the join of every sighting of its id. Each part of a record only ever moves upwards in
an order of its own, so `join` is commutative, associative and idempotent: any order, repetition
or split of the same sightings gives the same record.

| part | of two, kept is |
| --- | --- |
| title, abstract, authors, primary, comment, … | the one of the greater `Rank`; empty never wins |
| categories | the union, one name each, the primary one first |
| announce type | new > cross > replace > replace-cross |
| announced, submitted | the earlier; only arXiv's own dates count |
| revision | the higher version; then a date from an announcement; then the earlier |
| withdrawal | the highest version that was said to be withdrawn |
| pick of a community | the first date with its link; of the rest the newest statement |
| sources | the union |
| when a journal reference was named, a category listed | the earlier |
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from itertools import compress, repeat
from operator import attrgetter, itemgetter
from typing import Any, Final

from papers.model.arxiv_calendar import announcement_for_submission
from papers.model.categories import canonical_category, is_category
from papers.model.paper import AnnounceType, Channel, Paper, Pick, Rank, Revision, Sighting
from papers.text.latex import accents_to_unicode

_RANKED_FIELDS: Final = (
    *("title", "abstract", "authors", "primary", "comment", "journal_ref", "doi", "license"),
    *("code", "project", "organization"),
)
_RANKED_FIELDS_BY_NAME: Final = sorted(_RANKED_FIELDS)
_sort_values_by_name: Final = itemgetter(*map(_RANKED_FIELDS.index, _RANKED_FIELDS_BY_NAME))
_fields_from_comment_on: Final = attrgetter(*_RANKED_FIELDS[4:])
"""What a paper has as a sighting has it, from its comment on."""
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
_FIRST_ANNOUNCEMENT_TYPES: Final = (AnnounceType.NEW, AnnounceType.CROSS)


def merge(record: Paper | None, statement: Sighting | Paper) -> Paper:
    """The record with one more sighting, or another's record, taken in.

    Raises ValueError where the ids differ.
    """
    lifted = statement if isinstance(statement, Paper) else paper_from_sighting(statement)
    return join_papers(record, lifted) if record else lifted


def paper_from_sighting(sighting: Sighting) -> Paper:
    """The record of a paper of which this is the only sighting."""
    primary, listed = _normalize_categories(sighting.categories)
    told = (
        sighting.title,
        sighting.abstract,
        tuple(map(_normalize_author, sighting.authors)),
        primary,
    )
    besides = _fields_from_comment_on(sighting)
    is_arxiv, as_of = sighting.channel.is_arxiv, _epoch_seconds(sighting.as_of)
    rank = Rank(is_arxiv, sighting.version, int(sighting.channel), as_of)
    # By position, in the order of Paper's fields: this runs for every paper there is.
    return Paper._make(
        (
            sighting.id,
            *told,
            listed,
            *besides,
            _announce_type(sighting),
            _announced_at(sighting),
            _to_whole_seconds(sighting.submitted_at) if is_arxiv else None,
            _revision(sighting) if is_arxiv and sighting.version else None,
            max(1, sighting.version) if sighting.withdrawn else 0,
            (_pick_in_whole_seconds(sighting.pick),) if sighting.pick else (),
            (sighting.source,),
            tuple(
                [
                    (name, rank)
                    for name in compress(
                        _RANKED_FIELDS_BY_NAME, _sort_values_by_name(told + besides)
                    )
                ]
            ),
            _to_whole_seconds(sighting.as_of) if sighting.journal_ref else None,
            (as_of,) * len(listed),
        )
    )


def join_papers(a: Paper, b: Paper) -> Paper:
    """The record of all that either was made from. Raises ValueError where the ids differ."""
    if a.id != b.id:
        raise ValueError(f"{a.id} and {b.id} are two papers")
    if a == b:
        return a
    stated, ranks = _join_ranked_fields(a, b)
    categories = _primary_first(stated["primary"], (*a.categories, *b.categories))
    return Paper(
        id=a.id,
        **stated,
        categories=categories,
        announce_type=_greatest(a.announce_type, b.announce_type),
        announced_at=_earliest(a.announced_at, b.announced_at),
        submitted_at=_earliest(a.submitted_at, b.submitted_at),
        revision=_greatest(a.revision, b.revision),
        withdrawn_version=max(a.withdrawn_version, b.withdrawn_version),
        picks=_join_picks(a.picks, b.picks),
        sources=tuple(sorted({*a.sources, *b.sources})),
        ranks=ranks,
        referred_at=_join_journal_ref_time(a, b),
        listed_at=_join_category_times(a, b, categories),
    )


def published_at(paper: Paper) -> datetime:
    """When the paper was first announced, aware UTC.

    Where arXiv has not said, reckoned from the submission; where arXiv has said nothing at all,
    the first pick; where nobody has said, the first day of the id's month.
    """
    if paper.announced_at:
        return paper.announced_at
    if paper.submitted_at:
        return announcement_for_submission(paper.submitted_at)
    picked_at = paper.first_picked_at
    if picked_at and not any(rank.is_arxiv for _, rank in paper.ranks):
        return picked_at
    return datetime(paper.id.month // 100, paper.id.month % 100, 1, tzinfo=UTC)


def updated_at(paper: Paper) -> datetime:
    """When the newest version (a withdrawal is one) was announced, aware UTC.

    Never before `published_at`; never moved by votes or picks.
    """
    published = published_at(paper)
    if not paper.revision or paper.revision.version <= 1:
        return published
    return max(published, datetime.fromtimestamp(-paper.revision.negated_seconds, UTC))


@lru_cache(maxsize=4096)
def _normalize_categories(said: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The primary category of those that were said, and all of them as a paper has them."""
    categories = tuple(filter(None, map(_canonical_or_empty, said)))
    primary = categories[0] if categories else ""
    return primary, _primary_first(primary, categories)


def _canonical_or_empty(name: str) -> str:
    """A category under its one name; empty where it is none."""
    return canonical_category(name.strip()) if is_category(name.strip()) else ""


def _normalize_author(author: str) -> str:
    r"""One name for one author: announcements spell `Fern\'andez` what the API calls Fernández."""
    if author.isascii() and "\\" not in author:
        return author
    return unicodedata.normalize("NFC", accents_to_unicode(author))


def _announce_type(sighting: Sighting) -> AnnounceType | None:
    """Only a paper known by nothing but replacements is a replacement."""
    if sighting.channel is not Channel.ANNOUNCEMENT:
        return AnnounceType.NEW
    return sighting.announce_type


def _announced_at(sighting: Sighting) -> datetime | None:
    """A replacement's date is not that of the first announcement."""
    announced = sighting.channel is Channel.ANNOUNCEMENT
    first = announced and sighting.announce_type in _FIRST_ANNOUNCEMENT_TYPES
    return _to_whole_seconds(sighting.announced_at) if first else None


def _revision(sighting: Sighting) -> Revision:
    """Only arXiv says which versions there are: a link to v9 in a community's feed may be wrong.

    A cross-listing announces a paper to a category, not its version: its date is no exact one.
    """
    if sighting.channel is Channel.ANNOUNCEMENT and sighting.announced_at:
        exact = sighting.announce_type is not AnnounceType.CROSS
        return Revision(sighting.version, exact, -_epoch_seconds(sighting.announced_at))
    dated = announcement_for_submission(sighting.revised_at or sighting.as_of)
    return Revision(sighting.version, False, -_epoch_seconds(dated))


def _join_ranked_fields(a: Paper, b: Paper) -> tuple[dict[str, Any], tuple[tuple[str, Rank], ...]]:
    """Per stated field the value of the greater rank; of equal ranks the greater value."""
    of_a, of_b = dict(a.ranks), dict(b.ranks)
    stated: dict[str, Any] = {name: getattr(a, name) for name in _RANKED_FIELDS}
    for name, rank in of_b.items():
        value = getattr(b, name)
        if name not in of_a or (of_a[name], stated[name]) < (rank, value):
            of_a[name], stated[name] = rank, value
    return stated, tuple(sorted(of_a.items()))


def _join_journal_ref_time(a: Paper, b: Paper) -> datetime | None:
    """The earlier time; a record from before such times were kept has always had its reference."""
    named = [paper.referred_at for paper in (a, b) if paper.journal_ref]
    return None if None in named else min(filter(None, named), default=None)


def _join_category_times(a: Paper, b: Paper, categories: tuple[str, ...]) -> tuple[int, ...]:
    """The earlier time of each; those of a record from before times were kept were always there."""
    first: dict[str, int] = {}
    for paper in (a, b):
        for name, at in zip(paper.categories, paper.listed_at or repeat(0), strict=False):
            first[name] = min(at, first.get(name, at))
    return tuple([first[name] for name in categories]) if any(first.values()) else ()


def _join_picks(a: tuple[Pick, ...], b: tuple[Pick, ...]) -> tuple[Pick, ...]:
    picks = {pick.community: pick for pick in a}
    for pick in b:
        known = picks.get(pick.community)
        picks[pick.community] = _join_pick(known, pick) if known else pick
    return tuple(picks[community] for community in sorted(picks))


def _join_pick(a: Pick, b: Pick) -> Pick:
    first = min(a, b, key=lambda pick: (pick.picked_at, not pick.url, pick.url))
    newest = max(a, b, key=_pick_order_key)
    return replace(newest, picked_at=first.picked_at, url=first.url)


def _pick_order_key(pick: Pick) -> tuple[Any, ...]:
    """What a pick says beside its first date, in a total order; unsaid is least."""
    counted_at = pick.counted_at or _LONG_AGO
    numbers = tuple(-1 if count is None else count for count in (pick.votes, pick.comments))
    return (counted_at, *numbers, pick.discussion, pick.submitter, pick.thumbnail)


def _primary_first(primary: str, categories: Iterable[str]) -> tuple[str, ...]:
    others = sorted({*categories} - {primary})
    return (primary, *others) if primary else tuple(others)


def _greatest(a: Any, b: Any) -> Any:
    return max((value for value in (a, b) if value is not None), default=None)


def _earliest(a: datetime | None, b: datetime | None) -> datetime | None:
    return min((value for value in (a, b) if value is not None), default=None)


def _pick_in_whole_seconds(pick: Pick) -> Pick:
    picked_at = datetime.fromtimestamp(_epoch_seconds(pick.picked_at), UTC)
    return replace(pick, picked_at=picked_at, counted_at=_to_whole_seconds(pick.counted_at))


def _to_whole_seconds(moment: datetime | None) -> datetime | None:
    """A time as records keep it: whole seconds, UTC. What is kept and what comes then compare."""
    if moment is None or (moment.tzinfo is UTC and not moment.microsecond):
        return moment
    return datetime.fromtimestamp(_epoch_seconds(moment), UTC)


def _epoch_seconds(moment: datetime) -> int:
    return int(moment.timestamp())
