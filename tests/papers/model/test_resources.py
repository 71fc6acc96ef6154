"""What belongs to a paper, of its texts and what communities name; and since when there is code."""

from __future__ import annotations

from datetime import timedelta

import pytest

from papers.model.arxiv_id import ArxivId
from papers.model.dates import code_known_at
from papers.model.merge import merge, paper_from_sighting
from papers.model.paper import AnnounceType, Paper, Sighting
from papers.model.resources import (
    MAX_RESOURCES,
    PaperResource,
    has_code,
    has_project,
    paper_resources,
)
from papers.text.links.paper_links import LinkKind
from tests.papers.model.sighting_builders import (
    DAY,
    FRIDAY,
    MONDAY,
    TUESDAY,
    announced,
    from_api,
    from_oai,
    merged,
    picked,
)

G = "https://github.com/a/b"
WITH_CODE = f"Code: {G}"


def described(abstract: str = "", comment: str = "", code: str = "", project: str = "") -> Paper:
    id = ArxivId.parse("2503.00001")
    return Paper(id, "T", abstract, comment=comment, code=code, project=project)


def test_resources_are_ordered_by_kind_and_each_place_is_named_once() -> None:
    paper = described(
        abstract=f"Project page: https://a.github.io/b/ Data: https://hf.co/datasets/a/b Code: {G}",
        comment="Code: github.com/A/b.git, project page: https://a.github.io/b",
        project="https://a.github.io/b",
    )
    assert paper_resources(paper) == (
        PaperResource(G, LinkKind.CODE, False),
        PaperResource("https://a.github.io/b", LinkKind.PROJECT, False),
        PaperResource("https://hf.co/datasets/a/b", LinkKind.DATA, False),
    )


def test_available_code_beats_announced_code_of_the_same_place() -> None:
    announcement = f"Code will be released at {G}."
    assert paper_resources(described(announcement)) == (PaperResource(G, LinkKind.CODE, True),)
    for paper in (described(announcement, WITH_CODE), described(announcement, code=G)):
        assert paper_resources(paper) == (PaperResource(G, LinkKind.CODE, False),)
        assert has_code(paper)


# (abstract, comment, fields, whether there is code, whether there is a project page)
FLAGS: list[tuple[str, str, dict[str, str], bool, bool]] = [
    ("", "", {}, False, False),
    (WITH_CODE, "", {}, True, False),
    ("", WITH_CODE, {}, True, False),
    ("", "", {"code": G}, True, False),
    ("", "", {"project": "https://a.io"}, False, True),
    ("", "Project page: https://a.io", {}, False, True),
    ("Code is available at https://a.github.io", "", {}, True, True),
    (f"Code will be released at {G}", "", {}, False, False),
    (f"We build on {G}", "", {}, False, False),
    ("Data: https://hf.co/datasets/a/b", "", {}, False, False),
]


@pytest.mark.parametrize(("abstract", "comment", "fields", "code", "project"), FLAGS)
def test_flags_follow_texts_and_communities(
    abstract: str, comment: str, fields: dict[str, str], code: bool, project: bool
) -> None:
    paper = described(abstract, comment, **fields)
    assert (has_code(paper), has_project(paper)) == (code, project)


def test_a_text_of_many_links_has_a_limited_number_of_resources() -> None:
    many = " ".join(f"Code: https://github.com/a/{n}" for n in range(500))
    assert len(paper_resources(described(many))) == MAX_RESOURCES


# (the sightings, when code was first known)
TIMES: list[tuple[tuple[Sighting, ...], object]] = [
    ((announced(),), None),
    ((announced(abstract=WITH_CODE),), TUESDAY),
    ((from_api(comment=WITH_CODE, revised_at=MONDAY),), TUESDAY),
    ((from_oai(comment=WITH_CODE, revised_at=MONDAY),), TUESDAY),
    ((announced(announced_at=FRIDAY), from_api(comment=WITH_CODE, revised_at=MONDAY)), FRIDAY),
    ((picked(code=G),), FRIDAY),
    ((picked(abstract=WITH_CODE),), FRIDAY),
    ((announced(), picked(code=G)), FRIDAY),
    ((announced(abstract=WITH_CODE), picked(code=G)), TUESDAY),
    (
        (
            announced(abstract=f"Code will be at {G}"),
            announced(
                AnnounceType.REPLACE,
                version=2,
                abstract=WITH_CODE,
                announced_at=FRIDAY,
                as_of=FRIDAY,
            ),
        ),
        FRIDAY,
    ),
    (
        (
            announced(abstract=WITH_CODE),
            announced(
                AnnounceType.REPLACE, version=2, abstract="None.", announced_at=FRIDAY, as_of=FRIDAY
            ),
        ),
        TUESDAY,
    ),
]


@pytest.mark.parametrize(("sightings", "known_at"), TIMES)
def test_code_is_known_since_the_first_statement_that_names_it(
    sightings: tuple[Sighting, ...], known_at: object
) -> None:
    assert code_known_at(merged(*sightings)) == known_at


def test_code_in_a_record_of_an_older_version_was_there_from_the_beginning() -> None:
    old = paper_from_sighting(announced(abstract=WITH_CODE))._replace(coded_at=None)
    assert code_known_at(old) == TUESDAY
    later = from_api(version=2, abstract=WITH_CODE, revised_at=FRIDAY + DAY)
    assert code_known_at(merge(old, later)) == TUESDAY
    without = paper_from_sighting(announced())
    assert code_known_at(merge(without, picked(code=G))) == FRIDAY


def test_only_the_first_time_is_kept() -> None:
    first, second = picked(code=G), picked(code=f"{G}2", as_of=FRIDAY + timedelta(days=9))
    assert merged(first, second).coded_at == FRIDAY
