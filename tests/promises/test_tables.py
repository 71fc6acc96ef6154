"""Tables in documents and docstrings, against the code that they describe."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pkgutil import resolve_name

import pytest

from papers.redis_backend import keys
from paperwire.simulator.server.faults import FAULTS
from tests.promises.source_tree import DOCS, ROOT, resolves, tracked_files

KEY_ROWS = re.findall(r"^\| `(.+?)` \|.*\| ([\w.]+) \| (\w+) \|$", keys.__doc__ or "", re.MULTILINE)
"""Name, owner and last column of each row of the table of keys."""


def test_table_of_keys_and_backup_tuples_agree() -> None:
    """A new key states what a backup does with it, in the last column and by a tuple."""
    assert len(KEY_ROWS) == (keys.__doc__ or "").count("\n| `") > 0
    groups = {"copied": keys.COPIED, "rebuilt": keys.REBUILT, "no": keys.TRANSIENT}
    for name, _, kind in KEY_ROWS:
        assert kind in {*groups, "papers"}, f"{name}: the last column of its row in keys.py"
        kind = "rebuilt" if kind == "papers" else kind
        matching = {k for k, g in groups.items() if any(fnmatchcase(name, p) for p in g)}
        assert matching == {kind}, f"{name}: the tuple in keys.py that it belongs to"


def test_owners_in_the_table_of_keys_exist() -> None:
    assert [(name, owner) for name, owner, _ in KEY_ROWS if not resolves(owner)] == []


def test_every_fault_is_documented() -> None:
    page = (DOCS / "reference" / "faults.md").read_text("utf-8")
    tests = sorted((ROOT / "tests").rglob("test_*.py"))
    code = "\n".join(path.read_text("utf-8") for path in tests)
    names = {
        *re.findall(r"mark\.row\(\s*\"([^\"]+)\"", code),
        *re.findall(r"\bnote_outcome\(\s*\"([^\"]+)\"", code),
        *re.findall(r"\bwatched\(scene, \"([^\"]+)\"", code),
        *(f"`{name}`" for name in FAULTS),
    }
    assert len(names) > 60
    assert [name for name in sorted(names) if name not in page] == []


def test_recorded_responses_are_not_in_the_tree() -> None:
    """They belong to their authors; the data of the tests is made for them."""
    for path in tracked_files():
        assert path.stat().st_size < 400_000, path
        assert path.suffix not in {".gz", ".jsonl"}, path


STATED_NUMBERS = (
    ("explanation/design.md", "limited to {}", "papers.query.request.VERIFICATION_LIMIT"),
    ("explanation/design.md", "{}-bit hash", "papers.index.layout.SHINGLE_BITS"),
    (
        "explanation/design.md",
        "with at least {} papers",
        "papers.index.compaction.year_merge.MIN_FREQUENT_PAPERS",
    ),
    (
        "reference/sources.md",
        "more than {} attributes",
        "workers.sources.document_limits.MAX_ATTRIBUTES",
    ),
    ("reference/sources.md", "deeper than {}", "workers.sources.document_limits.MAX_DEPTH"),
    (
        "reference/sources.md",
        "more than {} tags",
        "workers.sources.document_limits.MAX_TAGS_PER_ENTRY",
    ),
    ("reference/urls.md", "| 1–{} |", "service.urls.params.MAX_PAPERS"),
    ("reference/urls.md", "up to {} times", "service.urls.params.MAX_KEYWORDS"),
    ("reference/feeds.md", "more than {} papers is divided", "service.routes.archives.PART_PAPERS"),
    (
        "reference/feeds.md",
        "more than {} papers is too large",
        "service.cache.archive_snapshots.MAX_SNAPSHOT_PAPERS",
    ),
    ("how-to/export.md", "at most {} records", "workers.bulk.portions.MAX_PORTION_RECORDS"),
    ("how-to/export.md", "{} per file", "workers.bulk.loader.MAX_QUARANTINED"),
    ("reference/pages.md", "has {} papers", "service.pages.keyword.PAPERS_PER_PAGE"),
    (
        "reference/simulator.md",
        "{} rows of its endless day",
        "paperwire.simulator.demo.MAX_ANNOUNCEMENT_ROWS",
    ),
)
"""Page, phrase and the constant whose value the phrase states."""


@pytest.mark.parametrize(("page", "phrase", "constant"), STATED_NUMBERS)
def test_numbers_in_documents_are_those_of_the_code(page: str, phrase: str, constant: str) -> None:
    text = " ".join((DOCS / page).read_text("utf-8").split())
    assert phrase.format(f"{resolve_name(constant):,}") in text
