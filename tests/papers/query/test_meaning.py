"""What readers mean by a keyword, on real papers and on papers made for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from papers.model.arxiv_id import ArxivId
from papers.model.categories import ALIASES
from papers.model.merge import merge
from papers.model.paper import Channel, Paper, Sighting
from papers.query.match import FoldedPaper, matches_node
from papers.query.parser import parse_query
from papers.search.percolate import Percolator
from tests.papers.papers_strategies import TUESDAY

RECORDED = Path("papers.jsonl.gz")
CLOSE_ENOUGH = 0.015

# (a keyword, an expression for what its reader means; matched in texts without URLs)
COMPOUNDS = "multi modal, u net, fine tuning, pre trained, e commerce, spatio temporal".split(", ")
COMPOUNDS += ["auto encoder", "k means"]
NUMBERS = ["gpt 4", "llama 3", "3 d"]
ACRONYMS = ["GPS", "IRS", "AIS", "TTS", "OS", "ALS", "GNSS"]
ARCHIVES = ["math", "cs", "stat", "q-fin"]


class Meaning(NamedTuple):
    """A keyword, what its reader means, and a part of it in small letters that texts then have."""

    keyword: str
    pattern: re.Pattern[str]
    part: str

    def count(self, texts: Sequence[tuple[str, str]]) -> int:
        """Return in how many texts it is meant; each with the text in small letters."""
        return sum(
            self.part in small and self.pattern.search(text) is not None for text, small in texts
        )


def meanings() -> Iterator[Meaning]:
    """Yield keywords and what they mean."""
    either = partial(re.compile, flags=re.IGNORECASE)
    for compound in COMPOUNDS:
        first, second = compound.split()
        part = max(first, second, key=len)
        both = either(rf"\b{first}[- ]?{second}s?\b")
        yield Meaning(f"{first}-{second}", both, part)
        yield Meaning(f'"{compound}"', both, part)
        yield Meaning(first + second, either(rf"\b{first}-?{second}s?\b"), part)
    for number in NUMBERS:
        first, second = number.split()
        for written in (f"{first}-{second}", first + second, f'"{number}"'):
            yield Meaning(written, either(rf"\b{first}[- ]?{second}s?\b"), first)
    for acronym in ACRONYMS:
        yield Meaning(acronym, re.compile(rf"\b{acronym}\b"), acronym.lower())
    yield Meaning("GPs", re.compile(r"\bGPs?\b"), "gp")
    yield Meaning("C++", re.compile(r"(?<![A-Za-z0-9])C\+\+"), "c++")
    yield Meaning("C#", re.compile(r"(?<![A-Za-z0-9])C\\?#"), "#")


def matched_before(keyword: str) -> Meaning:
    """Return how a keyword matched: by runs of letters and digits, without a plural s."""
    words = [word.removesuffix("s") for word in re.findall("[a-z0-9]+", keyword.lower())]
    pattern = re.compile(rf"\b{'s?[^a-z0-9]+'.join(words)}s?\b", re.IGNORECASE)
    return Meaning(keyword, pattern, max(words, key=len))


@pytest.fixture(scope="module")
def recorded_papers(recorded: Path) -> Sequence[Paper]:
    from benchmarks.corpus import read_sightings

    return [merge(None, sighting) for sighting in read_sightings(recorded / RECORDED)]


@pytest.mark.timeout(600)  # 20 s of processor time
def test_keywords_find_what_is_meant_in_recorded_papers(
    recorded_papers: Sequence[Paper], capsys: pytest.CaptureFixture[str]
) -> None:
    papers = recorded_papers
    found = count_matches([meaning.keyword for meaning in meanings()], papers)
    url = re.compile(r"https?://\S+|\$")
    raw = (url.sub("", f"{paper.title} \n {paper.abstract}") for paper in papers)
    written = [" ".join(text.split()) for text in raw]
    texts = [(text, text.lower()) for text in written]
    rows = [
        (
            meaning.keyword,
            matched_before(meaning.keyword).count(texts),
            found[meaning.keyword],
            meaning.count(texts),
        )
        for meaning in meanings()
    ]
    print_table(rows, capsys)
    for keyword, _, is_found, right in rows:
        assert abs(is_found - right) <= max(2, CLOSE_ENOUGH * right), keyword


@pytest.mark.timeout(600)
def test_archives_have_the_categories_of_other_names(
    recorded_papers: Sequence[Paper], capsys: pytest.CaptureFixture[str]
) -> None:
    papers = recorded_papers
    found = count_matches([f"cat:{archive}.*" for archive in ARCHIVES], papers)
    rows = [
        (
            f"cat:{archive}.*",
            sum(any(is_in(archive, name) for name in paper.categories) for paper in papers),
            found[f"cat:{archive}.*"],
            sum(any(is_in(archive, name) for name in all_names(paper)) for paper in papers),
        )
        for archive in ARCHIVES
    ]
    print_table(rows, capsys)
    for keyword, _, is_found, right in rows:
        assert is_found == right, keyword


def is_in(archive: str, category: str) -> bool:
    return category == archive or category.startswith(f"{archive}.")


def all_names(paper: Paper) -> set[str]:
    """Return the categories of a paper, by all of their names."""
    aliases = {alias for alias, name in ALIASES.items() if name in paper.categories}
    return {*paper.categories, *aliases}


def count_matches(keywords: Sequence[str], papers: Sequence[Paper]) -> dict[str, int]:
    """Return how many papers each keyword matches."""
    numbered = [paper._replace(id=ArxivId(202501, n)) for n, paper in enumerate(papers, 1)]
    trees = [(keyword, parse_query(keyword).tree) for keyword in keywords]
    counts = dict.fromkeys(keywords, 0)
    for keyword, hits in Percolator(trees).percolate(numbered):
        counts[keyword] = len(list(hits))
    return counts


def print_table(
    rows: Sequence[tuple[str, int, int, int]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Print for each keyword how many papers it found before and finds now, and what is right."""
    with capsys.disabled():
        print(f"\n{'keyword':20}{'was':>8}{'is':>8}{'right':>8}")
        for keyword, was, is_found, right in rows:
            print(f"{keyword:20}{was:8,}{is_found:8,}{right:8,}")


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
