"""The API's search_query: matches, non-matches and malformed queries."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from papers.model.arxiv_id import ArxivId
from paperwire.simulator.formats.api_feed import ApiResult
from paperwire.simulator.formats.api_query import MalformedQuery, parse
from paperwire.simulator.world.manuscripts import Manuscript

PAPER = ApiResult(
    ArxivId.parse("2611.00001"),
    2,
    Manuscript(
        title="Reward Models for Multi-Hop Reasoning",
        abstract="Schrödinger equations, hallucinations and large language models.",
        authors=("Yann del Maestro", "Zoë Müller"),
        categories=("cs.CL", "stat.ML"),
        comment="Accepted at ACL 2027",
        journal_ref="Journal of Things 3",
    ),
    published=datetime(2026, 11, 10, 15, tzinfo=UTC),
    updated=datetime(2026, 11, 17, 15, tzinfo=UTC),
)

MATCHING = """
reward
all:reward
ti:reward
ti:models
ti:MODEL
ti:"reward model"
ti:"multi hop"
abs:schrodinger
abs:hallucinat*
abs:"large language model"
au:del_maestro
au:muller
au:"Zoe Müller"
cat:cs.CL
cat:stat.ML
cat:cs.*
co:ACL
jr:things
id:2611.00001
all:cs
nothing reward
nothing OR ti:reward
ti:reward AND abs:language
ti:(reward AND reasoning)
ti:(nothing reward)
ti:reward ANDNOT ti:survey
(ti:reward OR ti:nothing) AND cat:cs.CL
( ti:"reward model" AND ( cat:cs.AI OR cat:cs.CL ) )
ti:reward OR ti:nothing AND ti:nothing
submittedDate:[202611100000 TO 202611110000]
submittedDate:[20261110 TO 20261111] AND ti:reward
lastUpdatedDate:[202611171500 TO 202611171500]
"""

NOT_MATCHING = """
nothing
ti:language
abs:reward
ti:rewards_of
ti:"model reward"
ti:rewar
au:maestr
cat:cs
cat:cs.AI
id:2611.00002
ti:reward AND ti:nothing
ti:reward ANDNOT cat:cs.CL
ti:nothing AND ti:reward OR ti:reward
ti:"Reasoning Schrödinger"
au:"Maestro Zoë"
submittedDate:[202611110000 TO 202611120000]
""
"""

MALFORMED = """
xx:reward
ti:
(ti:reward
ti:reward)
ti:reward AND
AND ti:reward
ti:"reward
submittedDate:2026
submittedDate:[yesterday TO today]
submittedDate:[20261345 TO 20261111]
ti:[202611110000 TO 202611120000]
()
"""


def lines(text: str) -> list[str]:
    return text.strip().split("\n")


@pytest.mark.parametrize("query", lines(MATCHING))
def test_query_matches(query: str) -> None:
    assert parse(query)(PAPER)


@pytest.mark.parametrize("query", ["cat:cs.*", "cat:cs.SY", "cat:eess.SY", "cat:eess.*"])
@pytest.mark.parametrize("category", ["cs.SY", "eess.SY"])
def test_alias_of_a_category_matches(query: str, category: str) -> None:
    text = replace(PAPER.text, categories=(category,))
    assert parse(query)(replace(PAPER, text=text))


@pytest.mark.parametrize("query", lines(NOT_MATCHING))
def test_query_does_not_match(query: str) -> None:
    assert not parse(query)(PAPER)


@pytest.mark.parametrize("query", lines(MALFORMED))
def test_malformed_query_is_refused(query: str) -> None:
    with pytest.raises(MalformedQuery):
        parse(query)
