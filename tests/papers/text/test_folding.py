from __future__ import annotations

import gzip
import json
import re
from itertools import islice, pairwise
from pathlib import Path

import pytest
from hypothesis import example, given

from papers.text.folding import (
    fold_text,
    fold_to_ascii,
    lower_words,
    token_spans,
    tokenize,
    tokenize_keyword,
    tokenize_unstemmed,
)
from papers.text.plurals import fold_written_words, writable_form
from papers.text.text_readings import token_readings
from tests.papers.papers_strategies import texts

# (a text, its folded words)
GOLDEN = [
    ("", ""),
    ("Reward Model", "reward model"),
    ("REWARD-MODELS", "reward model"),
    ("state-of-the-art", "state of the art"),
    ("vision–language—action", "vision language action"),
    ("GPT-4o (2024), 3D", "gpt 4o 2024 3d"),
    ("a_b", "ab"),
    ("snake_case", "snake case"),
    ("C++ / C#", "cplusplus csharp"),
    ("1,024.5", "1 024 5"),
    # possessives and plurals
    ("BERT's model’s", "bert model"),
    ("models' weights", "model weight"),
    ("it's the authors'", "it the author"),
    ("LLMs, CPUs and GANs", "llm cpu and gan"),
    # case, accents and compatibility forms
    ("Poincaré Łukasz Ångström", "poincare lukasz angstrom"),
    ("Poincare\u0301", "poincare"),
    ("STRASSE Straße", "strasse strasse"),
    ("İstanbul ılgaz", "istanbul ilgaz"),
    ("ﬁne-tuning", "fine tuning"),
    ("ＦＵＬＬ width", "full width"),
    ("𝐁𝐨𝐥𝐝 ℝ² x₁", "bold r2 x1"),
    ("Ⅷ ½ ㎏", "viii 1 2 kg"),
    ("œuvre Æther Þór đ ŋ", "oeuvre aether thor d ng"),
    # TeX accents and letters
    (r"Schr\"odinger Schr\"{o}dinger Schr{\"o}dinger", "schrodinger schrodinger schrodinger"),
    (r"Erd\H{o}s Erd{\H o}s", "erdos erd h os"),
    (r"\v{S}koda Fran\c{c}ois \'\i", "skoda francois i"),
    (r"G\"odel's \O{}ystein stra\ss e", "godel oystein strass e"),
    (r"Mi\'s Mi{\'s}kiewicz", "mis miskiewicz"),
    # TeX commands and mathematics
    (r"$\alpha$-LLMs", "alpha llm"),
    (r"$\beta$-VAE β-VAE", "beta vae beta vae"),
    (r"\textbf{Deep} \emph{learning}", "deep learning"),
    (r"H$_2$O $x_{ij}$ $10^{-3}$", "h2o xij 10 3"),
    (r"$\mathcal{O}(n \log n)$", "o n log n"),
    (r"\LaTeX: 50\% of \$5", "latex 50 of 5"),
    (r"$\ell_1$/$\ell_2$", "ell 1 ell 2"),
    (r"a~b {c}d", "a b cd"),
    # letters of the world
    ("Ωμέγα ς σ μ", "omegamuepsilongammaalpha sigma sigma mu"),
    ("大语言模型 模型", "大语言模型 模型"),
    ("한국어 한국어", "한국어 한국어"),
    ("がくしゅう", "かくしゅう"),
    ("שָׁלוֹם עולם", "שלום עולם"),
    ("Привет МИР", "привет мир"),
    # characters that are not part of a word
    ("🤖 robots 👩‍🔬", "robot"),
    ("1️⃣ first", "1 first"),
    ("\u202eabc\u202c", "abc"),
    ("a\u200bb", "a b"),
    ("… — ‽ $$ {} \\ _", ""),
    ("a\x00b\x1cc\x7fd\ue000e", "a b c d e"),
    ("\ud800lone", "lone"),
]


@pytest.mark.parametrize(("text", "folded"), GOLDEN)
def test_words_are_folded(text: str, folded: str) -> None:
    assert tokenize(text) == folded.split()


# (a name or prefix, its words with plurals unchanged)
UNSTEMMED = [
    ("Rogers, C. S.", "rogers c s"),
    ("Models", "models"),
    ("Bayes's d'Alembert", "bayes d alembert"),
    (r"Carlos Fern\'andez", "carlos fernandez"),
]


@pytest.mark.parametrize(("text", "folded"), UNSTEMMED)
def test_unstemmed_words_keep_plurals(text: str, folded: str) -> None:
    assert tokenize_unstemmed(text) == folded.split()


# (a text, what is written at the positions of its words)
WRITTEN = [
    ("Reward-Models, again", ["Reward", "Models", "again"]),
    ("(reward) model's", ["reward", "model's"]),
    (r"the $\alpha$-LLMs win", ["the", r"$\alpha$-LLMs", r"$\alpha$-LLMs", "win"]),
    ("ﬁne  tuning", ["ﬁne", "tuning"]),
]


@pytest.mark.parametrize(("text", "written"), WRITTEN)
def test_token_spans_cover_the_words_as_written(text: str, written: list[str]) -> None:
    assert [text[span.start : span.end] for span in token_spans(text)] == written


def assert_folding_is_consistent(text: str) -> None:
    if fold_to_ascii(text) is not None:
        assert fold_written_words(re.findall("[A-Za-z0-9]+", fold_text(text))) == tokenize(text)
    assert token_readings(text).words == tokenize(text)
    for word in tokenize(text):
        assert tokenize_keyword(writable_form(word)) == [word]
    for tokens, fold in ((tokenize, fold_written_words), (tokenize_unstemmed, lower_words)):
        folded = tokens(text)
        found = list(token_spans(text, fold))
        assert [span.word for span in found] == folded
        assert all(0 <= span.start < span.end <= len(text) for span in found)
        assert all(a.start <= b.start and a.end <= b.end for a, b in pairwise(found))
        for span in found:
            assert span.word in tokens(f"{text[span.start : span.end]} x")


# (a text, its folding to ASCII)
FOLDED_TO_ASCII = [
    ("Reward-Models", "reward-models"),
    ("the model's Reward", "the model reward"),
    (r"$\alpha$-LLMs and Schr\"odinger's", " alpha-llms and schrodinger"),
    ("naïve ﬁne-tuning", "naive fine-tuning"),
    ("模型 model", None),
]


@pytest.mark.parametrize(("text", "folded"), FOLDED_TO_ASCII)
def test_fold_to_ascii(text: str, folded: str | None) -> None:
    assert fold_to_ascii(text) == folded


@given(texts)
@example(r"a {\'s}b")
@example("’s's x'ſ")
@example("$_{2}$ _ab ^")
@example("\u0301a \u0345 '")
def test_folding_of_any_text_is_consistent(text: str) -> None:
    assert_folding_is_consistent(text)


def test_folding_of_recorded_papers_is_consistent(recorded: Path) -> None:
    with gzip.open(recorded / "papers.jsonl.gz", "rt", encoding="utf-8") as lines:
        for paper in map(json.loads, islice(lines, 3_000)):
            assert_folding_is_consistent(paper["title"])
            assert_folding_is_consistent(paper["abstract"])


def test_folding_of_malformed_recorded_papers_is_consistent(recorded: Path) -> None:
    for line in (recorded / "quality" / "nasty_papers.jsonl").read_text().splitlines():
        paper = json.loads(line)
        assert_folding_is_consistent(paper["title"])
        assert_folding_is_consistent(paper.get("abstract") or "")
