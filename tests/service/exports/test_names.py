from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.exports.names import AuthorName, parse_author_name, parse_author_names
from service.markup.clean import single_line

PEOPLE = [
    # name → particle, family, given, suffix
    ("Ada Lovelace", "", "Lovelace", "Ada", ""),
    ("José Ørsted", "", "Ørsted", "José", ""),
    ("LeCun, Yann", "", "LeCun", "Yann", ""),
    ("Laurens van der Maaten", "van der", "Maaten", "Laurens", ""),
    ("Wil M. P. van der Aalst", "van der", "Aalst", "Wil M. P.", ""),
    ("Guy Van den Broeck", "", "Van den Broeck", "Guy", ""),
    ("Tim De Ryck", "De", "Ryck", "Tim", ""),
    ("de Boer", "de", "Boer", "", ""),
    ("G. A. T. F. da Costa", "da", "Costa", "G. A. T. F.", ""),
    ("Artur d'Avila Garcez", "", "Garcez", "Artur d'Avila", ""),
    ("Minh Van Tran", "", "Tran", "Minh Van", ""),
    ("Son The Nguyen", "", "Nguyen", "Son The", ""),
    ("Daniel J. Costello, Jr.", "", "Costello", "Daniel J.", "Jr."),
    ("Robert W. Heath Jr", "", "Heath", "Robert W.", "Jr"),
    ("John Smith III", "", "Smith", "John", "III"),
    ("A.A.West", "", "West", "A. A.", ""),
    ("E.Il'ichev", "", "Il'ichev", "E.", ""),
    ("Fern{\\'a}ndez, J.", "", "Fern{\\'a}ndez", "J.", ""),
    ("Yann Labbe", "", "Labbe", "Yann", ""),
    ("梅 李", "", "李", "梅", ""),
]
LITERALS = [
    *("DeepSeek-AI", "OpenAI", "Mistral AI", "Meta AI", "Kimi Team", "o3 contributors"),
    *("ATLAS Collaboration", "the SafeScale Collaboration", "for the Pierre Auger Collaboration"),
    *("The Institute of Cancer Research", "University Hospital Basel", "Mind Lab", "R&D Group"),
    *("ATLAS Collaboration, CMS Collaboration", "Smith and Jones", "Plato", "李梅"),
    *("Vladan ( Department of Physics", "NASA/JPL"),
]


@pytest.mark.parametrize(("name", "particle", "family", "given_name", "suffix"), PEOPLE)
def test_name_of_a_person_is_split(
    name: str, particle: str, family: str, given_name: str, suffix: str
) -> None:
    assert parse_author_name(name) == AuthorName(family, given_name, particle, suffix)


@pytest.mark.parametrize("name", LITERALS)
def test_name_of_no_person_stays_whole(name: str) -> None:
    assert parse_author_name(name) == AuthorName(literal=name)


def test_texts_without_letters_are_no_names() -> None:
    assert parse_author_names([":", "", " - ", "Nikin~Matharaarachchi"]) == (
        AuthorName("Matharaarachchi", "Nikin"),
    )


@given(st.text(st.characters(categories=("L", "N", "P", "Zs")), min_size=1, max_size=40))
def test_no_letter_is_lost(name: str) -> None:
    for parsed in parse_author_names([name]):
        parts = (parsed.given, parsed.particle, parsed.family, parsed.suffix, parsed.literal)
        letters = sorted(c for c in "".join(parts) if c.isalnum())
        assert letters == sorted(c for c in single_line(name) if c.isalnum())
        assert bool(parsed.literal) != bool(parsed.family)
