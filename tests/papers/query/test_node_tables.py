"""Every table that is keyed by the node types of a query tree has a row for each of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import pytest

from papers.query.ast import Node
from papers.query.match import NODE_MATCHERS

NODE_TYPES = frozenset(get_args(Node))
TABLES: dict[str, Mapping[type, Any]] = {
    "match": NODE_MATCHERS,
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_node_type_has_a_row(table: Mapping[type, Any]) -> None:
    assert set(table) == NODE_TYPES
