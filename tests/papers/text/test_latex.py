"""TeX accents in names and titles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.text.latex import accents_to_unicode

# (TeX, Unicode)
ACCENTS = [
    (r"Fern\'andez Fern\'{a}ndez Fern{\'a}ndez", "Fernández Fernández Fernández"),
    (r"Schr\"odinger Schr{\"o}dinger", "Schrödinger Schrödinger"),
    (r"Mar\'{\i}a Mar\'\ia \'\i", r"María Mar\'\ia í"),
    (r"\v{S}koda Fran\c{c}ois Erd\H{o}s", "Škoda François Erdős"),
    (r"\O{}ystein stra{\ss}e {\L}ukasz", "Øystein straße Łukasz"),
    (r"{\'e} and {x}", "é and {x}"),
    (r"$\alpha$ and \textbf{bold}", r"$\alpha$ and \textbf{bold}"),
    ("José", "José"),
    ("\\", "\\"),
]


@pytest.mark.parametrize(("tex", "expected"), ACCENTS)
def test_accents_become_unicode(tex: str, expected: str) -> None:
    assert accents_to_unicode(tex) == expected


@given(st.text(alphabet="aeioSs \\'\"^v{}$~", max_size=30))
def test_any_text_is_accepted_and_braces_are_removed_in_pairs(text: str) -> None:
    converted = accents_to_unicode(text)
    assert text.count("{") - text.count("}") == converted.count("{") - converted.count("}")
