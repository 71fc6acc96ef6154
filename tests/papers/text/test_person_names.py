"""Words of names, and the readings of what may be given names and surname."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from papers.text.names.person_names import MAX_NAME_WORDS, name_readings, name_variants, name_words
from tests.papers.papers_strategies import texts

# (a name, its words)
WORDS = [
    ("Geoffrey E. Hinton", "geoffrey e hinton"),
    ("Hinton, Geoffrey E.", "geoffrey e hinton"),
    ("Jun-Yan Zhu", "jun-yan zhu"),
    ("J.-Y. Zhu", "j y zhu"),
    ("J.A. De Loera", "j a de loera"),
    ("Robert W. Heath, Jr.", "robert w heath"),
    ("Heath, Jr., Robert", "robert heath"),
    ("Hal Daumé III", "hal daume"),
    ("Roberto M. Cesar-Jr", "roberto m cesar"),
    ("and H. Vincent Poor", "h vincent poor"),
    ("Joseph O'Rourke", "joseph o-rourke"),
    (r"H.-H. von Gr\"unberg", "h h von grunberg"),
    (r"Rafa{\l} Lata{\l}a", "rafal latala"),
    ("García Vázquez, Carlos", "carlos garcia-vazquez"),
    ("de Luca, Rosa", "rosa de luca"),
    ("王 伟", "王伟"),
    ("王, 伟", "王伟"),
    ("김 민준", "김민준"),
    ("Jr", "jr"),
    ("and", "and"),
    (":", ""),
    (", ", ""),
]


@pytest.mark.parametrize(("name", "words"), WORDS)
def test_words_of_a_name(name: str, words: str) -> None:
    assert " ".join(name_words(name)) == words


@given(
    texts
    | st.lists(st.sampled_from(["and", "Jr", "Wei", ",", "王", "伟-", "o'", "-b"])).map(" ".join)
)
@example("a, b, Jr")
@example("Jr, Jr")
@example("x-iv-ii")
def test_words_of_a_name_are_its_normal_form(name: str) -> None:
    words = name_words(name)
    assert name_words(" ".join(words)) == words


def test_capitals_before_a_surname_may_be_initials() -> None:
    assert name_variants("Brian DO Anderson") == [
        ("brian", "do", "anderson"),
        ("brian", "d", "o", "anderson"),
    ]
    assert name_variants("BRIAN DO ANDERSON") == [("brian", "do", "anderson")]


def test_long_names_are_cut() -> None:
    (words,) = name_variants(" ".join(f"w{n}" for n in range(100)))
    assert len(words) == MAX_NAME_WORDS
    assert words[-1] == "w99"


# (a name, its surnames)
SURNAMES = [
    ("Yann Le Cun", {"cun", "lecun"}),
    ("Yann LeCun", {"lecun"}),
    ("Ron van der Meyden", {"meyden", "dermeyden", "vandermeyden"}),
    ("F. Ricci-Tersenghi", {"riccitersenghi", "ricci", "tersenghi"}),
    ("Joseph O'Rourke", {"orourke", "rourke"}),
    ("Carlos García Vázquez", {"vazquez", "garcia"}),
    ("C. García Vázquez", {"vazquez"}),
    ("H. Vincent Poor", {"poor"}),
]


@pytest.mark.parametrize(("name", "surnames"), SURNAMES)
def test_surnames_that_a_name_may_have(name: str, surnames: set[str]) -> None:
    readings = list(name_readings(name_words(name)))
    assert {reading.surname for reading in readings} == surnames
