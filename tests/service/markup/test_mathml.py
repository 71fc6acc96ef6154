from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from papers.text.latex import accents_to_unicode
from service.markup.clean import split_paragraphs
from service.markup.latex_html import (
    MAX_MATH_CHARACTERS,
    tex_excerpt_html,
    tex_to_html,
    tex_to_text,
)
from service.markup.mathml import MAX_FORMULA_CHARACTERS, mathml_to_tex, tex_to_mathml

MATH = "{http://www.w3.org/1998/Math/MathML}"


def tree(text: str) -> etree._Element:
    return etree.fromstring(f'<p xmlns="http://www.w3.org/1999/xhtml">{tex_to_html(text)}</p>')


def formulas(text: str) -> list[str]:
    """Return the TeX of each formula that is MathML."""
    return [str(node.get("alttext")) for node in tree(text).iter(f"{MATH}math")]


def words(text: str) -> str:
    """Return the text with «TeX» in place of the MathML of each formula."""
    parsed = tree(text)
    for node in list(parsed.iter(f"{MATH}math")):
        tex, tail = node.get("alttext"), node.tail
        for child in list(node):
            node.remove(child)
        node.text, node.tail = f"«{tex}»", tail
    return "".join(parsed.itertext())


def test_formula_is_mathml_with_its_tex() -> None:
    html = tex_to_html(r"a $\frac{x}{i}$ < b")
    assert html == (
        r'a <math xmlns="http://www.w3.org/1998/Math/MathML" alttext="\frac{x}{i}">'
        '<mfrac><mi>x</mi><mrow><mpadded width="0" height="0" depth="0"><mphantom><mtext>/</mtext>'
        "</mphantom></mpadded><mi>i</mi></mrow></mfrac></math> &lt; b"
    )
    assert mathml_to_tex(html) == r"a $\frac{x}{i}$ &lt; b"


LINEAR = [
    (r"\frac{a}{b}", "a/b"),
    (r"\frac{a+b}{c}", "(a+b)/c"),
    (r"\sqrt{x}+\sqrt[3]{x+1}", "√(x)+(x+1)^(1/3)"),
    (r"\sum_{i=1}^n \frac{x_i^{2k}}{2}", "∑_(i=1)^n(x_i^(2k))/2"),
    (r"\lim_{n\to\infty} \frac{1}{n}", "lim_(n→∞)1/n"),
    (r"\binom{n}{k}", "(n choose k)"),
    (r"\begin{matrix} a & b \\ c & d \end{matrix}", "a b ; c d ; "),
    (r"f'(x) + \frac{x_+}{\hat{y}}", "f′(x)+(x_+)/(y^)"),
]


@pytest.mark.parametrize(("tex", "text"), LINEAR)
def test_text_of_the_elements_says_the_same_as_the_formula(tex: str, text: str) -> None:
    """Clients that know no MathML show this text; browsers leave out what has no size."""
    root = etree.fromstring(tex_to_mathml(tex))
    assert "".join(root.itertext()) == text
    for phantom in list(root.iter(f"{MATH}mpadded")):
        assert dict(phantom.attrib) == {"width": "0", "height": "0", "depth": "0"}
        assert [child.tag for child in phantom] == [f"{MATH}mphantom"]
    assert root.get("alttext") == tex


VARIANTS = [
    (r"\frac{\mathcal M}{2}", "ℳ/2"),
    (r"\sqrt{\mathbb F_{16}}", "√(𝔽_16)"),
    (r"\hat{\mathbf q} + \hat{\boldsymbol{\alpha}}", "𝐪^+𝜶^"),
    (r"\sqrt{\mathfrak g \mathbb{1}}", "√(𝔤𝟙)"),
    (r"\sqrt{\mathrm{diam}}", "√(diam)"),
]


@pytest.mark.parametrize(("tex", "text"), VARIANTS)
def test_alphabets_are_letters_of_unicode(tex: str, text: str) -> None:
    """Browsers implement MathML Core, in which `mathvariant` means nothing but "normal"."""
    root = etree.fromstring(tex_to_mathml(tex))
    assert "".join(root.itertext()) == text
    assert {node.get("mathvariant") for node in root.iter()} <= {None, "normal"}


# (text, the text with converted formulas in «»)
FORMULAS = [
    (r"$x$ and \(y\)", "«x» and «y»"),
    (r"$$x^2$$ \[y\]", "«x^2» «y»"),
    (r"$x$$y$", "«x»«y»"),
    (r"$\sim$77 and 10$\times$10", r"«\sim»77 and 10«\times»10"),
    (r"Let $ \alpha $ be", r"Let «\alpha» be"),
    (r"$a < b$ & $c$", "«a < b» & «c»"),
    (r"$100\%$", r"«100\%»"),
    (r"$\text{if } x$", r"«\text{if } x»"),
    # dollar amounts, and unpaired dollars
    ("costs $5 and $10, or $5-$10", "costs $5 and $10, or $5-$10"),
    (r"\$5 and $x$ for \$6", r"$5 and «x» for $6"),
    ("from $1,000 to US$ 5", "from $1,000 to US$ 5"),
    ("the native $ISEK token", "the native $ISEK token"),
    ("1$ and $x$", "1$ and «x»"),
    (r"odd $ and $\alpha$", r"odd $ and «\alpha»"),
    # broken, unknown, forbidden
    (r"$\foo$ $\R^n$ $\label{a}$", r"$\foo$ $\R^n$ $\label{a}$"),
    (r"${$ $x}$ $x^{$ $\frac{1}$", r"${$ $x}$ $x^{$ $\frac{1}$"),
    (r"$\left( x$ $x^a^b$ $\sqrt$", r"$\left( x$ $x^a^b$ $\sqrt$"),
    (r"$a % b$ $a & b$", r"$a % b$ $a & b$"),
    (r"$\def\a{\a\a}\a$ $\newcommand{\b}{c}\b$", r"$\def\a{\a\a}\a$ $\newcommand{\b}{c}\b$"),
    (r"$\unicode{x0}$ $\unicode{x110000}$", r"$\unicode{x0}$ $\unicode{x110000}$"),
    (r"\\(x\\) $$ $", r"\\(x\\) $$ $"),
    ("", ""),
]


