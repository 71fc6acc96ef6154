from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from papers.errors import BadId
from papers.model.arxiv_id import (
    OLD_SCHEME_ARCHIVES,
    ArxivId,
    find_ids,
    parse_versioned,
    parse_yymm,
)

# (a text, its id, its version)
ACCEPTED = [
    ("2405.08073", "2405.08073", None),
    ("2405.08073v2", "2405.08073", 2),
    ("2405.08073v12", "2405.08073", 12),
    ("  2405.08073\n", "2405.08073", None),
    ("arXiv:2405.08073", "2405.08073", None),
    ("ARXIV:2405.08073V2", "2405.08073", 2),
    ("arXiv: 2405.08073", "2405.08073", None),
    ("oai:arXiv.org:2203.01250v3", "2203.01250", 3),
    ("oai:arXiv.org:hep-th/9901001", "hep-th/9901001", None),
    ("0704.0001", "0704.0001", None),
    ("1412.9999", "1412.9999", None),
    ("1501.00001", "1501.00001", None),
    ("2503.02130", "2503.02130", None),
    # URLs of arXiv
    ("http://arxiv.org/abs/2405.08073v2", "2405.08073", 2),
    ("https://arxiv.org/abs/2405.08073/", "2405.08073", None),
    ("https://www.arxiv.org/abs/2405.08073?context=cs", "2405.08073", None),
    ("https://export.arxiv.org/abs/2405.08073", "2405.08073", None),
    ("HTTPS://ARXIV.ORG/abs/2405.08073", "2405.08073", None),
    ("//arxiv.org/abs/2405.08073", "2405.08073", None),
    ("arxiv.org/abs/2405.08073", "2405.08073", None),
    ("https://arxiv.org:443/abs/2405.08073", "2405.08073", None),
    ("https://arxiv.org/pdf/2405.08073", "2405.08073", None),
    ("https://arxiv.org/pdf/2405.08073v12.pdf", "2405.08073", 12),
    ("https://arxiv.org/pdf/2405.08073.pdf#page=3", "2405.08073", None),
    ("https://arxiv.org/pdf/quant-ph/0201082v1.pdf", "quant-ph/0201082", 1),
    ("https://arxiv.org/html/2405.08073v1#S3.SS2", "2405.08073", 1),
    ("https://arxiv.org/abs/hep-th/9901001v3", "hep-th/9901001", 3),
    ("https://arxiv.org/abs/hep-th%2F9901001", "hep-th/9901001", None),
    # DOIs
    ("10.48550/arXiv.2405.08073", "2405.08073", None),
    ("10.48550/ARXIV.2405.08073", "2405.08073", None),
    ("doi:10.48550/arXiv.0704.0001", "0704.0001", None),
    ("https://doi.org/10.48550/arXiv.2405.08073", "2405.08073", None),
    ("https://doi.org/10.48550/arxiv.hep-th/9901001", "hep-th/9901001", None),
    ("https://dx.doi.org/10.48550/arXiv.2405.08073", "2405.08073", None),
    # community sites
    ("https://huggingface.co/papers/2405.08073", "2405.08073", None),
    ("https://huggingface.co/papers/2405.08073.md", "2405.08073", None),
    ("https://hf.co/papers/2405.08073#community", "2405.08073", None),
    ("https://www.alphaxiv.org/abs/2405.08073v1", "2405.08073", 1),
    ("https://www.alphaxiv.org/overview/2405.08073", "2405.08073", None),
    ("https://papers.cool/arxiv/2405.08073", "2405.08073", None),
    ("https://ar5iv.org/abs/2405.08073", "2405.08073", None),
    ("https://ar5iv.labs.arxiv.org/html/2405.08073", "2405.08073", None),
    ("https://scirate.com/arxiv/2405.08073", "2405.08073", None),
    ("https://tldr.takara.ai/p/2405.08073", "2405.08073", None),
    # the old scheme
    ("hep-th/9901001", "hep-th/9901001", None),
    ("hep-th%2F9901001", "hep-th/9901001", None),
    ("HEP-TH/9901001", "hep-th/9901001", None),
    ("math.GT/0309136", "math/0309136", None),
    ("math/0309136v1", "math/0309136", 1),
    ("cond-mat.mtrl-sci/0207270v1", "cond-mat/0207270", 1),
    ("cs/0003044", "cs/0003044", None),
    ("acc-phys/9411001", "acc-phys/9411001", None),
    ("hep-th/9108001", "hep-th/9108001", None),
    ("hep-th/0703999", "hep-th/0703999", None),
]

