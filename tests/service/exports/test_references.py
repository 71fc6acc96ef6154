"""References, read back by third-party parsers of each format."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

import citeproc
import jsonschema
import pytest
import rispy
from bibtexparser import middlewares
from bibtexparser.entrypoint import parse_string
from citeproc.source.json import CiteProcJSON
from hypothesis import given, settings
from hypothesis import strategies as st

from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from service.exports import bibtex, csl, ris
from service.exports.reference import build_reference
from service.markup.clean import single_line
from service.markup.latex_html import tex_to_text
from tests.service.made import make_paper

FULL: Final = make_paper(
    1,
    id=ArxivId.parse("hep-th/9901001"),
    title=r"Schr\"odinger's 100% & $\alpha_i$ {LLM}s",
    abstract="We show $a_1 < b$.\n\n  And more.",
    authors=("Ludwig van der Berg", "DeepSeek-AI", "John H. Smith, Jr.", "José Ørsted"),
    categories=("hep-th", "cs.AI"),
    comment="12 pages",
    journal_ref="Phys. Rev. D 60 (1999) 104001",
    doi="10.1103/PhysRevD.60.104001 10.1103/other",
)


def bibtex_entries(papers: Sequence[Paper]) -> list[Any]:
    """Return the entries that bibtexparser finds, with split names."""
    stack = [middlewares.SeparateCoAuthors(), middlewares.SplitNameParts()]
    library = parse_string(bibtex.render_bibtex(papers).decode(), append_middleware=stack)
    assert not library.failed_blocks, library.failed_blocks
    assert len(library.blocks) == len(library.entries)
    return library.entries


def ris_records(papers: Sequence[Paper]) -> list[dict[str, Any]]:
    return list(rispy.loads(ris.render_ris(papers).decode()))


def csl_items(papers: Sequence[Paper]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(csl.render_csl(papers))
    jsonschema.validate(items, SCHEMA)
    return items


_NAME: Final = ("family", "given", "literal", "non-dropping-particle", "suffix")
_WORDS: Final = ("title", "number", "publisher", "source", "DOI", "URL", "abstract", "keyword")
SCHEMA: Final = {
    # The part of csl-data.json (version 1.0.2) in use; no other members are allowed.
    "type": "array",
    "items": {
        "type": "object",
        "required": ["type", "id"],
        "additionalProperties": False,
        "properties": {
            "id": {"type": "string"},
            "type": {"enum": ["article"]},
            **{name: {"type": "string"} for name in (*_WORDS, "status", "note")},
            "author": {
                "type": "array",
                "items": {
                    "additionalProperties": False,
                    "properties": {part: {"type": "string"} for part in _NAME},
                },
            },
            "issued": {
                "additionalProperties": False,
                "required": ["date-parts"],
                "properties": {
                    "date-parts": {
                        "maxItems": 2,
                        "items": {"maxItems": 3, "items": {"type": "integer"}},
                    }
                },
            },
        },
    },
}


def test_bibtex_has_every_field() -> None:
    (entry,) = bibtex_entries([FULL])
    assert (entry.entry_type, entry.key) == ("misc", "berg-hep-th-9901001")
    fields = {field.key: field.value for field in entry.fields}
    authors = [
        (" ".join(name.von), " ".join(name.last), " ".join(name.jr), " ".join(name.first))
        for name in fields.pop("author")
    ]
    assert authors == [
        ("van der", "Berg", "", "Ludwig"),
        ("", "{DeepSeek-AI}", "", ""),
        ("", "Smith", "Jr.", "John H."),
        ("", "Ørsted", "", "José"),
    ]
    assert fields == {
        "title": r"{Schr\"odinger's 100\% \& $\alpha_i$ {LLM}s}",
        "year": "2026",
        "month": "nov",
        "eprint": "hep-th/9901001",
        "archivePrefix": "arXiv",
        "primaryClass": "hep-th",
        "doi": "10.1103/PhysRevD.60.104001",
        "url": "https://arxiv.org/abs/hep-th/9901001",
        "abstract": "We show $a_1 < b$. And more.",
        "note": "Published as Phys. Rev. D 60 (1999) 104001. 12 pages",
        "keywords": "hep-th, cs.AI",
    }


def test_ris_has_every_field() -> None:
    (entry,) = ris_records([FULL])
    assert entry == {
        "type_of_reference": "UNPB",
        "id": "berg-hep-th-9901001",
        "title": "Schrödinger's 100% & $\\alpha_i$ {LLM}s",
        "authors": ["van der Berg, Ludwig", "DeepSeek-AI", "Smith, John H., Jr.", "Ørsted, José"],
        "year": "2026",
        "date": "2026/11/02/",
        "publisher": "arXiv",
        "accession_number": "arXiv:hep-th/9901001",
        "doi": "10.1103/PhysRevD.60.104001",
        "urls": ["https://arxiv.org/abs/hep-th/9901001"],
        "file_attachments1": "https://arxiv.org/pdf/hep-th/9901001",
        "abstract": "We show $a_1 < b$. And more.",
        "keywords": ["hep-th", "cs.AI"],
        "notes": ["Published as Phys. Rev. D 60 (1999) 104001", "12 pages"],
    }


def test_csl_has_every_field() -> None:
    (item,) = csl_items([FULL])
    assert item == {
        "id": "berg-hep-th-9901001",
        "type": "article",
        "title": "Schrödinger's 100% & $\\alpha_i$ {LLM}s",
        "author": [
            {"family": "Berg", "given": "Ludwig", "non-dropping-particle": "van der"},
            {"literal": "DeepSeek-AI"},
            {"family": "Smith", "given": "John H.", "suffix": "Jr."},
            {"family": "Ørsted", "given": "José"},
        ],
        "issued": {"date-parts": [[2026, 11, 2]]},
        "number": "arXiv:hep-th/9901001",
        "publisher": "arXiv",
        "source": "arXiv.org",
        "DOI": "10.1103/PhysRevD.60.104001",
        "URL": "https://arxiv.org/abs/hep-th/9901001",
        "abstract": "We show $a_1 < b$. And more.",
        "keyword": "hep-th, cs.AI",
        "note": "Published as Phys. Rev. D 60 (1999) 104001. 12 pages",
    }


def test_citation_processor_formats_the_reference() -> None:
    style = citeproc.CitationStylesStyle("harvard-cite-them-right", validate=False)
    cited = citeproc.CitationStylesBibliography(
        style, CiteProcJSON(csl_items([FULL])), citeproc.formatter.plain
    )
    cited.register(citeproc.Citation([citeproc.CitationItem("berg-hep-th-9901001")]))
    (text,) = map(str, cited.bibliography())
    assert "van der Berg, L." in text
    assert "Schrödinger" in text


def test_paper_without_texts_has_a_reference() -> None:
    bare = make_paper(2, title="", abstract="", authors=(), categories=())
    assert bibtex_entries([bare])[0].key == "arxiv-2611.00002"
    assert bibtex_entries([bare])[0].fields_dict["doi"].value == "10.48550/arXiv.2611.00002"
    assert ris_records([bare])[0]["title"] == "2611.00002"
    assert "author" not in csl_items([bare])[0] or csl_items([bare])[0]["author"] == []


def test_withdrawal_is_in_every_format() -> None:
    withdrawn = make_paper(2, withdrawn=True)
    assert bibtex_entries([withdrawn])[0].fields_dict["note"].value.startswith("Withdrawn")
    assert ris_records([withdrawn])[0]["notes"][0] == "Withdrawn"
    assert csl_items([withdrawn])[0]["status"] == "withdrawn"


def unescaped(value: str) -> str:
    """Return a field's text without escapes."""
    return re.sub(r"\\([%#&_])", r"\1", value.replace(r"\^{}", "^"))


