"""The merge rules: what counts as the same paper, and which of two statements about it wins.

A record is the join of all sightings with its id. Each part of a record only moves upwards in an
order of its own (a join semilattice), so `join_papers` is commutative, associative and idempotent:
any order, repetition or split of the same sightings gives the same record.

| part | which of two values wins |
| --- | --- |
| title, abstract, authors, primary, comment, … | that of the greater `Rank`; empty never wins |
| abstract, authors of a community | none, once the title is arXiv's |
| categories | the union, canonical names, the primary one first |
| announce type | new > cross > replace > replace-cross |
| announced, submitted | the earlier; only arXiv's own dates count |
| revision | the higher version; then a date from an announcement; then the earlier |
| versions | the union; of each the date from an announcement; then the earlier |
| withdrawal | the highest version that is stated to be withdrawn |
| pick of a community | the first date with its link; all else from the newest statement |
| sources | the union |
| when a journal reference, code or a category was first known | the earlier |
"""

from __future__ import annotations

import re
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
from papers.model.dates import code_stated_at, from_epoch, to_epoch, to_whole_seconds
from papers.model.paper import AnnounceType, Channel, Paper, Pick, Rank, Revision, Sighting
from papers.model.resources import texts_have_code
from papers.text.latex import accents_to_unicode
from papers.text.names.person_names import is_author_name

RANKED_FIELDS: Final = (
    *("title", "abstract", "authors", "primary", "comment", "journal_ref", "doi", "license"),
    *("code", "project", "organization"),
)
"""The fields of `Paper` of which the value with the greater `Rank` wins, in `Paper`'s order."""

_RANKED_FIELDS_BY_NAME: Final = sorted(RANKED_FIELDS)
_sort_values_by_name: Final = itemgetter(*map(RANKED_FIELDS.index, _RANKED_FIELDS_BY_NAME))
_copied_fields: Final = attrgetter(*RANKED_FIELDS[4:])
"""The values of a sighting, from its comment on, that its record takes unchanged."""
_PLAIN_AUTHOR: Final = re.compile(r"(?!and\b|et\b)[A-Za-z][ -\[\]-~]{3,}\Z", re.IGNORECASE)
"""Matches most names: ASCII without TeX, not beginning with a word that separates names."""
_LIST_AND: Final = re.compile(r"\A\s*and\s+(?=\S)")
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
_FIRST_ANNOUNCEMENT_TYPES: Final = (AnnounceType.NEW, AnnounceType.CROSS)


def merge(record: Paper | None, statement: Sighting | Paper) -> Paper:
    """Return the record with one more sighting, or another record of the same paper, merged in.

    Raises ValueError if the ids differ.
    """
    other = statement if isinstance(statement, Paper) else paper_from_sighting(statement)
    return join_papers(record, other) if record else other


def paper_from_sighting(sighting: Sighting) -> Paper:
    """Return the record of a paper of which this is the only sighting."""
    primary, categories = _normalize_categories(sighting.categories)
    authors = tuple(filter(None, map(_normalize_author, sighting.authors)))
    described = (sighting.title, sighting.abstract, authors, primary)
    copied = _copied_fields(sighting)
    is_arxiv, as_of = sighting.channel.is_arxiv, to_epoch(sighting.as_of)
    rank = Rank(is_arxiv, sighting.version, int(sighting.channel), as_of)
    revision = _revision(sighting) if is_arxiv and sighting.version else None
    ranked_values = _sort_values_by_name(described + copied)
    # By position, in the order of Paper's fields: a bulk load does this for every paper of arXiv.
    return Paper._make(
        (
            sighting.id,
            *described,
            categories,
            *copied,
            _announce_type(sighting),
            _announced_at(sighting),
            to_whole_seconds(sighting.submitted_at) if is_arxiv else None,
            revision,
            max(1, sighting.version) if sighting.withdrawn else 0,
            (_pick_in_whole_seconds(sighting.pick),) if sighting.pick else (),
            (sighting.source,),
            tuple([(name, rank) for name in compress(_RANKED_FIELDS_BY_NAME, ranked_values)]),
            to_whole_seconds(sighting.as_of) if sighting.journal_ref else None,
            (as_of,) * len(categories),
            _versions(sighting, revision) if revision and revision.version > 1 else (),
            _coded_at(sighting),
        )
    )


def join_papers(a: Paper, b: Paper) -> Paper:
    """Return the record of all sightings of both. Raises ValueError if the ids differ."""
    if a.id != b.id:
        raise ValueError(f"{a.id} and {b.id} are two papers")
    if a == b:
        return a
    ranked, ranks = _join_ranked_fields(a, b)
    categories = _primary_first(ranked["primary"], (*a.categories, *b.categories))
    return Paper(
        id=a.id,
        **ranked,
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
        versions=_join_versions(a.versions, b.versions),
        coded_at=_earliest(code_stated_at(a), code_stated_at(b)),
    )


