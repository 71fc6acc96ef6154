from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from papers.text.folding import tokenize
from service.markup.latex_html import tex_to_html, title_to_text
from service.markup.mathml import mathml_to_tex
from service.markup.simple_formula import simple_formula_html, simple_formula_text

# (TeX, HTML, Unicode); None is "not simple", or "Unicode cannot say it"
FORMULAS = [
    ("x_i^2", "x<sub>i</sub><sup>2</sup>", "xᵢ²"),
    ("^2", "<sup>2</sup>", "²"),
    (r"\alpha", *["α"] * 2),
    (r"\neq", *["≠"] * 2),
    (r"B\to K", *["B→K"] * 2),
    (r"B \to K", *["B → K"] * 2),
    (r"O(\log n)", *["O(log n)"] * 2),
    (r"\log\log n", *["log log n"] * 2),
    (r"\tilde{O}(n)", *["Õ(n)"] * 2),
    (r"\mathbb{R}^n", "ℝ<sup>n</sup>", "ℝⁿ"),
    (r"\mathcal{L} \mathfrak{g} \mathfrak{C}", *["ℒ 𝔤 ℭ"] * 2),
    (r"\mathbf{x}_1", "<strong>x</strong><sub>1</sub>", "x₁"),
    (r"\text{if } x", *["if x"] * 2),
    (r"5^\circ", *["5°"] * 2),
    ("C^*", *["C*"] * 2),
    ("x'", *["x′"] * 2),
    (r"\sqrt{2}", *["√2"] * 2),
    (r"\frac{1}{2}", *["½"] * 2),
    (r"\left(a\right) < \{b\}", "(a) &lt; {b}", "(a) < {b}"),
    ("10^{-3}", "10<sup>-3</sup>", "10⁻³"),
    ("x_{i,j}", "x<sub>i,j</sub>", None),
    (r"M_\odot", "M<sub>⊙</sub>", None),
    *[
        (tex, None, None)
        for tex in (
            r"\frac{a}{b}",
            "e^{x^2}",
            "x^a^b",
            "x_{",
            "x}",
            "^",
            r"x^{ }",
            r"\sum_i x_i",
            r"\R",
            r"\sqrt{ab}",
            r"a & b",
            r"\\",
            "a % b",
            r"\hat{ab}",
            "",
            " ",
            "{}",
            "x" * 201,
            "{" * 50 + "x" + "}" * 50,
        )
    ],
]


@pytest.mark.parametrize(("tex", "html", "text"), FORMULAS)
def test_simple_formulas(tex: str, html: str | None, text: str | None) -> None:
    assert (simple_formula_html(tex), simple_formula_text(tex)) == (html, text)


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("LP$^2$DH", "LP²DH"),
        (r"$\alpha$-divergence", "α-divergence"),
        ("TiO$_2$", "TiO₂"),
        (r"P$\neq$NP", "P≠NP"),
        (r"\(\beta\)-VAE", "β-VAE"),
        (r"On $x_{i,j}$ and $\frac{a}{b}$", r"On $x_{i,j}$ and $\frac{a}{b}$"),
        ("From $5 and $10 to US$ 20", "From $5 and $10 to US$ 20"),
        ("$5-$10 or $1,000 to US$ 5", "$5-$10 or $1,000 to US$ 5"),
        (r"\$5 for $x$", r"\$5 for x"),
    ],
)
def test_titles(written: str, title: str) -> None:
    assert title_to_text(written) == title


@pytest.mark.parametrize("written", ["LP$^2$DH", r"$\alpha$-divergence", "TiO$_2$", "$^{13}$CO"])
def test_title_has_the_words_that_are_searched(written: str) -> None:
    assert tokenize(title_to_text(written)) == tokenize(written)


TEXISH = st.lists(
    st.sampled_from(
        [
            *r"{ } ^ _ x 1 < & ' - \alpha \mathbf \text \sqrt \frac \hat \left( \mathbb".split(),
            *("R", r"\log", " ", "\\ ", "é"),
        ]
    ),
    max_size=14,
).map("".join)


@settings(max_examples=400)
@given(TEXISH)
def test_any_tex_gives_well_formed_html_with_each_formula_once(tex: str) -> None:
    html = simple_formula_html(tex)
    if html is not None:
        tree = etree.fromstring(f"<p>{html}</p>")
        assert {node.tag for node in tree.iter()} <= {"p", "sup", "sub", "strong"}
        assert not re.search(r"[\\{}^_$]", "".join(tree.itertext()).replace("{}", ""))
    without = mathml_to_tex(tex_to_html(f"a ${tex}$ b"))
    assert "<math" not in without
    etree.fromstring(f"<p>{without}</p>")
