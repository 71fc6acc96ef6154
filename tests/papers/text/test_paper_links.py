"""Links to what belongs to a paper, by the words around them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.text.links.paper_links import LinkKind, find_paper_links

CODE, DATA, PROJECT = LinkKind
G = "https://github.com/a/b"

OWN = [
    (f"Code: {G}", CODE),
    (G, CODE),
    (f"({G})", CODE),
    (f"Code {G}", CODE),
    ("code at github.com/a/b.", CODE),
    (rf"code\footnote{{{G}}}", CODE),
    (rf"The code is \href{{{G}}}{{here}}.", CODE),
    (f"Project page: {G}", CODE),
    (f"The list will be continuously updated at {G}", CODE),
    (f"We are excited to release our code at {G}", CODE),
    (f"We hope this will be useful. Code: {G}", CODE),
    (f"Code, which will be useful for practitioners, is at {G}", CODE),
    (f"To make research reproducible, code is available at {G}", CODE),
    (f"Code and models based on LLaMA are available at {G}", CODE),
    (f"Our implementation uses PyTorch and is available at {G}", CODE),
    (f"We release X, which outperforms GPT-4, at {G}", CODE),
    (f"We make our code, built on top of JAX, available at {G}", CODE),
    (f"All code used in this study is at {G}", CODE),
    (f"The code is available at the following repository: {G}", CODE),
    (f"The baseline code is publicly available at {G}", CODE),
    (f"We introduce FooBench ({G}), a benchmark", CODE),
    (f"Papers with their code are listed in our repository: {G}", CODE),
    (f"See {G} for the code", CODE),
    ("hosted at https://codeberg.org/a/b", CODE),
    ("see https://bitbucket.org/a/b for code", CODE),
    ("Code: https://gitlab.inria.fr/a/b", CODE),
    ("Code: https://git.tu-berlin.de/a/b", CODE),
    ("Code: https://anonymous.4open.science/r/X-1", CODE),
    ("Models: https://huggingface.co/a/b", CODE),
    ("Demo: https://huggingface.co/spaces/a/b", CODE),
    ("Models are available at https://huggingface.co/a", CODE),
    ("Software is available on https://cran.r-project.org/package=x", CODE),
    ("Source code: https://zenodo.org/records/1", CODE),
    ("Our code is available at https://lab.edu/x", CODE),
    ("Simulator available at https://lab.edu/x", CODE),
    ("data: https://huggingface.co/datasets/a/b", DATA),
    ("The dataset is at https://doi.org/10.5281/zenodo.1", DATA),
    ("Our data are available at https://lab.edu/x", DATA),
    ("Code and data: https://zenodo.org/records/1", CODE | DATA),
    ("Project page: https://lab.edu/x", PROJECT),
    ("CVPR 2026, Project page: https://lab.edu/x", PROJECT),
    ("Website: lab.edu/x", PROJECT),
    ("We provide leaderboards at https://lab.edu/x", PROJECT),
    ("It is fast. https://research.company.com/x", PROJECT),
    ("https://sites.google.com/view/x", PROJECT),
    ("Our project page is https://a.github.io/b", PROJECT),
    (r"See the \href{https://lab.edu/x}{project page}", PROJECT),
    ("[Project page](https://lab.edu/x)", PROJECT),
    ("https://lab.edu/x", PROJECT),
    ("Videos are available at https://lab.edu/x", PROJECT),
    ("Code will be released at https://a.github.io/b", PROJECT),
    ("Code is available at https://a.github.io/b", PROJECT | CODE),
    ("Code, data and videos are on our project page https://lab.edu/x", PROJECT | CODE),
]

ANNOUNCED = [
    f"Code will be at {G}",
    f"Code (coming soon): {G}",
    f"Code: {G} (coming soon)",
    f"The code at {G} will be released upon acceptance",
    f"Code to be released at {G}",
    f"We plan to release code at {G}",
    f"We will make our code publicly available: {G}",
    f"Upon acceptance, code is available at {G}",
    f"Code is going to be released at {G}",
    f"Code at {G} soon.",
    "Our data will be open-sourced at https://huggingface.co/datasets/a/b",
]

NOT_OWN = [
    f"We build on {G}.",
    f"Our code is based on {G}.",
    "It is built on top of LLaMA-Factory (https://github.com/a/b).",
    f"We use the official implementation of StyleGAN at {G}",
    f"using the code from {G}",
    f"We evaluate on SWE-bench ({G}).",
    f"The baseline's code is available at {G}",
    f"Their code is available at {G}",
    f"The code of Smith et al. is available at {G}",
    f"We thank the authors of {G}",
    f"a fork of {G}",
    "fine-tuned from https://huggingface.co/meta-llama/Llama-3-8B",
    f"trained with the GPT-NeoX library ({G})",
    f"implemented in PyTorch ({G})",
    f"in the CARLA simulator ({G})",
    f"Unlike LangChain ({G}), we",
    f"We compare our method to the implementation at {G}",
    f"following {G}, we",
    f"see {G}/issues/1",
    "code at github.com",
    "https://huggingface.co/papers/2401.00001",
    "Accepted at the workshop (https://conf.github.io)",
    "Workshop website: https://conf.org/x",
    "Accepted at https://conf.org/x",
    "Proceedings of Things. https://sites.google.com/site/things, 1999",
    "Journal of Things, https://sites.google.com/site/things",
    "Code will be released.",
    "Code is available on GitHub.",
    "Also available on Zenodo: https://zenodo.org/records/1",
    "Poster: https://a.github.io/x.pdf",
    "Video: https://youtu.be/x",
    "Published version: https://doi.org/10.1000/1",
    "Social sites such as OpenSocial (http://www.opensocial.org/)",
]


@pytest.mark.parametrize(("text", "kind"), OWN)
def test_own_link_is_found_with_what_is_there(text: str, kind: LinkKind) -> None:
    (link,) = find_paper_links(text)
    assert (link.kind, link.is_announced) == (kind, False)


@pytest.mark.parametrize("text", ANNOUNCED)
def test_code_that_will_be_there_is_announced(text: str) -> None:
    (link,) = find_paper_links(text)
    assert link.is_announced


@pytest.mark.parametrize("text", NOT_OWN)
def test_link_of_others_is_left_out(text: str) -> None:
    assert find_paper_links(text) == []


def test_every_link_has_the_words_before_it() -> None:
    text = (
        f"Accepted at ICML (https://icml.cc). Project page: https://a.github.io Code: {G}, built "
        "on https://github.com/x/y. Data: https://huggingface.co/datasets/a/b and "
        "https://zenodo.org/records/1"
    )
    found = [(link.kind, text[link.start : link.end]) for link in find_paper_links(text)]
    assert found == [
        (PROJECT, "https://a.github.io"),
        (CODE, G),
        (DATA, "https://huggingface.co/datasets/a/b"),
        (DATA, "https://zenodo.org/records/1"),
    ]


def test_second_of_two_joined_links_is_what_the_first_is() -> None:
    text = rf"Code will be released at \href{{{G}}}{{{G}}} and https://gitlab.com/a/b."
    assert [link.is_announced for link in find_paper_links(text)] == [True] * 3
    text = f"We build on {G} and https://gitlab.com/a/b."
    assert find_paper_links(text) == []


WORDS = "code data will be at on our we use the project page : . , ( ) [ ] { } \\href and video for"


@given(st.lists(st.sampled_from([*WORDS.split(), G, "https://a.io/x", "a.github.io"]), max_size=30))
def test_links_of_any_text_are_in_order_and_are_something(words: list[str]) -> None:
    text = " ".join(words)
    end = 0
    for link in find_paper_links(text):
        assert end <= link.start < link.end <= len(text)
        assert link.kind
        end = link.end


UNITS = (
    "x ",
    f"{'x ' * 150}{G} ",
    f"{G}{' ' * 5_000}",
    "we use ",
    "will be ",
    "to make a ",
    "videos ",
    "et al. ",
    "{\\a",
    "[",
    f"{G} ",
    "project ",
)


@pytest.mark.parametrize("unit", UNITS)
def test_reading_a_hostile_text_takes_little_time(unit: str) -> None:
    began = time.process_time()
    find_paper_links(unit * (50_000 // len(unit)) + G)
    assert time.process_time() - began < 2
