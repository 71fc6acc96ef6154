from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from papers.model.paper import Pick
from service.feeds.content import Content, build_content
from tests.service.feeds.made import make_feed, render_feed
from tests.service.feeds.test_recorded import recorded_papers
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


def written(content: Content) -> str:
    """The fragment as an XML writer spells it."""
    node = etree.fromstring(f"<div>{content.xhtml}</div>")
    spelled: str = etree.tostring(node, encoding="unicode")
    return re.sub("^<div>|</div>$|^<div/>$", "", spelled)


@settings(max_examples=300, deadline=None)
@given(TEXT, TEXT)
@example(r"\textbf{}", r"\textbf{\emph{}} $\text{}$")
def test_the_xml_is_as_an_xml_writer_spells_it(abstract: str, comment: str) -> None:
    content = build_content(make_paper(1, abstract=abstract, comment=comment), lead_pick=PICK)
    assert content.xml == written(content)


@pytest.mark.parametrize(
    ("abstract", "html", "xml"),
    [
        (r"\textbf{}", "<p><strong></strong></p>", "<p><strong/></p>"),
        (r"\textbf{\emph{}}", "<p><strong><em></em></strong></p>", "<p><strong><em/></strong></p>"),
        ("it's <p></p>", *["<p>it's &lt;p&gt;&lt;/p&gt;</p>"] * 2),
    ],
)
def test_an_empty_element_is_html_here_and_xml_there(abstract: str, html: str, xml: str) -> None:
    content = build_content(make_paper(1, abstract=abstract))
    assert (content.xhtml, content.xml) == (html, xml)


def test_real_records_are_spelled_as_an_xml_writer_spells_them(recorded: Path) -> None:
    for record in recorded_papers(recorded):
        content = build_content(record)
        assert content.xml == written(content)


def test_an_atom_document_is_as_an_xml_writer_spells_it() -> None:
    """Also where words say what stands in a feed for the content, and where there is none."""
    hole = '<content type="xhtml"/>'
    hostile = make_paper(1, title=hole, abstract=hole, authors=(hole,), categories=(hole,))
    body = render_feed(
        "atom", make_feed(hostile, make_paper(2, abstract=""), make_paper(3, abstract="words"))
    )
    tree = etree.fromstring(body)
    assert etree.tostring(tree, encoding="UTF-8", xml_declaration=True) == body
    assert ["".join(node.itertext()) for node in tree.iter("{*}content")] == [hole, "words"]