def braceless(text: str) -> str:
    """Return a text without braces, backslashes, and the spaces that may follow a line break."""
    tokens = [token for token in re.findall(r"\\.|.", text) if token not in ("{", "}")]
    result, behind_break = "", False
    for token in tokens:
        behind_break = token == r"\\" or (behind_break and token == " ")
        result += "" if behind_break else token
    return re.sub(r"[{}]|\\text(?:brace(?:left|right)|backslash)|\\[lr]brace|\\", "", result)


@pytest.mark.parametrize(
    ("author", "word"), [("Kåre Sørensen", "sorensen"), ("Łukasz Żak", "zak"), ("李", "arxiv")]
)
def test_citation_key_has_the_letters_of_the_first_author(author: str, word: str) -> None:
    paper = make_paper(authors=(author, "Ada Holm"))
    assert build_reference(paper).citation_key == f"{word}-{paper.id}"


def check(papers: Sequence[Paper]) -> None:
    """Assert that every format has every paper with its texts and all its authors."""
    references = [build_reference(record) for record in papers]
    entries, records, items = bibtex_entries(papers), ris_records(papers), csl_items(papers)
    assert len(entries) == len(records) == len(items) == len(papers)
    for entry, record, item, ref in zip(entries, records, items, references, strict=True):
        assert entry.key == record["id"] == item["id"] == ref.citation_key
        assert len(entry.fields_dict["author"].value) == len(ref.authors)
        assert len(record["authors"]) == len(item["author"]) == len(ref.authors)
        assert record["title"] == item["title"] == tex_to_text(ref.title)
        assert record.get("abstract", "") == item.get("abstract", "") == tex_to_text(ref.abstract)
        assert braceless(unescaped(entry.fields_dict["title"].value)) == braceless(ref.title)


