from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from papers.model.paper import Pick
from service.feeds.content import Content, build_content
from tests.service.feeds.made import FOOTER, make_feed, recorded_papers, render_feed
from tests.service.made import NOW, make_paper

TEXT = st.lists(
    st.sampled_from(
        [
            *"{}$`'\"\\% aé<>&\n\r\t\x85",
            *r"'' `` \textbf{ \textbf{} \text{} \alpha \( \) &#x27; ]]> <p></p> x_1 \n\n".split(),
        ]
    ),
    max_size=30,
).map("".join)
PICK = Pick("hf", NOW, "https://a.example/it's?x=1&y='2'", "")


def serialized(content: Content) -> str:
    """Return the fragment as lxml serializes it."""
    node = etree.fromstring(f"<div>{content.xhtml}</div>")
    xml: str = etree.tostring(node, encoding="unicode")
    return re.sub("^<div>|</div>$|^<div/>$", "", xml)


@settings(max_examples=300, deadline=None)
@given(TEXT, TEXT)
@example(r"\textbf{}", r"\textbf{\emph{}} $\text{}$")
def test_xml_is_as_lxml_serializes_it(abstract: str, comment: str) -> None:
    content = build_content(make_paper(1, abstract=abstract, comment=comment), lead_pick=PICK)
    assert content.xml == serialized(content)


@pytest.mark.parametrize(
    ("abstract", "html", "xml"),
    [
        (r"\textbf{}", "<p><strong></strong></p>", "<p><strong/></p>"),
        (r"\textbf{\emph{}}", "<p><strong><em></em></strong></p>", "<p><strong><em/></strong></p>"),
        ("it's <p></p>", *["<p>it's &lt;p&gt;&lt;/p&gt;</p>"] * 2),
    ],
)
def test_empty_elements_in_html_and_in_xml(abstract: str, html: str, xml: str) -> None:
    content = build_content(make_paper(1, abstract=abstract))
    footer = FOOTER.format(id="2611.00001")
    assert (content.xhtml, content.xml) == (html + footer, xml + footer)


def test_xml_of_recorded_papers_is_as_lxml_serializes_it(recorded: Path) -> None:
    for record in recorded_papers(recorded):
        content = build_content(record)
        assert content.xml == serialized(content)


def test_atom_document_is_as_lxml_serializes_it() -> None:
    """Also if a text equals the markup of empty content, and if there is no content."""
    hole = '<content type="xhtml"/>'
    hostile = make_paper(1, title=hole, abstract=hole, authors=(hole,), categories=(hole,))
    body = render_feed(
        "atom", make_feed(hostile, make_paper(2, abstract=""), make_paper(3, abstract="words"))
    )
    tree = etree.fromstring(body)
    assert etree.tostring(tree, encoding="UTF-8", xml_declaration=True) == body
    contents = ["".join(node.itertext()) for node in tree.iter("{*}content")]
    assert [text.split("Authors:")[0] for text in contents] == [hole, "", "words"]
