from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.exports.names import AuthorName, parse_author_name, parse_author_names
from service.markup.clean import single_line

PEOPLE = [
    # written → particle, family, given, suffix
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
WHOLE = [
    *("DeepSeek-AI", "OpenAI", "Mistral AI", "Meta AI", "Kimi Team", "o3 contributors"),
    *("ATLAS Collaboration", "the SafeScale Collaboration", "for the Pierre Auger Collaboration"),
    *("The Institute of Cancer Research", "University Hospital Basel", "Mind Lab", "R&D Group"),
    *("ATLAS Collaboration, CMS Collaboration", "Smith and Jones", "Plato", "李梅"),
    *("Vladan ( Department of Physics", "NASA/JPL"),
]


@pytest.mark.parametrize(("written", "particle", "family", "given_name", "suffix"), PEOPLE)
def test_a_persons_name_is_parted(
    written: str, particle: str, family: str, given_name: str, suffix: str
) -> None:
    assert parse_author_name(written) == AuthorName(family, given_name, particle, suffix)


@pytest.mark.parametrize("written", WHOLE)
def test_what_is_no_person_stays_whole(written: str) -> None:
    assert parse_author_name(written) == AuthorName(literal=written)


def test_what_is_no_name_is_none() -> None:
    assert parse_author_names([":", "", " - ", "Nikin~Matharaarachchi"]) == (
        AuthorName("Matharaarachchi", "Nikin"),
    )


@given(st.text(st.characters(categories=("L", "N", "P", "Zs")), min_size=1, max_size=40))
def test_no_letter_is_lost(written: str) -> None:
    for name in parse_author_names([written]):
        told = "".join((name.given, name.particle, name.family, name.suffix, name.literal))
        kept = sorted(c for c in told if c.isalnum())
        assert kept == sorted(c for c in single_line(written) if c.isalnum())
        assert bool(name.literal) != bool(name.family)
