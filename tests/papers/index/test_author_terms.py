"""Terms of authors' names, and of the names that readers type: they find whom the matcher finds."""

from __future__ import annotations

from collections import defaultdict
from itertools import product

import pytest
from pyroaring import BitMap

from papers.index.author_terms import (
    author_doc_ids,
    author_query_terms,
    is_exact_author,
    name_terms,
)
from papers.query.ast import Author
from papers.text.names.person_match import is_person
from papers.text.names.person_names import name_words

TERMS = [
    ("Yann LeCun", "ayann alecun nyann_lecun ny_lecun"),
    ("Y. LeCun", "ay alecun ny_lecun"),
    ("Le Song", "ale asong alesong nle_song nl_song"),
    (
        "Karin E. Holm",
        "akarin ae aholm nkarin_holm nk_holm nk_e_holm",
    ),
    ("Jun-Yan Zhu", "ajun ayan ajunyan azhu njunyan_zhu nj_zhu nj_y_zhu"),
    ("李明", "a李明 a李"),
    ("and", "aand"),
    (":", ""),
]


@pytest.mark.parametrize(("name", "terms"), TERMS)
def test_terms_of_a_name(name: str, terms: str) -> None:
    assert sorted(set(name_terms(name))) == sorted(t.replace("_", " ") for t in terms.split())


NAMES = """
Yann LeCun; Yann Le Cun; Le Cun; Lecun; Le Song; Jun-Yan Zhu; Junyan Zhu; Jun Yan Zhu; J.-Y. Zhu
Jun Y. Zhu; J. Zhu; Zhu; Jun; Yan; Zhu Jun; Junyan Wei Zhu; Wei Jun-Yan; W. Jun; Wei Jun; W. J. Yan
Rosa de la Cruz-Paz; Rosa De la Cruz; R. DelaCruz; Delacruz; Cruz Paz; R. Paz; R. L. Cruz
Joseph O'Hara; J. Ohara; O Hara; O'Hara; J. O. Hara; Ada Holm, Jr.; Holm Jr; A. D. Holm; Ada D'Holm
Carlos García Vázquez; García-Vázquez; Vázquez, C. García; C. García; Carlos García; C. G. Vázquez
王伟; 王 伟; 王; TJ Giuli; T. J. Giuli; Giuli, T.; Brian DO Anderson; B. D. O. Anderson; and Bo Holm
"""
TYPED = [name.strip() for name in NAMES.replace("\n", ";").split(";") if name.strip()]


def test_postings_find_whom_the_matcher_finds() -> None:
    terms = {name: frozenset(term.encode() for term in name_terms(name)) for name in TYPED}
    found = 0
    for typed, name in product(TYPED, TYPED):
        author = Author(name_words(typed))
        postings = defaultdict(BitMap, dict.fromkeys(terms[name], BitMap([1])))
        exact, possible = author_doc_ids(author, postings.__getitem__)
        matches = is_person(author.readings, [name])
        assert exact <= BitMap([1] if matches else []) <= possible, (typed, name)
        assert exact is possible or not is_exact_author(author)
        found += matches
    assert found > 2 * len(TYPED)


# (a name as typed, the terms to look up, whether they decide)
LOOKUPS = [
    ("hinton", "ahinton", True),
    ("geoffrey hinton", "ngeoffrey_hinton", True),
    ("g. hinton", "ng_hinton", True),
    ("yann le cun", "nyann_lecun", True),
    ("le cun", "alecun nle_cun", True),
    ("jun-yan zhu", "njunyan_zhu", True),
    ("k. e. holm", "nk_e_holm", False),
    ("jun yan zhu", "njunyan_zhu nj_y_zhu njun_zhu", False),
]


@pytest.mark.parametrize(("typed", "terms", "is_exact"), LOOKUPS)
def test_name_with_one_given_name_is_few_exact_postings(
    typed: str, terms: str, is_exact: bool
) -> None:
    author = Author(name_words(typed))
    wanted = [term for of in author_query_terms(author) for term in of.all_terms]
    assert wanted == [term.replace("_", " ").encode() for term in terms.split()]
    assert is_exact_author(author) is is_exact
