"""The table of keys in the docstring of `papers.redis_backend.keys` agrees with the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from papers.redis_backend import keys

ROOT = Path(__file__).parents[3]
ROWS = re.findall(r"^\| `(.+?)` \|.*\| ([a-z_.]+) \| \w+ \|$", keys.__doc__ or "", re.MULTILINE)
"""(key as the table writes it, owner)"""

CONSTANTS = {
    value: name
    for name, value in vars(keys).items()
    if name.isupper() and not name.startswith("_") and isinstance(value, str) and "*" not in value
}
FUNCTIONS = {
    keys.month_papers("2503"): "month_papers",
    keys.segment_postings("2503"): "segment_postings",
    keys.segment_revision("2503"): "segment_revision",
    keys.segment_postings("25"): "segment_postings",
    keys.merge_output("25", "DIGEST"): "merge_output",
    keys.segment_revision("25"): "segment_revision",
    keys.month_votes("2503"): "month_votes",
    keys.pick_list("NAME"): "pick_list",
    keys.feed_trial("ID"): "feed_trial",
    keys.task_lock("NAME"): "task_lock",
    keys.response_validators("HASH"): "response_validators",
    keys.render_lock("HASH"): "render_lock",
    keys.archive_snapshot("SLUG", "PERIOD"): "archive_snapshot",
    **{keys.delivery_log(name): "delivery_log" for name in ("mail", "websub", "CHANNEL")},
}
NAMES = CONSTANTS | FUNCTIONS
"""The constant or function of each key."""


def test_table_lists_every_key_once() -> None:
    assert sorted(key for key, _ in ROWS) == sorted(NAMES)


def test_every_key_function_is_in_the_table() -> None:
    functions = {
        name
        for name, value in vars(keys).items()
        if callable(value) and not name.startswith("_") and value.__module__ == keys.__name__
    }
    assert functions - {"paper_field", "paper_number", "is_in_cluster"} == set(FUNCTIONS.values())


@pytest.mark.parametrize(("key", "owner"), ROWS, ids=[key for key, _ in ROWS])
def test_owner_uses_its_key(key: str, owner: str) -> None:
    path = ROOT / f"{owner.replace('.', '/')}.py"
    assert path.is_file(), f"{key}: its owner {owner} does not exist"
    used = {
        node.attr
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "keys"
    }
    assert NAMES[key] in used, f"{key}: its owner {owner} does not use keys.{NAMES[key]}"


def test_paper_fields_decode() -> None:
    assert [keys.paper_number(keys.paper_field(number)) for number in (1, 65_535)] == [1, 65_535]