@lru_cache(maxsize=4096)
def _normalize_categories(stated: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return the primary category, and all categories in the order a paper has them."""
    categories = tuple(filter(None, map(_canonical_or_empty, stated)))
    primary = categories[0] if categories else ""
    return primary, _primary_first(primary, categories)


def _canonical_or_empty(name: str) -> str:
    """Return a category's canonical name; empty if the name is no category."""
    return canonical_category(name.strip()) if is_category(name.strip()) else ""


def _normalize_author(author: str) -> str:
    r"""Return an author's name in Unicode: announcements have `Fern\'andez`, the API Fernández.

    Empty for entries of arXiv's lists that are not names: `:`, `and`. `and Bo Li` is Bo Li.
    """
    if _PLAIN_AUTHOR.match(author):
        return author
    name = unicodedata.normalize("NFC", accents_to_unicode(_LIST_AND.sub("", author)))
    return name if is_author_name(name) else ""


def _announce_type(sighting: Sighting) -> AnnounceType | None:
    """Return the announce type; every channel but the announcements implies a new paper.

    So only a paper of which nothing but replacements is known counts as a replacement.
    """
    if sighting.channel is not Channel.ANNOUNCEMENT:
        return AnnounceType.NEW
    return sighting.announce_type


def _announced_at(sighting: Sighting) -> datetime | None:
    """Return the first announcement's date; a replacement's is not."""
    announced = sighting.channel is Channel.ANNOUNCEMENT
    first = announced and sighting.announce_type in _FIRST_ANNOUNCEMENT_TYPES
    return to_whole_seconds(sighting.announced_at) if first else None


def _revision(sighting: Sighting) -> Revision:
    """Return the version that arXiv stated, and its date.

    Only arXiv's channels count: a link to v9 in a community's feed may be wrong. A cross-listing
    announces a paper to one more category, not a version, so its date is not exact.
    """
    if sighting.channel is Channel.ANNOUNCEMENT and sighting.announced_at:
        exact = sighting.announce_type is not AnnounceType.CROSS
        return Revision(sighting.version, exact, -to_epoch(sighting.announced_at))
    expected = announcement_for_submission(sighting.revised_at or sighting.as_of)
    return Revision(sighting.version, False, -to_epoch(expected))


def _coded_at(sighting: Sighting) -> datetime | None:
    """Return when code was first known: by the text of an announced version, or a community."""
    is_in_text = texts_have_code(sighting.abstract, sighting.comment)
    if is_in_text and sighting.channel.is_arxiv:
        return from_epoch(-_revision(sighting).negated_seconds)
    return to_whole_seconds(sighting.as_of) if is_in_text or sighting.code else None


def _join_ranked_fields(a: Paper, b: Paper) -> tuple[dict[str, Any], tuple[tuple[str, Rank], ...]]:
    """Return the values with the greater ranks, and these ranks; ties go to the greater value."""
    ranks = dict(a.ranks)
    values: dict[str, Any] = {name: getattr(a, name) for name in RANKED_FIELDS}
    for name, rank in b.ranks:
        value = getattr(b, name)
        if name not in ranks or (ranks[name], values[name]) < (rank, value):
            ranks[name], values[name] = rank, value
    _drop_community_words(ranks, values)
    return values, tuple(sorted(ranks.items()))


def _drop_community_words(ranks: dict[str, Rank], values: dict[str, Any]) -> None:
    """Remove a community's abstract and authors from a record that has arXiv's title.

    Else its words would stand as arXiv's where arXiv states none.
    """
    title = ranks.get("title")
    if title and title.is_arxiv:
        for name, empty in (("abstract", ""), ("authors", ())):
            if name in ranks and not ranks[name].is_arxiv:
                del ranks[name]
                values[name] = empty


def _versions(sighting: Sighting, revision: Revision) -> tuple[Revision, ...]:
    """Return the versions from the second on that arXiv stated, and their dates."""
    earlier = [
        Revision(number, False, -to_epoch(announcement_for_submission(created)))
        for number, created in sighting.earlier_versions
        if 1 < number < revision.version
    ]
    return _join_versions(tuple(earlier), (revision,))


def _join_versions(a: tuple[Revision, ...], b: tuple[Revision, ...]) -> tuple[Revision, ...]:
    """Return the greatest of the revisions to each version, by number."""
    if a == b or not b:
        return a
    return tuple({revision.version: revision for revision in sorted((*a, *b))}.values())


def _join_picks(a: tuple[Pick, ...], b: tuple[Pick, ...]) -> tuple[Pick, ...]:
    """Return one pick of each community: the first date with its link, all else the newest."""
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
    """Return a sort key of all that a pick states beside its first date; None sorts first."""
    counted_at = pick.counted_at or _LONG_AGO
    numbers = tuple(-1 if count is None else count for count in (pick.votes, pick.comments))
    return (counted_at, *numbers, pick.discussion, pick.submitter, pick.thumbnail)


def _join_journal_ref_time(a: Paper, b: Paper) -> datetime | None:
    """Return the earlier time; None, from records without such times, means "always"."""
    times = [paper.referred_at for paper in (a, b) if paper.journal_ref]
    return None if None in times else min(filter(None, times), default=None)


def _join_category_times(a: Paper, b: Paper, categories: tuple[str, ...]) -> tuple[int, ...]:
    """Return each category's earlier time; records without such times count as 0, "always"."""
    first: dict[str, int] = {}
    for paper in (a, b):
        for name, at in zip(paper.categories, paper.listed_at or repeat(0), strict=False):
            first[name] = min(at, first.get(name, at))
    return tuple([first[name] for name in categories]) if any(first.values()) else ()


def _primary_first(primary: str, categories: Iterable[str]) -> tuple[str, ...]:
    others = sorted({*categories} - {primary})
    return (primary, *others) if primary else tuple(others)


def _greatest(a: Any, b: Any) -> Any:
    return max((value for value in (a, b) if value is not None), default=None)


def _earliest(a: datetime | None, b: datetime | None) -> datetime | None:
    return min((value for value in (a, b) if value is not None), default=None)


def _pick_in_whole_seconds(pick: Pick) -> Pick:
    picked_at = from_epoch(to_epoch(pick.picked_at))
    return replace(pick, picked_at=picked_at, counted_at=to_whole_seconds(pick.counted_at))