def test_recorded_papers_are_references(nasty: list[Paper]) -> None:
    once = list(
        {record.id: record for record in nasty if any(map(single_line, record.authors))}.values()
    )
    assert len(once) > 100
    check(once)


HARD = [
    *("a } b", "a { b", "}{", "a \\} b", "a \\{ $b$", "$\\{$ x", "{{a}", "$a", "a $ b $ c $ d_e"),
    *(
        "100% # & _ ^ ~",
        "back\\",
        "\\",
        "\\\\ \\a \\%",
        "break\\\\",
        "break\\\\{",
        "a\\\\{b} c",
        "{a\\\\}",
        "@misc{x, title={y}}",
        'a "quoted" b',
    ),
    *(
        "line\nTY  - JOUR\nER  - \nmore",
        "AU  - x",
        "  - x",
        "一 二 العربية 👩‍🔬",
        "$$a_b$$ _ \\(c_d\\)",
    ),
    *("break\\\\{ =", "break\\\\{ a} b", "break\\\\\\{ a"),
    *(", {", "ends with {", "month = nov,", "a, b and c", "\x00\x07 x", "% comment"),
]


@pytest.mark.parametrize("text", HARD)
def test_difficult_texts_stay_in_their_fields(text: str) -> None:
    hard = make_paper(
        1, title=f"x {text}", abstract=text, comment=text, authors=(f"A {text}", "B C")
    )
    check([hard, make_paper(2)])


@settings(max_examples=60)
@given(st.text(alphabet="\\{}$%#&_^~@,\"='a b\n(-", max_size=30), st.text(max_size=30))
def test_any_text_stays_in_its_field(marks: str, other: str) -> None:
    check([make_paper(1, title=f"x{marks}", abstract=other, authors=(f"a{marks}",)), make_paper(2)])


@given(st.text(alphabet="\\{}$a%_", max_size=30))
def test_braces_are_balanced_for_every_parser(text: str) -> None:
    """BibTeX counts escaped braces too; some parsers do not, or skip any escaped character."""
    escaped = bibtex.escape_bibtex(text)
    for counted in (escaped, re.sub(r"\\.", "", escaped), re.sub(r"\\[{}]", "", escaped)):
        depth = 0
        for character in counted:
            depth += (character == "{") - (character == "}")
            assert depth >= 0
        assert depth == 0
    assert not re.search(r"(?<!\\)(?:\\\\)*%", escaped)
