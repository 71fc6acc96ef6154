"""A keyword as a query of arXiv's API finds at least what the keyword matches."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from papers.query.match import matches
from papers.query.parser import Query, parse_query
from paperwire.simulator.formats.api_feed import ApiResult
from paperwire.simulator.formats.api_query import parse
from paperwire.simulator.world.manuscripts import Manuscript
from tests.papers.papers_strategies import PAPERS
from tests.papers.query_strategies import queries
from workers.sources.arxiv.search_query import MAX_QUERY_LENGTH, arxiv_query

# (a keyword, the API's query for it)
QUERIES = [
    ("ti:ml", "(ti:ml OR ti:mls)"),
    ("ti:kv", '(ti:kv OR ti:kvs OR ti:"k v" OR ti:"k vs")'),
    ("r", "(ti:r OR ti:rs OR abs:r OR abs:rs)"),
    ("au:holm", '(au:holm OR au:"ho lm")'),
    ('au:"ada holm"', '((au:holm OR au:"ho lm") AND au:ada)'),
    (
        'au:"jun-yan zhu"',
        '(au:zhu AND (au:junyan OR au:"ju nyan" OR au:"jun yan" OR au:"juny an"))',
    ),
    ('au:"le li"', '((au:leli OR au:"l eli" OR au:"le li") OR (au:li AND au:le))'),
    ("au:王伟", '(au:王伟* OR au:"王 伟*")'),
    ("ti:abcd*", "(ti:abcd* OR ti:abcd OR ti:abcds OR (ti:a AND ti:bcd*) OR ti:ab OR ti:abc)"),
    ("au:a au:b", "(au:a AND au:b)"),
    ("au:a OR au:b", "(au:a OR au:b)"),
    ("au:a au:b OR au:c", "((au:a AND au:b) OR au:c)"),
    ("au:a (au:b OR au:c)", "(au:a AND (au:b OR au:c))"),
    ("au:a -au:b", "au:a"),
    ("au:a -cat:cs.CL -cat:cs.LG", "((au:a ANDNOT cat:cs.CL) ANDNOT cat:cs.LG)"),
    ("cat:cs.CL", "cat:cs.CL"),
    ("cat:cs.*", "(cat:cs.* OR cat:math.NA OR cat:eess.SY)"),
    ("cat:nlin.*", "cat:nlin.*"),
    ("cat:math-ph.*", "cat:math-ph"),
    ("au:a primary:cs.CL", "(au:a AND cat:cs.CL)"),
    ("primary:q-fin.*", "(cat:q-fin.* OR cat:econ.GN)"),
    ("au:a -primary:cs.CL", "au:a"),
    ("au:a is:picked", "au:a"),
    ("cat:cs.NA", "(cat:math.NA OR cat:cs.NA)"),
    # what the API cannot express only widens the answer
    ("au:a org:deepmind", "au:a"),
    ("au:a source:hf", "au:a"),
    ("au:a -source:hf", "au:a"),
    ("au:a -(au:b source:hf)", "au:a"),
    ("au:a OR source:hf", None),
    ("source:hf", None),
    ("org:deepmind", None),
    ("id:2611.00001", None),
]


@pytest.mark.parametrize(("keyword", "query"), QUERIES)
def test_arxiv_query(keyword: str, query: str | None) -> None:
    assert arxiv_query(parse_query(keyword).tree) == query


SENTENCES = st.lists(
    st.sampled_from(
        "Multi-modal multimodal U-Nets GPT-4 GPT4 GPT 4 GPs GPS IRS analyses matrix matrices 3-D a"
        " model models pre--trained"
        " fine-tuning finetuning C++ A* Q&A .NET LLMs GPUs-based of".split()
    ),
    min_size=1,
    max_size=7,
).map(" ".join)


@given(SENTENCES, SENTENCES.map(lambda words: f'"{words}"') | SENTENCES)
@example("a multi-modal fine-tuning", '"multimodal finetuning"')
def test_whatever_matches_is_found_by_the_query(text: str, keyword: str) -> None:
    query = parse_query(keyword)
    if matches(query, Paper(ArxivId(202611, 1), title="T", abstract=text)):
        assert_found(query, Manuscript(title="T", abstract=text))


LONG_WORDS = (
    "multi-modal multimodal spatio-temporal spatiotemporal pre-training pretraining learning"
    " language-models language models large GPT-4 gpt4 large-language"
).split()
LONG_TEXTS = st.lists(st.sampled_from(LONG_WORDS), min_size=3, max_size=6).map(" ".join)


@given(LONG_TEXTS, LONG_TEXTS)
@example("a multi-modal large-language model", "multimodal large language model")
@example(
    "spatio-temporal pretraining language model", "spatio temporal pre training language model"
)
def test_long_phrases_are_searched_by_their_words(text: str, phrase: str) -> None:
    for written in (phrase, text.replace("-", " "), text):
        query = parse_query(f'"{written}"')
        if matches(query, Paper(ArxivId(202611, 1), title="T", abstract=text)):
            assert_found(query, Manuscript(title="T", abstract=text))


@given(queries(), PAPERS)
def test_query_finds_at_least_what_the_keyword_matches(query: Query, paper: Paper) -> None:
    title, abstract = (text.replace('Schr\\"o', "Schrö") for text in (paper.title, paper.abstract))
    names = tuple(name for name in paper.authors if "\\" not in name)
    paper = paper._replace(title=title, abstract=abstract, authors=names)
    if matches(query, paper):
        written = Manuscript(
            title=title,
            abstract=abstract,
            authors=names,
            categories=paper.categories,
            comment=paper.comment,
        )
        assert_found(query, written)


def assert_found(query: Query, text: Manuscript) -> None:
    sent, now = arxiv_query(query.tree), datetime(2026, 11, 1, tzinfo=UTC)
    result = ApiResult(ArxivId(202611, 1), 1, text, published=now, updated=now)
    assert len(sent or "") <= MAX_QUERY_LENGTH
    assert not sent or parse(sent)(result), sent


def test_query_is_of_bounded_length() -> None:
    words = " ".join(f"wordsoflength{letter}" for letter in "abcdefghij")
    assert len(arxiv_query(parse_query(words).tree) or "") < MAX_QUERY_LENGTH
