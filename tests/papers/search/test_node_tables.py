"""Every node type of a query has a row in each table of the search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import pytest

from papers.query.ast import Node
from papers.search.evaluate import NODE_EVALUATIONS
from papers.search.node_plans import NODE_PLANS


@pytest.mark.parametrize("table", [NODE_EVALUATIONS, NODE_PLANS], ids=["evaluate", "plan"])
def test_every_node_type_has_a_row(table: Mapping[type, object]) -> None:
    assert set(table) == set(get_args(Node))
