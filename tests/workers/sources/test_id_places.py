from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from papers.model.arxiv_id import find_ids
from tests.workers.sources.id_forms import FORMS, OLD_PAPER, PAPER
from tests.workers.sources.id_places import PLACES, Case, cases, found_papers

DIGITS = re.compile(r"2511[.-]?01234(?!\d)|hep-th/9901001(?!\d)")


@pytest.fixture(scope="module")
def made() -> list[Case]:
    return list(cases())


def strings(body: bytes) -> Iterator[str]:
    """Every text and attribute of a feed, by the parsers of the standard library."""
    if body.startswith(b"{"):
        pending = [json.loads(body)]
        while pending:
            value = pending.pop()
            pending += value.values() if isinstance(value, dict) else []
            pending += value if isinstance(value, list) else []
            yield from [value] if isinstance(value, str) else []
    else:
        for element in ElementTree.fromstring(body).iter():
            yield from ("".join(element.itertext()), *element.attrib.values())


def carries_the_number(body: bytes) -> bool:
    """True if an independent reading of a feed has the paper's number in it."""
    for text in strings(body):
        for _ in range(3):
            text = unquote(unescape(text))
        plain = re.sub(r"[\\\u200b]", "", text)
        if DIGITS.search(plain) or DIGITS.search(re.sub(r"<[^<>]*>", "", plain)):
            return True
    return False


def test_every_reference_is_found_and_nothing_else(made: list[Case]) -> None:
    wrong = [
        (case.kind, case.described, sorted(found))
        for case in made
        if (found := found_papers(case.body)) != case.papers
    ]
    assert wrong == []


def test_grammar_makes_thousands_of_feeds_that_carry_the_number(made: list[Case]) -> None:
    """Otherwise what is found would prove nothing."""
    naming = [case for case in made if case.papers]
    assert len(naming) >= 10_000
    assert len(made) - len(naming) >= 3_000
    assert [case.described for case in naming if not carries_the_number(case.body)] == []


def test_places_are_of_every_format() -> None:
    formats = {place.split(" ")[0] + " " + place.split(" ")[1] for place in PLACES}
    assert {"RSS 0.91", "RSS 1.0", "RSS 2.0", "JSON Feed", "Atom link"} <= formats
    assert len(PLACES) >= 60


@pytest.mark.parametrize("text", ["one {0} two {0}v2", "{0} {1}", "{1},{0}"])
def test_each_paper_of_a_text_is_found_once_in_order(text: str) -> None:
    known = {PAPER: "arXiv:" + PAPER, OLD_PAPER: "https://arxiv.org/abs/" + OLD_PAPER}
    written = text.format(*known.values())
    in_order = sorted(known, key=lambda id: written.find(known[id]) % 10**6)
    assert [str(id) for id in find_ids(written)] == [id for id in in_order if known[id] in written]


def test_reference_may_follow_any_distance_from_the_last() -> None:
    for form in (form for forms in FORMS.values() for form in forms):
        for distance in (0, 1, 500, 980, 1_000, 1_020, 2_500):
            text = f"arXiv:2303.00001 {'x' * distance} {form} {'y' * distance} arXiv:2303.00002"
            assert len(find_ids(text)) == 3, text
