from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.text.phrases import phrase_pattern
from papers.text.plurals import singularize, surface_forms

# (singular, plural)
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
def test_a_plural_is_folded_to_its_singular(one: str, many: str) -> None:
    assert singularize(many) == singularize(one) == one


# words that look like plurals, or that are not folded on purpose
UNCHANGED = """
    as is us this has was its gas thus always plus species series lens news physics mathematics
    statistics dynamics robotics semantics analysis basis axis class loss address consensus corpus
    focus versus reasoning university data 模型 модельs s es ss
""".split()


@pytest.mark.parametrize("word", UNCHANGED)
def test_words_that_are_no_plurals_stay_unchanged(word: str) -> None:
    assert singularize(word) == word


DISTINCT = [("reasoning", "reason"), ("university", "universe"), ("dynamics", "dynamic")]


@pytest.mark.parametrize(("one", "other"), DISTINCT)
def test_only_plurals_are_folded(one: str, other: str) -> None:
    assert singularize(one) != singularize(other)


ENDINGS = st.sampled_from("s es ies us is ss sses shes ches xes zzes ices a i ae en".split())
WORDS = st.text("abeiosuyxzchl1é", min_size=1, max_size=6)
PLURALS = st.builds(str.__add__, WORDS, ENDINGS) | st.sampled_from([w for p in PAIRS for w in p])


@given(PLURALS)
def test_folding_is_idempotent(word: str) -> None:
    singular = singularize(word)
    assert singular
    assert singularize(singular) == singular


@given(PLURALS)
def test_surface_forms_are_the_words_with_that_singular(word: str) -> None:
    singular = singularize(word)
    assert word in surface_forms(singular)
    assert {singularize(form) for form in surface_forms(singular)} == {singular}


# (word, its surface forms)
SURFACE_FORMS = [
    ("model", ["model", "models"]),
    ("study", ["studies", "study", "studys"]),
    ("criterion", ["criteria", "criterias", "criterion", "criterions"]),
    ("models", []),
]


@pytest.mark.parametrize(("word", "expected"), SURFACE_FORMS)
def test_surface_forms(word: str, expected: list[str]) -> None:
    assert surface_forms(word) == expected


def occurs(words: tuple[str, ...], text: str) -> bool:
    encoded = text.encode()
    return any(phrase_pattern(words).occurrences(encoded, encoded))


@pytest.mark.parametrize(("singular", "plural"), PAIRS)
def test_phrase_is_found_in_the_plural(singular: str, plural: str) -> None:
    assert occurs((singular, "net"), f"of {plural} nets.")
    assert occurs(("deep", singular), f"of deep {plural}.")
