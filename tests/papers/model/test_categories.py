from __future__ import annotations

import pytest

from papers.model.categories import (
    ALIASES,
    ARCHIVES,
    CATEGORIES,
    archive_of,
    canonical_category,
    category_title,
)

# (category, its canonical name)
CANONICAL = [
    ("cs.AI", "cs.AI"),
    ("cs.ai", "cs.AI"),
    ("MATH-PH", "math-ph"),
    ("math.MP", "math-ph"),
    ("cs.NA", "math.NA"),
    ("stat.TH", "math.ST"),
    ("q-fin.EC", "econ.GN"),
    ("astro-ph", "astro-ph"),
    ("cmp-lg", "cmp-lg"),
    ("cs.ZZ", "cs.ZZ"),
    ("I.2.7; I.4.8", "I.2.7; I.4.8"),
    ("", ""),
]


@pytest.mark.parametrize(("category", "expected"), CANONICAL)
def test_canonical_names(category: str, expected: str) -> None:
    assert canonical_category(category) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *(("math.MP", "math-ph"), ("cs.NA", "math.NA"), ("stat.TH", "math.ST")),
        *(("eess.SY", "cs.SY"), ("q-fin.EC", "econ.GN"), ("cs.IT", "math.IT")),
    ],
)
def test_aliases_have_one_canonical_name(one: str, other: str) -> None:
    assert canonical_category(one) == canonical_category(other)


# (category or archive, its title)
TITLES = [
    ("cs.CV", "Computer Vision and Pattern Recognition"),
    ("cs.cv", "Computer Vision and Pattern Recognition"),
    ("hep-th", "High Energy Physics - Theory"),
    ("cond-mat", "Condensed Matter"),
    ("cs", "Computer Science"),
    ("cs.ZZ", "cs.ZZ"),
]


@pytest.mark.parametrize(("category", "expected"), TITLES)
def test_titles(category: str, expected: str) -> None:
    assert category_title(category) == expected


@pytest.mark.parametrize(
    ("category", "archive"), [("cs.AI", "cs"), ("hep-th", "hep-th"), ("q-bio.NC", "q-bio")]
)
def test_archive_of_a_category(category: str, archive: str) -> None:
    assert archive_of(category) == archive


def test_taxonomy_is_complete_and_consistent() -> None:
    assert len(CATEGORIES) == 155
    assert {archive_of(category) for category in CATEGORIES} == set(ARCHIVES)
    assert all(CATEGORIES.values())
    assert {*ALIASES, *ALIASES.values()} <= set(CATEGORIES)
    assert not set(ALIASES) & set(ALIASES.values())
    assert all(
        canonical_category(canonical_category(name)) == canonical_category(name)
        for name in CATEGORIES
    )
