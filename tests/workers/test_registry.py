from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import pytest

import workers.sources
from workers.registry import SOURCE_FETCHERS

DOCS = Path(__file__).resolve().parents[2] / "docs" / "sources.md"


def test_every_module_that_fetches_is_in_the_table() -> None:
    modules = [
        importlib.import_module(module.name)
        for module in pkgutil.walk_packages(workers.sources.__path__, "workers.sources.")
    ]
    fetching = {module.fetch for module in modules if hasattr(module, "fetch")}
    assert fetching == set(SOURCE_FETCHERS.values())


@pytest.mark.parametrize("prefix", SOURCE_FETCHERS)
def test_every_source_is_documented(prefix: str) -> None:
    module = SOURCE_FETCHERS[prefix].__module__.rpartition(".")[2]
    rows = [line for line in DOCS.read_text("utf-8").splitlines() if line.startswith("| `")]
    assert any(f"| `{prefix}:" in row and f"`{module}.py`" in row for row in rows)
