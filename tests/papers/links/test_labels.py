"""The rules for links, judged by recorded papers that were labelled by hand (README.md)."""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from papers.text.links.paper_links import PaperLink, find_paper_links

FOLDER: Final = Path(__file__).parent
LABELS: Final = {"labels.tsv": True, "blind_labels.tsv": False}
"""Files of labels, and whether they tell what is announced from what is there."""
FIELDS: Final = ("abstract", "comment")
NOTHING: Final = "other"
MIN_PRECISION: Final = 0.98
MIN_RECALL: Final = 0.95
EXAMPLES: Final = 10


Label = tuple[str, int, int, str]
"""Field, start, end, verdict."""


class Judged(NamedTuple):
    """A link with its label, what was found, and its words."""

    id: str
    expected: str
    found: str
    words: str


@pytest.fixture(scope="module", params=LABELS)
def judged(recorded: Path, request: pytest.FixtureRequest) -> list[Judged]:
    """Every labelled link, and every link that was found where none is."""
    labels = read_labels(FOLDER / request.param)
    with gzip.open(recorded / "papers.jsonl.gz", "rt", encoding="utf-8") as lines:
        papers = [paper for paper in map(json.loads, lines) if paper["id"] in labels]
    assert len(papers) == len(labels)
    is_announced = LABELS[request.param]
    return [link for paper in papers for link in judge(paper, labels[paper["id"]], is_announced)]


def read_labels(path: Path) -> dict[str, list[Label]]:
    """Return the labelled links of each paper; a paper without any has an empty list."""
    labels: dict[str, list[Label]] = {}
    for row in csv.DictReader(path.read_text("utf-8").splitlines(), delimiter="\t"):
        links = labels.setdefault(row["id"], [])
        if row["field"]:
            links.append((row["field"], int(row["start"]), int(row["end"]), row["verdict"]))
    return labels


def judge(paper: dict[str, str], labels: list[Label], has_announced: bool) -> Iterator[Judged]:
    """Yield the links of a paper; an unclear one is left out."""
    found = {
        (field, link.start): (verdict(link, has_announced), link.end)
        for field in FIELDS
        for link in find_paper_links(paper.get(field) or "")
    }
    for field, start, end, label in labels:
        name, _ = found.pop((field, start), (NOTHING, end))
        accepted = label.split("|")
        expected = name if name in accepted else accepted[0]
        if label != "unclear":
            yield Judged(paper["id"], expected, name, paper[field][max(0, start - 90) : end])
    for (field, start), (name, end) in found.items():
        yield Judged(paper["id"], NOTHING, name, paper[field][max(0, start - 90) : end])


def verdict(link: PaperLink, has_announced: bool) -> str:
    """Return a link's verdict, as labels have it."""
    kinds = [kind.name.lower() for kind in type(link.kind) if kind in link.kind and kind.name]
    return "announced" if link.is_announced and has_announced else " ".join(kinds)


def report(judged: list[Judged]) -> str:
    """Return the confusion matrix, and examples of each error."""
    counts = Counter((link.expected, link.found) for link in judged)
    names = sorted({name for pair in counts for name in pair})
    lines = ["label \\ found" + "".join(f"{name:>18}" for name in names)]
    lines += [f"{row:18}" + "".join(f"{counts[row, name]:18}" for name in names) for row in names]
    errors = sorted(link for link in judged if link.expected != link.found)
    for (expected, found), group in groupby(errors, key=lambda link: link[1:3]):
        lines.append(f"{expected} found as {found}:")
        lines += [f"  {link.id}: …{link.words}" for link in [*group][:EXAMPLES]]
    return "\n".join(lines)


@pytest.mark.parametrize("kind", ["code", "data", "project"])
def test_links_of_a_kind_are_found_with_precision_and_recall(
    judged: list[Judged], kind: str
) -> None:
    found = [link for link in judged if kind in link.found.split()]
    expected = [link for link in judged if kind in link.expected.split()]
    right = len([link for link in found if kind in link.expected.split()])
    print(f"{report(judged)}\n{kind}: {right} of {len(found)} found, {len(expected)} labelled")
    assert right / len(found) >= MIN_PRECISION
    assert right / len(expected) >= MIN_RECALL


def test_announced_code_is_distinguished_from_code_that_is_there(judged: list[Judged]) -> None:
    announced = [link for link in judged if "announced" in (link.expected, link.found)]
    wrong = [link for link in announced if link.expected != link.found]
    assert len(wrong) <= 0.05 * len(announced), report(judged)