@pytest.fixture
def all_as_mathml(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make simple formulas MathML too."""
    monkeypatch.setattr("service.markup.latex_html.simple_formula_html", lambda tex: None)


@pytest.mark.usefixtures("all_as_mathml")
@pytest.mark.parametrize(("text", "found"), FORMULAS)
def test_formulas_are_recognized(text: str, found: str) -> None:
    assert words(text) == found


@pytest.mark.parametrize(
    "hostile",
    [
        r"$\href{javascript:alert(1)}{x}$",
        r"$\text{<script>alert(1)</script>}$",
        r"$\color{red;background:url(//evil.example)}x$",
        r"$\hspace{99999em}x$ $\style{position:fixed}{x}$ $\class{a}{x}$",
        r"$<img src=x onerror=alert(1)>$",
    ],
)
def test_output_has_no_dangerous_markup(hostile: str) -> None:
    allowed = {"xmlns", "alttext", "display", "stretchy", "fence", "width", "mathvariant"} | {
        *("height", "depth"),
    }
    for node in tree(hostile).iter():
        assert not {str(name) for name in node.attrib} - allowed, hostile
        assert etree.QName(node).localname not in {"script", "img", "style", "a"}


@pytest.mark.parametrize(
    "deep",
    [
        "{" * 290 + "x" + "}" * 290,
        r"\sqrt" * 110 + "x",
        r"\left(" * 40 + "x" + r"\right)" * 40,
        "x^{" * 140 + "x" + "}" * 140,
        r"\begin{matrix}" * 20 + "x" + r"\end{matrix}" * 20,
        "x" * (MAX_FORMULA_CHARACTERS + 1),
    ],
)
def test_too_deep_and_too_long_formulas_stay_text(deep: str) -> None:
    assert tex_to_mathml(deep) == ""
    assert words(f"${deep}$") == f"${deep}$"


@pytest.mark.usefixtures("all_as_mathml")
def test_converted_tex_of_one_text_is_bounded() -> None:
    text = " ".join(f"$x_{{{number}}}$" for number in range(MAX_MATH_CHARACTERS))
    assert 0 < sum(map(len, formulas(text))) <= MAX_MATH_CHARACTERS


@pytest.mark.usefixtures("all_as_mathml")
@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("short $x$", 20, "short «x»"),
        ("some words here", 11, "some words…"),
        ("some $a + b + c$ here", 10, "some…"),
        ("some $a + b$ here there", 18, "some «a + b» here…"),
        ("x" * 30, 10, "x" * 10 + "…"),
    ],
)
def test_excerpt_cuts_no_word_and_no_formula(text: str, limit: int, expected: str) -> None:
    html = tex_excerpt_html(text, limit)
    parsed = re.sub(r"<math.*?alttext=\"(.*?)\".*?</math>", r"«\1»", html)
    assert parsed == expected


TEXISH = st.text(alphabet="$\\{}()[]^_&%<x1 \n'\"", max_size=40) | st.lists(
    st.sampled_from(r"$ $$ \( \) \frac \left( \right) { } ^ _ x 1 \text \sqrt & \\ \foo".split())
).map("".join)


@pytest.mark.usefixtures("all_as_mathml")
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXISH | st.text(max_size=40))
def test_any_text_gives_well_formed_xhtml_that_keeps_the_text(text: str) -> None:
    for line in split_paragraphs(text):
        result = words(line)
        bare = re.compile(r"[«»$\\()\[\]{}%&_#\s]")
        expected = bare.sub("", accents_to_unicode(line)).replace("text", "")
        assert bare.sub("", accents_to_unicode(result)).replace("text", "") == expected


def test_output_does_not_depend_on_the_hash_seed() -> None:
    code = (
        "from service.markup.latex_html import tex_to_html; "
        r"print(tex_to_html(r'$\left\langle x_i^2\right\rangle$ $\mathcal{O}(\sqrt n)$'))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[3])},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


@pytest.mark.usefixtures("all_as_mathml")
def test_recorded_texts_keep_every_word(recorded: Path) -> None:
    lines = (recorded / "quality" / "nasty_papers.jsonl").read_text("utf-8").splitlines()
    converted = 0
    for record in map(json.loads, lines):
        for text in (record["title"], record["abstract"], record.get("comment") or ""):
            for line in split_paragraphs(text):
                converted += len(formulas(line))
                outside = re.split("«.*?»", words(line))
                plain, position = tex_to_text(line).replace(r"\$", "$"), 0
                for part in outside:
                    position = plain.index(part, position) + len(part)
                assert plain.endswith(outside[-1])
    assert converted > 100
