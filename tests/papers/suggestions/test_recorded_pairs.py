"""Over the recorded papers: one click on a suggestion finds what either form of a term finds."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from unittest import mock

import pytest

from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from papers.query.parser import Query, parse_query
from papers.search.percolate import Percolator
from papers.suggestions.abbreviations import Alternative, DefinitionCounter, alternatives_of_terms
from papers.suggestions.sample_words import WordCounter
from papers.suggestions.suggest import find_candidates

MIN_SHARE: Final = 0.98
PAIRS: Final = [
    ("rl", "reinforcement learning"),
    ("ood", "out-of-distribution"),
    ("gnn", "graph neural network"),
    ("tts", "text-to-speech"),
    ("cot", "chain-of-thought"),
    ("3dgs", "3d gaussian splatting"),
    ("sae", "sparse autoencoder"),
    ("llm", "large language model"),
    ("vlm", "vision-language model"),
    ("moe", "mixture-of-experts"),
    ("rag", "retrieval-augmented generation"),
    ("asr", "automatic speech recognition"),
    ("snn", "spiking neural network"),
    ("rlhf", "reinforcement learning from human feedback"),
    ("pde", "partial differential equation"),
    ("mri", "magnetic resonance imaging"),
]
_URL: Final = re.compile(r"https?://\S+")


def recorded_papers(folder: Path) -> list[Paper]:
    with gzip.open(folder / "papers.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        Paper(ArxivId(202501, n), title=row["title"], abstract=row["abstract"])
        for n, row in enumerate(rows, 1)
    ]


def mined_terms(papers: Sequence[Paper]) -> Mapping[str, tuple[Alternative, ...]]:
    definitions, words = DefinitionCounter(), WordCounter()
    for paper in papers:
        definitions.add((paper.title, paper.abstract))
        words.add((paper.title, paper.abstract))
    return alternatives_of_terms(definitions.counts, words.counts)


def clicked(terms: Mapping[str, tuple[Alternative, ...]], typed: str) -> Query:
    """Return a keyword after a click on its first suggestion."""
    known = mock.Mock()
    known.abbreviations.get = lambda keys: {key: terms[key] for key in keys if key in terms}
    known.dictionary.get.return_value = known.dictionary.known_words.return_value = {}
    candidates = find_candidates(known, parse_query(typed))
    assert candidates, f"nothing is suggested for {typed}"
    return candidates[0].query


def meant(texts: Sequence[str], form: str) -> set[int]:
    """Return the texts, in small letters, with a form of a term in any hyphenation or plural."""
    parts = re.split("[ -]", form)
    words = r"[\s-]+".join(map(re.escape, parts))
    pattern = re.compile(rf"(?<![^\W_]){words}s?(?![^\W_])")
    longest = max(parts, key=len)  # many times as fast as the expression
    return {n for n, text in enumerate(texts, 1) if longest in text and pattern.search(text)}


def typed_forms() -> Iterator[tuple[str, str, str]]:
    """Yield each pair with what is typed: the short form, the long one in quotes, and without."""
    for short, long in PAIRS:
        yield short, long, short
        yield short, long, f'"{long}"'
        yield short, long, long


@pytest.mark.timeout(600)  # 15 s of processor time
def test_one_click_reaches_what_either_form_means(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    papers = recorded_papers(recorded)
    terms = mined_terms(papers)
    rows = [(*row, clicked(terms, row[2])) for row in typed_forms()]
    queries = {n: query for n, (*_, query) in enumerate(rows)}
    percolator = Percolator([(n, query.tree) for n, query in queries.items()])
    found = {n: {paper.id.number for paper in hits} for n, hits in percolator.percolate(papers)}
    texts = [_URL.sub(" ", f"{paper.title}\n{paper.abstract}").lower() for paper in papers]
    forms = {form: meant(texts, form) for pair in PAIRS for form in pair}
    lines, shares = list[str](), list[float]()
    for n, (short, long, typed, query) in enumerate(rows):
        union, before = forms[short] | forms[long], forms[typed.strip('"')]
        shares.append(len(found[n] & union) / len(union))
        lines.append(
            f"{typed:46} {len(before):6,} {len(union):6,} {len(found[n] & union):6,}"
            f" {shares[-1]:7.2%}  {query.display_text}"
        )
    with capsys.disabled():
        print(f"\n{'typed':46} {'typed':>6} {'either':>6} {'click':>6} {'share':>7}  keyword")
        print("\n".join(lines))
    assert min(shares) >= MIN_SHARE
