"""What readers mean by a keyword, on real papers and on papers made for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import pytest

from papers.model.arxiv_id import ArxivId
from papers.model.merge import merge
from papers.model.paper import Channel, Paper, Sighting
from papers.query.match import FoldedPaper, matches_node
from papers.query.parser import parse_query
from tests.papers.papers_strategies import TUESDAY

RECORDED = Path("papers.jsonl.gz")
EVERY = 3
"""One paper in so many, as expressions are slow."""
CLOSE_ENOUGH = 0.01

# (a keyword, an expression for what its reader means; matched in texts without URLs)
COMPOUNDS = "multi modal, u net, fine tuning, pre trained, e commerce, spatio temporal".split(", ")
COMPOUNDS += ["auto encoder", "k means"]
NUMBERS = ["gpt 4", "llama 3", "3 d"]
ACRONYMS = ["GPS", "IRS", "AIS", "TTS", "OS", "ALS", "GNSS"]


def meanings() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Yield keywords and what they mean."""
    either = partial(re.compile, flags=re.IGNORECASE)
    for compound in COMPOUNDS:
        first, second = compound.split()
        both = either(rf"\b{first}[- ]?{second}s?\b")
        yield f"{first}-{second}", both
        yield f'"{compound}"', both
        yield first + second, either(rf"\b{first}-?{second}s?\b")
    for number in NUMBERS:
        first, second = number.split()
        for written in (f"{first}-{second}", first + second, f'"{number}"'):
            yield written, either(rf"\b{first}[- ]?{second}s?\b")
    for acronym in ACRONYMS:
        yield acronym, re.compile(rf"\b{acronym}\b")
    yield "GPs", re.compile(r"\bGPs?\b")
    yield "C++", re.compile(r"(?<![A-Za-z0-9])C\+\+")
    yield "C#", re.compile(r"(?<![A-Za-z0-9])C\\?#")


def test_keywords_find_what_is_meant_in_recorded_papers(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks.corpus import read_sightings

    sightings = islice(read_sightings(recorded / RECORDED), 0, None, EVERY)
    papers = [merge(None, sighting) for sighting in sightings]
    folded = [FoldedPaper(paper) for paper in papers]
    url = re.compile(r"https?://\S+|\$")
    texts = [url.sub("", f"{paper.title} \n {paper.abstract}") for paper in papers]
    rows = [
        (
            keyword,
            sum(_matched_before(keyword, text) for text in texts),
            sum(matches_node(parse_query(keyword).tree, paper) for paper in folded),
            sum(meant.search(text) is not None for text in texts),
        )
        for keyword, meant in meanings()
    ]
    with capsys.disabled():
        print(f"\n{'keyword':20}{'was':>8}{'is':>8}{'right':>8}")
        for keyword, was, found, right in rows:
            print(f"{keyword:20}{was:8}{found:8}{right:8}")
    for keyword, _, found, right in rows:
        assert abs(found - right) <= max(2, CLOSE_ENOUGH * right), keyword


def _matched_before(keyword: str, text: str) -> bool:
    """Return whether a keyword matched by runs of letters and digits without a plural s."""
    words = [word.removesuffix("s") for word in re.findall("[a-z0-9]+", keyword.lower())]
    return re.search(rf"(?i)\b{'s?[^a-z0-9]+'.join(words)}s?\b", text) is not None


CASES = [
    ("GPS", ["60002"]),
    ("GPs", ["60001"]),
    ("GP", ["60001"]),
    ("IRS", ["60004"]),
    *((keyword, ["60005", "60006"]) for keyword in ("multimodal", "multi-modal", '"multi modal"')),
    *((keyword, ["60005", "60006"]) for keyword in ("UNet", "U-Net", "SAM2", "SAM-2", '"SAM 2"')),
    ("C++", ["60008"]),
]


@pytest.fixture(scope="module")
def case_papers(recorded: Path) -> Sequence[Paper]:
    path = recorded.parent / "cases" / "keyword_papers.jsonl"
    if not path.exists():
        pytest.skip("no recorded cases")
    rows = map(json.loads, path.read_text().splitlines())
    return [paper_of(row["title"], row["abstract"], row["id"]) for row in rows]


def paper_of(title: str, abstract: str, id: str = "2604.60001") -> Paper:
    sighting = Sighting(
        ArxivId.parse(id), "arxiv", Channel.API, TUESDAY, title=title, abstract=abstract
    )
    return merge(None, sighting)


@pytest.mark.parametrize(("keyword", "numbers"), CASES)
def test_keywords_find_what_is_meant_in_the_cases(
    case_papers: Sequence[Paper], keyword: str, numbers: list[str]
) -> None:
    assert found_by(keyword, case_papers) == numbers


def found_by(keyword: str, papers: Sequence[Paper]) -> list[str]:
    tree = parse_query(keyword).tree
    found = (paper for paper in papers if matches_node(tree, FoldedPaper(paper)))
    return [str(paper.id).partition(".")[2] for paper in found]


# (a keyword, an abstract, whether it matches)
MEANT = [
    ("irs", "An IRS reflects.", False),
    ("IRS", "LLVM IRs are irs.", False),
    ("IR", "LLVM IRs are irs.", True),
    ("networks", "NEURAL NETWORKS ARE GREAT", True),
    ("iOS", "an iOS app", True),
    ("bayes", "naive Bayes", True),
    ("baye", "naive Bayes", False),
    ('"navier stokes"', "Navier-Stokes", True),
    ("navierstokes", "Navier–Stokes", True),
    ("matrix", "matrices", True),
    ('"fine tuned unet"', "a fine-tuned U-Net", True),
    ('"finetuned u-net"', "a fine-tuned UNet", True),
    ('"llama 3 model"', "Llama3 models", True),
    ('"llama3 model"', "Llama 3 models", True),
    ("ti:u-net", "a UNet", False),
    ("fine-tun*", "finetuned and fine-tuning", True),
    ("c", "written in C++", False),
    ("pointnet", "PointNet++", True),
    ("PointNet++", "PointNet", False),
    ("com", "see https://example.com", False),
    ("link:example.com", "see https://www.example.com/a.", True),
    ("link:example.com/b", "see https://www.example.com/a.", False),
    ("link:https://github.com/a/b/tree/main", "at github.com/a/b/tree/main/x", True),
    ("link:github.com/a/b/tree/dev", "at github.com/a/b/tree/main/x", False),
]


@pytest.mark.parametrize(("keyword", "abstract", "expected"), MEANT)
def test_keyword_means_what_is_meant(keyword: str, abstract: str, expected: bool) -> None:
    paper = FoldedPaper(paper_of("A title", abstract))
    assert matches_node(parse_query(keyword).tree, paper) is expected
