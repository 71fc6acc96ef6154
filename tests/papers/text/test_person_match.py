"""Whether the name that a reader typed is an author's."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from papers.text.names.person_match import is_person, joined_runs, name_forms, person_readings
from papers.text.names.person_names import NameReading, name_words

# (what a reader types, authors who may be meant, others)
PERSONS: list[tuple[str, list[str], list[str]]] = [
    (
        "geoffrey hinton",
        ["Geoffrey Hinton", "Geoffrey E. Hinton", "Geoffrey Everest Hinton"],
        ["G. Hinton", "G. E. Hinton", "Hinton", "Geoff Hinton", "George Hinton"],
    ),
    (
        "g. hinton",
        ["G. Hinton", "Geoffrey E. Hinton", "G.E. Hinton", "George Hinton"],
        ["E. Hinton"],
    ),
    ("hinton, geoffrey", ["Geoffrey E. Hinton"], ["G. Hinton"]),
    ("hinton, g.", ["Geoffrey E. Hinton", "G Hinton"], []),
    ("hinton, g. e.", ["Geoffrey E. Hinton"], ["Geoffrey Hinton"]),
    ("le cun", ["Yann LeCun", "Yann Le Cun", "Y. Le Cun"], ["Cun Le Wang"]),
    ("de luca", ["Rosa DeLuca", "R. De Luca"], []),
    ("deluca", ["Rosa De Luca", "Rosa DeLuca"], []),
    ("r. deluca", ["Rosa De Luca", "Rosa DeLuca"], ["A. DeLuca"]),
    ("deluca, rosa", ["Rosa De Luca", "Rosa DeLuca"], []),
    ("de luca, rosa", ["Rosa De Luca", "Rosa DeLuca"], ["R. De Luca"]),
    ("karin holm", ["Karin E. Holm"], ["K. Holm"]),
    ("k. e. holm", ["Karin E. Holm", "K.E. Holm", "K. Elisabeth Holm"], ["K. M. Holm", "K. Holm"]),
    ("karin m. holm", [], ["Karin E. Holm", "Karin Holm"]),
    ("jun-yan zhu", ["Jun-Yan Zhu", "Junyan Zhu", "Jun Yan Zhu"], ["Jun Zhu", "J.-Y. Zhu"]),
    ("junyan zhu", ["Jun-Yan Zhu", "Junyan Zhu", "Jun Yan Zhu"], ["Jun Zhu"]),
    ("jun yan zhu", ["Jun-Yan Zhu", "Junyan Zhu", "Jun Yan Zhu", "Jun Y. Zhu"], ["Jun Zhu"]),
    ("zhu, jun-yan", ["Jun-Yan Zhu", "Junyan Zhu", "Jun Yan Zhu"], []),
    ("j.-y. zhu", ["Jun-Yan Zhu", "J.-Y. Zhu", "J. Y. Zhu"], ["J. Zhu"]),
    ("j zhu", ["Jun-Yan Zhu"], []),
    ("王伟", ["王伟", "王 伟"], ["李伟"]),
    ("王 伟", ["王伟", "王 伟"], []),
    ("王", ["王伟"], []),
    ("robert heath", ["Robert W. Heath Jr.", "Robert W. Heath, Jr"], []),
    ("heath jr", ["Robert W. Heath Jr."], []),
    ("heath, jr., robert", ["Robert W. Heath Jr."], []),
    ("robert w. heath jr.", ["Robert W. Heath"], []),
    ("schrödinger", ['Erwin Schr\\"odinger'], []),
    ("e schrodinger", ['Schr\\"odinger, E.'], []),
    ("o'rourke", ["Joseph O'Rourke", "Joseph O’Rourke", "Joseph ORourke"], []),
    ("j. orourke", ["Joseph O'Rourke"], []),
    ("joseph o rourke", ["Joseph O'Rourke"], []),
    ("van der meer", ["Ron van der Meer", "R. VanderMeer", "R. van der Meer"], []),
    ("ron van der meyden", ["Ron van der Meyden"], []),
    ("vincent poor", ["H. Vincent Poor", "and H. Vincent Poor"], []),
    ("robert oppenheimer", ["J. Robert Oppenheimer"], []),
    ("h. poor", ["H. Vincent Poor", "and H. Vincent Poor"], []),
    ("v. poor", ["Vincent Poor"], ["H. Vincent Poor"]),
    ("garcia vazquez", ["Carlos García Vázquez", "C. García-Vázquez"], []),
    ("carlos garcia", ["Carlos García Vázquez"], []),
    ("garcía-vázquez, c.", ["Carlos García Vázquez", "C. García-Vázquez"], []),
    ("ricci-tersenghi", ["F. Ricci-Tersenghi", "F. Ricci Tersenghi"], []),
    ("f. ricci tersenghi", ["F. Ricci-Tersenghi", "Federico Ricci-Tersenghi"], []),
    ("le song", ["Le Song"], []),
    ("fei-fei li", ["Fei-Fei Li", "Fei Fei Li", "Feifei Li"], []),
    ("hal daume", ["Hal Daumé III"], []),
    ("hal daumé iii", ["Hal Daumé III", "Hal Daumé"], []),
    ("b. d. o. anderson", ["Brian DO Anderson", "Brian D. O. Anderson"], []),
    ("tj giuli", ["TJ Giuli"], []),
    ("t. giuli", ["TJ Giuli"], []),
    ("t. j. giuli", ["TJ Giuli", "T.J. Giuli"], []),
    ("cms collaboration", ["The CMS Collaboration"], []),
    ("иванов", ["Иван Иванов"], []),
    ("и. иванов", ["Иван Иванов"], []),
    ("li, fei-fei", ["Fei-Fei Li"], []),
    ("ben-david", ["Shai Ben-David", "Shai Ben David", "S. BenDavid"], []),
    ("shai ben david", ["Shai Ben-David", "Shai BenDavid"], []),
    ("al-khalili", ["Jim Al-Khalili", "Jim Al Khalili", "Jim AlKhalili"], []),
    ("kim min-jun", ["Kim Min-Jun"], []),
    ("김민준", ["김민준", "김 민준"], []),
    ("김", ["김민준"], []),
    ("山田太郎", ["山田 太郎"], []),
    ("山田", ["山田太郎"], []),
    ("van gogh, vincent", ["Vincent van Gogh", "Vincent W. van Gogh"], ["V. van Gogh"]),
    ("vincent gogh", ["Vincent van Gogh"], []),
    ("mueller", [], ["Müller"]),
    ("maria de la cruz", ["Maria de la Cruz", "María DelaCruz", "Maria De La Cruz Lopez"], []),
    ("mac lane", ["Saunders MacLane", "Saunders Mac Lane"], []),
    ("o. rourke", ["Joseph O'Rourke"], []),
]


def finds(typed: str, author: str) -> bool:
    return is_person(person_readings(name_words(typed)), [author])


@pytest.mark.parametrize(("typed", "authors", "others"), PERSONS)
def test_person_is_found_in_every_spelling(
    typed: str, authors: list[str], others: list[str]
) -> None:
    assert [author for author in authors if not finds(typed, author)] == []
    assert [author for author in others if finds(typed, author)] == []


GIVEN = ("Ada", "Jun-Yan", "Mary Ann", "Karin E.", "J. Robert", "Jean-Paul M.", "Zoë", "B. C.")
SURNAMES = ("Holm", "de Luca", "O'Hara", "García-Ruiz", "van der Berg", "McKay", "Müller", "李")
SUFFIXES = ("", " Jr.", ", Jr", " III")


@given(*map(st.sampled_from, (GIVEN, SURNAMES, SUFFIXES)))
def test_every_usual_form_of_a_name_finds_it(given_name: str, surname: str, suffix: str) -> None:
    author = f"{given_name} {surname}{suffix}"
    initials = " ".join(f"{part[0]}." for part in given_name.replace("-", " ").split())
    forms = [
        *(author, f"{given_name} {surname}", f"{surname}, {given_name}", f"{surname}, {initials}"),
        *(f"{initials} {surname}", f"{given_name[0]}. {surname}", surname, author.upper()),
        *(author.replace("-", " "), author.replace("-", ""), author.replace("'", "")),
        f"{given_name} {surname.replace(' ', '')}",
    ]
    assert [form for form in forms if not finds(form, author)] == []


@given(*map(st.sampled_from, (GIVEN, SURNAMES)))
def test_other_persons_are_not_found(given_name: str, surname: str) -> None:
    author = f"{given_name} {surname}"
    forms = [
        *(f"Xaver {surname}", f"X. {surname}", f"{given_name} X. {surname}", f"{given_name} Xu"),
        *(f"{given_name} Xaver {surname}", f"{surname}x", f"Xu {given_name} {surname}"),
    ]
    assert [form for form in forms if finds(form, author)] == []


@pytest.mark.parametrize("author", ["Carlos García Vázquez", "Carlos García-Vázquez"])
def test_first_surname_is_found_with_a_whole_given_name(author: str) -> None:
    assert finds("carlos garcia", author)
    assert not finds("c. garcia", author)
    assert finds("c. garcia vazquez", author)


LETTERS = st.sampled_from(
    [
        "Wei",
        "De",
        "Luca",
        "O'Yan",
        "Jun-Yan",
        "le",
        "W.",
        "É",
        "Jr",
        ",",
        "王",
        "TJ",
        "and",
        "d'",
        "Mc",
    ]
)


@given(st.lists(LETTERS, max_size=5).map(" ".join), st.lists(LETTERS, min_size=1).map(" ".join))
@example("deluca", "Luca, Rosa De")
def test_forms_of_a_name_find_whom_the_matcher_finds(typed: str, author: str) -> None:
    words = name_words(typed)
    forms = name_forms(author)
    for given_names, surname, _ in person_readings(words) if words else ():
        reading = NameReading(given_names, surname)
        found = is_person([reading], [author])
        if not given_names:
            assert found is (surname in forms.words)
        elif len(given_names) == 1:
            first = joined_runs(given_names)[0] if len(given_names[0]) > 1 else given_names[0]
            assert found is ((first, surname) in forms.given)
        elif found:
            pair = (given_names[0][0], given_names[1][0], surname)
            runs = {(run, surname) for run in joined_runs(given_names)[1:]}
            assert pair in forms.initials or runs & forms.given


def test_initials_of_a_crowd_are_matched_fast() -> None:
    author = f"{'A. ' * 14}Bo"
    assert not finds(f"{'A. ' * 12}C. Bo", author)
    assert finds(f"{'A. ' * 12}Bo", author)
