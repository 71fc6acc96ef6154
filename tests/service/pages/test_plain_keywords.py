"""Queries by author, category and other fields, as feeds."""

from __future__ import annotations

from urllib.parse import quote_plus

import feedparser
import pytest
from flask.testing import FlaskClient

from tests.service.conftest import Announce
from tests.service.made import make_sighting


@pytest.fixture(autouse=True)
def papers(client: FlaskClient, announce: Announce) -> None:
    assert client
    announce(
        [
            make_sighting(1, authors=("Yann LeCun", "Ada Lovelace"), categories=("cs.LG",)),
            make_sighting(2, authors=(r"E. Schr\"odinger",), categories=("math-ph", "quant-ph")),
            make_sighting(3, authors=("Jun-Yan Zhu",), categories=("cs.CV", "cs.LG")),
            make_sighting(
                4, authors=("Ada Byron",), categories=("stat.ML", "cs.LG"), comment="ACL"
            ),
        ]
    )


@pytest.mark.parametrize(
    ("keyword", "numbers"),
    [
        ("au:lecun", [1]),
        ('au:"yann lecun"', [1]),
        ("au:ada", [4, 1]),
        ("au:schrödinger", [2]),
        ("au:schrodinger", [2]),
        ("au:SCHRODINGER OR au:lecun", [2, 1]),
        ('au:"jun yan zhu"', [3]),
        ('au:"zhu, junyan"', [3]),
        ('au:"y. le cun"', [1]),
        ('au:"e. schrodinger"', [2]),
        ('au:"erwin schrodinger"', []),
        ("cat:cs.LG", [4, 3, 1]),
        ("cat:cs.*", [4, 3, 1]),
        ("cat:math.MP", [2]),
        ("cat:stat.ML au:ada", [4]),
        ("comment:acl", [4]),
    ],
)
def test_feed_of_a_field_query(client: FlaskClient, keyword: str, numbers: list[int]) -> None:
    path = f"/feeds/search.atom?q={quote_plus(keyword)}"
    answer = client.get(path, follow_redirects=True)
    parsed = feedparser.parse(answer.data)
    assert [int(entry.id[-5:]) for entry in parsed.entries] == numbers
    assert not parsed.bozo
