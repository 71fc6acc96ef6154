from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from papers.errors import BadInput, BadParameter, BadQuery
from service.urls.params import ALL_PARAMETERS, OPTION_PARAMETERS, SearchParams, parse_params

SOURCES = ("arxiv", "hf", "Our Group")


def parse(query: str, *, is_saved: bool = False) -> SearchParams:
    pairs = parse_qsl(query, keep_blank_values=True)
    return parse_params(MultiDict(pairs), is_saved=is_saved, sources=SOURCES)


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        ("q=reward", "q=reward"),
        ("q=++Rewards+++model", "q=Rewards+model"),
        ("q=rl+or+rlhf", "q=rl+OR+rlhf"),
        ("q=Caf%C3%A9+Cafe%CC%81", "q=Caf%C3%A9+Caf%C3%A9"),
        ("q=%22reward+model%22", "q=%22reward+model%22"),
        ("q=%E2%80%9Creward%20model%E2%80%9D", "q=%22reward+model%22"),
        ("q=cat:cs.*", "q=cat:cs.*"),
        ("q=x&n=100&types=cross,new&min_votes=0&when=announced&before=&source=", "q=x"),
        ("q=x&n=007", "n=7&q=x"),
        ("n=7&q=x&before=arXiv:2503.14895v2", "before=2503.14895&n=7&q=x"),
        ("q=x&before=hep-th/9901001", "before=hep-th/9901001&q=x"),
        ("q=x&types=replace,new", "q=x&types=new,replace"),
        ("q=x&when=picked&min_votes=3", "min_votes=3&q=x&when=picked"),
        ("q=x&until=2026-02-01&since=2026-01-31", "q=x&since=2026-01-31&until=2026-02-01"),
        ("q=x&source=OUR%20GROUP", "q=x&source=Our+Group"),
        ("q=x&utm_source=a&utm_source=b", "q=x"),
        ("k=Reward%20Model&k=diffusion&k=reward-model&n=5", "k=diffusion&k=reward-model&n=5"),
        ("k=diffusion&q=", "k=diffusion"),
        ("k=diffusion&k=&when=picked", "k=diffusion&when=picked"),
        ("q=x&digest=week&n=100", "digest=week&q=x"),
    ],
)
def test_equal_requests_have_one_query_string(query: str, canonical: str) -> None:
    assert parse(query).query_string == canonical
    assert parse(canonical).query_string == canonical


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("", "q"),
        ("q=", "q"),
        ("q=++", "q"),
        ("q=x&q=y", "q"),
        ("q=x&limit=3", "limit"),
        ("q=x&Q=y", "Q"),
        *((f"q=x&n={n}", "n") for n in ("0", "201", "-1", "1.5", "ten", "٣", "1e2", "9" * 30)),
        *((f"q=x&min_votes={n}", "min_votes") for n in ("-1", "many", "1000001")),
        *((f"q=x&since={day}", "since") for day in ("2026-1-1", "2026-02-30", "20260101", "now")),
        ("q=x&since=2026-02-01&until=2026-01-31", "since"),
        ("q=x&until=2026-13-01", "until"),
        ("q=x&types=new,old", "types"),
        ("q=x&types=,", "types"),
        ("q=x&when=later", "when"),
        ("q=x&source=hff", "source"),
        ("q=x&before=5", "before"),
        ("q=x%00y", "q"),
        ("q=x&source=%0d%0a", "source"),
        ("q=%ff", "q"),
        ("q=x&k=y", "k"),
        ("q=x&digest=year", "digest"),
        ("q=x&digest=day&n=5", "digest"),
        ("k=%2B", "k"),
        ("k=search", "k"),
        ("k=" + "x" * 81, "k"),
        ("&".join(f"k=x{n}" for n in range(51)), "k"),
    ],
)
def test_refusal_names_the_parameter(query: str, name: str) -> None:
    with pytest.raises(BadParameter) as error:
        parse(query)
    assert error.value.name == name


def test_query_that_is_too_long_is_refused_with_what_to_do() -> None:
    with pytest.raises(BadQuery, match=r"2,001 characters; at most 500 .* split it into two"):
        parse("q=" + "x" * 2001)


def test_unknown_parameter_is_answered_with_the_known_ones() -> None:
    with pytest.raises(BadParameter) as error:
        parse("q=x&pages=3")
    for parameter in ALL_PARAMETERS:
        assert parameter.name in str(error.value)


def test_saved_keyword_takes_no_query() -> None:
    assert parse("n=5", is_saved=True).query_string == "n=5"
    with pytest.raises(BadParameter):
        parse("q=x", is_saved=True)
    with pytest.raises(BadParameter):
        parse("k=x", is_saved=True)


def test_every_option_is_a_field_of_the_search_request() -> None:
    params = parse("q=x")
    assert params.query
    search_request = params.search_request(params.query)
    assert all(hasattr(search_request, parameter.request_field) for parameter in OPTION_PARAMETERS)


def test_cursor_is_set_and_removed() -> None:
    params = parse("q=x&n=5").at_cursor("2503.14895")
    assert params.query_string == "before=2503.14895&n=5&q=x"
    assert params.at_cursor("").query_string == "n=5&q=x"


@given(st.lists(st.tuples(st.sampled_from([p.name for p in ALL_PARAMETERS]), st.text(max_size=8))))
def test_any_request_is_refused_or_has_one_canonical_form(pairs: list[tuple[str, str]]) -> None:
    try:
        first = parse_params(MultiDict([("q", "x"), *pairs]), is_saved=False, sources=SOURCES)
    except BadInput:
        return
    assert parse(first.query_string).query_string == first.query_string
