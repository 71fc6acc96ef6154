from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.text.plurals import singularize, surface_forms

# Words whose plural is one with them: (singular, plural).
PAIRS = [
    ("model", "models"),
    ("study", "studies"),
    ("process", "processes"),
    ("loss", "losses"),
    ("box", "boxes"),
    ("match", "matches"),
    ("approach", "approaches"),
    ("cache", "caches"),
    ("case", "cases"),
    ("bias", "biases"),
    ("lens", "lenses"),
    ("virus", "viruses"),
    ("bonus", "bonuses"),
    ("analysis", "analyses"),
    ("reanalysis", "reanalyses"),
    ("hypothesis", "hypotheses"),
    ("metastasis", "metastases"),
    ("matrix", "matrices"),
    ("submatrix", "submatrices"),
    ("index", "indices"),
    ("index", "indexes"),
    ("vertex", "vertices"),
    ("criterion", "criteria"),
    ("phenomenon", "phenomena"),
    ("corpus", "corpora"),
    ("equilibrium", "equilibria"),
    ("curriculum", "curricula"),
    ("polyhedron", "polyhedra"),
    ("calculus", "calculi"),
    ("nebula", "nebulae"),
    ("mouse", "mice"),
    ("child", "children"),
    ("leaf", "leaves"),
    ("movie", "movies"),
    ("calorie", "calories"),
    ("hero", "heroes"),
    ("tomato", "tomatoes"),
    ("plateau", "plateaus"),
    ("menu", "menus"),
    ("llm", "llms"),
    ("cpu", "cpus"),
    ("imu", "imus"),
    ("vae", "vaes"),
    ("api", "apis"),
    ("kpi", "kpis"),
]


@pytest.mark.parametrize(("one", "many"), PAIRS)
def test_a_plural_is_one_with_its_singular(one: str, many: str) -> None:
    assert singularize(many) == singularize(one) == one


# Words that only look like plurals, or are none of ours to fold.
UNCHANGED = """
    as is us this has was its gas thus always plus species series lens news physics mathematics
    statistics dynamics robotics semantics analysis basis axis class loss address consensus corpus
    focus versus reasoning university data 模型 модельs s es ss
""".split()


@pytest.mark.parametrize("word", UNCHANGED)
def test_what_is_no_plural_stays(word: str) -> None:
    assert singularize(word) == word


APART = [("reasoning", "reason"), ("university", "universe"), ("dynamics", "dynamic")]


@pytest.mark.parametrize(("one", "other"), APART)
def test_only_plurals_are_folded(one: str, other: str) -> None:
    assert singularize(one) != singularize(other)


ENDINGS = st.sampled_from("s es ies us is ss sses shes ches xes zzes ices a i ae en".split())
WORDS = st.text("abeiosuyxzchl1é", min_size=1, max_size=6)


@given(
    st.builds(str.__add__, WORDS, ENDINGS) | st.sampled_from([word for p in PAIRS for word in p])
)
def test_folding_twice_is_folding_once(word: str) -> None:
    once = singularize(word)
    assert once
    assert singularize(once) == once


@given(
    st.builds(str.__add__, WORDS, ENDINGS) | st.sampled_from([word for p in PAIRS for word in p])
)
def test_the_surfaces_of_a_word_are_what_folds_to_it(word: str) -> None:
    once = singularize(word)
    assert word in surface_forms(once)
    assert {singularize(surface) for surface in surface_forms(once)} == {once}


SURFACES = [
    ("model", ["model", "models"]),
    ("study", ["studies", "study", "studys"]),
    ("criterion", ["criteria", "criterias", "criterion", "criterions"]),
    ("models", []),
]


@pytest.mark.parametrize(("word", "expected"), SURFACES)
def test_surfaces(word: str, expected: list[str]) -> None:
    assert surface_forms(word) == expected
