from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from service.markup import latex_html
from service.markup.latex_html import MarkedRange, tex_excerpt_html, tex_to_html, tex_to_text

# (TeX, XHTML, plain text)
CONVERSIONS = [
    (r"\textbf{a} \emph{b}", "<strong>a</strong> <em>b</em>", "a b"),
    (r"{\em a} {\bf b}c {\it  d}", "<em>a</em> <strong>b</strong>c <em> d</em>", "a bc  d"),
    (r"\texttt{a_b} \textsc{C}", "<code>a_b</code> C", "a_b C"),
    (r"\textbf{a \emph{b} {c}}", "<strong>a <em>b</em> {c}</strong>", "a b {c}"),
    (r"\underline{R}eal 10\textsuperscript{3}", "Real 10<sup>3</sup>", "Real 103"),
    (r"\url{https://a.example/x\_y}", "https://a.example/x_y", "https://a.example/x_y"),
    (r"\href{https://a.example/}{ours}", *["ours (https://a.example/)"] * 2),
    (r"\href{javascript:alert(1)}{x}", *["x (javascript:alert(1))"] * 2),
    (r"84\% of A\&B, x\_1", "84% of A&amp;B, x_1", "84% of A&B, x_1"),
    (r"Erd\H{o}s, \'Alvarez", *["Erdős, Álvarez"] * 2),
    (r"180{\deg} at \alpha \to \infty{}", *["180° at α → ∞"] * 2),
    (r"O(\log n)", *["O(log n)"] * 2),
    ("``so'' and 5''", *["“so” and 5''"] * 2),
    (r"costs \$5", "costs $5", r"costs \$5"),
    (r"$\R \times \emph{x}$ \times", *[r"$\R \times \emph{x}$ ×"] * 2),
    # unmatched delimiters, and unknown commands
    (r"\textbf{a", *[r"\textbf{a"] * 2),
    (r"a} {b \cite{x}", *[r"a} {b \cite{x}"] * 2),
    (r"\ours{} \alphabet \method", *[r"\ours{} \alphabet \method"] * 2),
    (r"\\% ``a `b", *[r"\\% ``a `b"] * 2),
    (r"\textbf{<b>}", "<strong>&lt;b&gt;</strong>", "<b>"),
]


@pytest.mark.parametrize(("tex", "html", "text"), CONVERSIONS)
def test_tex_is_converted(tex: str, html: str, text: str) -> None:
    assert (tex_to_html(tex), tex_to_text(tex)) == (html, text)


def test_formulas_in_styled_text() -> None:
    html = tex_to_html(r"\textbf{An $\frac{1}{n}$ test}")
    assert re.fullmatch(r"<strong>An <math .*</math> test</strong>", html)
    assert tex_to_text(r"\textbf{An $\mathbf{\alpha}$ test}") == r"An $\mathbf{\alpha}$ test"


def test_ranges_count_characters_of_the_tex() -> None:
    text = r"a \textbf{reward model} b"
    assert (
        tex_to_html(text, [MarkedRange(10, 16)]) == "a <strong><mark>reward</mark> model</strong> b"
    )
    across = tex_to_html(text, [MarkedRange(0, 16)])
    assert across == "<mark>a </mark><strong><mark>reward</mark> model</strong> b"


def test_excerpt_closes_its_elements() -> None:
    assert tex_excerpt_html(r"some \textbf{words that go} on", 20) == "some <strong>words</strong>…"


@pytest.mark.parametrize("cut", ["We know. But", "We know, but", "We know: all"])
def test_excerpt_drops_trailing_punctuation(cut: str) -> None:
    assert tex_excerpt_html(cut, 9) == "We know…"


PIECES = st.lists(
    st.sampled_from(
        [
            *"{}$`'\\% aé<",
            *r"'' `` \textbf{ \url{u} \href{u}{ \( \) \alpha \'e x_1".split(),
            r"{\em ",
        ]
    ),
    max_size=30,
).map("".join)


@settings(max_examples=300)
@given(PIECES, st.integers(1, 30))
@example("``\\textbf{''}", 3)
def test_any_text_gives_well_formed_xhtml_with_the_plain_text(text: str, limit: int) -> None:
    etree.fromstring(f"<p>{tex_excerpt_html(text, limit)}</p>")
    tree = etree.fromstring(f"<p>{tex_to_html(text)}</p>")
    if "$" not in text and "\\(" not in text:
        assert "".join(tree.itertext()) == tex_to_text(text)


TEX_PARTS = ["{", "}", "\\", "$", "\\alpha", "\\log", "{\\in}", "\\in", "to", "``", "''", "\\em"]
TEX_PARTS += ["\\textbf{", "\\url{a}", "{}", " ", "x", "é", "\\(", "\\)", "\\[", "\\]", "{\\bf "]
tex_texts = st.lists(st.sampled_from(TEX_PARTS), max_size=14).map("".join)


@given(tex_texts)
def test_tokens_are_those_of_a_search_from_every_character(text: str) -> None:
    spans = [token.span() for token in latex_html._iter_tokens(text)]
    assert spans == [token.span() for token in latex_html._TEX_TOKEN.finditer(text)]


@given(tex_texts.filter(lambda text: "{\\" not in text))
def test_symbols_outside_of_braces_are_found_without_looking_for_braces(text: str) -> None:
    found = [
        [(match.span(), match["name"]) for match in pattern.finditer(text)]
        for pattern in (latex_html._BARE_SYMBOL, latex_html._SYMBOL)
    ]
    assert found[0] == found[1]