REFUSED = [
    *("", "abc", "2405", "2405.", ".08073", "2503.0213", "12405.08073", "2405.080731"),
    *("1501.0001", "0704.00001", "1412.00001", "2413.00001", "2400.00001", "0612.0001"),
    *("2405.00000", "0704.0000", "hep-th/9901000", "2405.65536", "2405.99999"),
    *("2405.08073v", "2405.08073v0", "2405.08073v1v2", "2405.08073 v2", "2405.08073x"),
    *("hep-th/1", "hep-th/99010011", "hep-th/0704001", "hep-th/9106001", "nonsense/9901001"),
    *(
        "math-gt/0309136",
        "２４０５.08073",
        "2405.08٠73",
        "quant-ph/9９01001",
    ),
    "https://arxiv.org/list/cs.CV/new",
    "https://arxiv.org/abs/hep-th/1",
    "https://arxiv.org/",
    "https://example.com/2024.12345",
    "https://example.com/abs/2405.08073",
    "https://arxiv.org.example.com/abs/2405.08073",
    "https://example.com/?u=https://arxiv.org/abs/2405.08073",
    "https://github.com/org/repo/releases/tag/2405.08073",
    "https://doi.org/10.1109/ICSTW55395.2022.00035",
    "10.1109/2405.08073",
    "https://huggingface.co/papers/date/2026-05-20",
    "https://huggingface.co/papers?q=2405.08073",
    "https://huggingface.co/datasets/2405.08073",
    "https://www.alphaxiv.org/abs/2608.agentic-esopt-long-horizon-llm",
]


@pytest.mark.parametrize(("text", "expected", "version"), ACCEPTED)
def test_every_common_form_is_parsed(text: str, expected: str, version: int | None) -> None:
    found, found_version = parse_versioned(text)
    assert (str(found), found_version) == (expected, version)
    assert ArxivId.parse(text) == found


@pytest.mark.parametrize("text", REFUSED)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(BadId, match="no arXiv id"):
        ArxivId.parse(text)


@pytest.mark.parametrize("number", [2503.0213, None, 0, b"2405.08073"])
def test_numbers_are_refused(number: object) -> None:
    with pytest.raises(BadId, match="must be a text"):
        ArxivId.parse(number)  # type: ignore[arg-type]


def test_recorded_ids_are_parsed(recorded: Path) -> None:
    for case in json.loads((recorded / "arxiv_id_cases.json").read_text("utf-8")):
        try:
            found, version = parse_versioned(case["in"])
        except BadId:
            assert case["out"] is None, case
        else:
            assert [str(found), version] == case["out"], case


# (an id, its month, its number)
MONTHS_AND_NUMBERS = [
    ("2503.14895", 202503, 14_895),
    ("0704.0001", 200704, 1),
    ("acc-phys/9411001", 199411, 1),
    ("adap-org/9901999", 199901, 1_999),
    ("test/9901001", 199901, 34_001),
]


@pytest.mark.parametrize(("text", "month", "number"), MONTHS_AND_NUMBERS)
def test_an_id_is_a_month_and_a_number(text: str, month: int, number: int) -> None:
    found = ArxivId.parse(text)
    assert (found.month, found.number) == (month, number)
    assert found == ArxivId(month, number)


def test_urls_and_doi_of_a_paper() -> None:
    old, new = ArxivId.parse("math.GT/0309136v2"), ArxivId.parse("2503.14895v3")
    assert new.url == "https://arxiv.org/abs/2503.14895"
    assert new.pdf_url == "https://arxiv.org/pdf/2503.14895"
    assert new.doi == "10.48550/arXiv.2503.14895"
    assert old.url == "https://arxiv.org/abs/math/0309136"
    assert (old.yymm, new.yymm) == ("0309", "2503")


def test_equal_numbers_of_two_archives_are_different_papers() -> None:
    assert ArxivId.parse("astro-ph/0601001") != ArxivId.parse("hep-ph/0601001")


def test_indices_of_archives_never_change() -> None:
    # stored numbers contain these indices: the list may only grow at its end
    assert len(set(OLD_SCHEME_ARCHIVES)) == len(OLD_SCHEME_ARCHIVES) == 35
    assert OLD_SCHEME_ARCHIVES.index("astro-ph") == 4
    assert OLD_SCHEME_ARCHIVES.index("hep-th") == 19
    assert OLD_SCHEME_ARCHIVES.index("test") == 34


# (YYMM, YYYYMM)
MONTHS = [
    ("9107", 199107),
    ("9106", None),
    ("0001", 200001),
    ("0704", 200704),
    ("2611", 202611),
    ("9013", None),
    ("2500", None),
]


@pytest.mark.parametrize(("yymm", "month"), MONTHS)
def test_parse_yymm(yymm: str, month: int | None) -> None:
    assert parse_yymm(yymm) == month


# (a text, the ids it refers to)
MENTIONS = [
    ("see https://arxiv.org/abs/2405.08073v2.", ["2405.08073"]),
    ("(https://arxiv.org/abs/hep-th/9901001)", ["hep-th/9901001"]),
    ('<a href="https://huggingface.co/papers/2405.08073">x</a>', ["2405.08073"]),
    ("arXiv:2405.08073, arXiv:2405.08073v3 and arXiv:2405.08074!", ["2405.08073", "2405.08074"]),
    ("10.48550/arXiv.2405.08073; //arxiv.org/pdf/2405.08074.pdf", ["2405.08073", "2405.08074"]),
    (
        "read arxiv.org/abs/2405.08073 or www.alphaxiv.org/abs/2405.08074",
        ["2405.08073", "2405.08074"],
    ),
    ("https://example.com/arxiv.org/abs/2405.08073", []),
    ("at fake-arxiv.org/abs/2405.08073 and my.arxiv.org/abs/2405.08073", []),
    ("2405.08073 is a number, and 2024.12345 may be anything", []),
    ("", []),
]


@pytest.mark.parametrize(("text", "ids"), MENTIONS)
def test_references_in_a_text_are_found(text: str, ids: list[str]) -> None:
    assert [str(found) for found in find_ids(text)] == ids


def test_references_beyond_the_limit_are_not_read() -> None:
    text = "arXiv:2405.00000 arXiv:2405.08073 arXiv:2405.08073v2 arXiv:2405.08074 arXiv:2405.08075"
    assert [str(found) for found in find_ids(text, limit=2)] == ["2405.08073", "2405.08074"]


def _ids() -> st.SearchStrategy[ArxivId]:
    def numbers(year: int, month: int) -> st.SearchStrategy[int]:
        if year * 100 + month >= 201501:
            return st.integers(1, 65_535)
        if year * 100 + month >= 200704:
            return st.integers(1, 9_999)
        archives = st.integers(0, len(OLD_SCHEME_ARCHIVES) - 1)
        return st.builds(lambda index, digits: index * 1000 + digits, archives, st.integers(1, 999))

    months = st.tuples(st.integers(1991, 2090), st.integers(1, 12)).filter(
        lambda month: month >= (1991, 7)
    )
    return months.flatmap(
        lambda m: numbers(*m).map(lambda number: ArxivId(m[0] * 100 + m[1], number))
    )


@given(_ids())
def test_written_ids_are_parsed_back(paper: ArxivId) -> None:
    assert ArxivId.parse(str(paper)) == paper
    assert ArxivId.parse(paper.url) == ArxivId.parse(paper.doi) == paper
    assert parse_versioned(f"{paper.pdf_url}v7.pdf") == (paper, 7)
    assert find_ids(f"<{paper.url}>") == [paper]


@given(_ids(), _ids())
def test_different_ids_are_written_differently(one: ArxivId, other: ArxivId) -> None:
    assert (one == other) == (str(one) == str(other))
    assert (one == other) == ((one.month, one.number) == (other.month, other.number))


@given(_ids(), _ids())
def test_ids_sort_by_month_then_number(one: ArxivId, other: ArxivId) -> None:
    assert (one < other) == ((one.month, one.number) < (other.month, other.number))


@pytest.mark.row("fuzzing of ids and the keyword language")
@given(st.text(max_size=60))
@example("https://[/")
@example("//@/abs/2405.08073")
@example("%")
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        found = ArxivId.parse(text)
    except BadId:
        return
    assert ArxivId.parse(str(found)) == found
