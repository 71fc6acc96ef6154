from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.etree import Element

from service.markup.clean import (
    category_name,
    clean_xml_text,
    single_line,
    source_name,
    split_paragraphs,
    valid_http_url,
)

ANY_TEXT = st.text(st.characters(), max_size=60)
"""Any code points, lone surrogates and control characters included."""


@given(ANY_TEXT)
def test_clean_text_is_valid_in_xml(text: str) -> None:
    Element("a").text = clean_xml_text(text)
    clean_xml_text(text).encode()


@given(ANY_TEXT)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean_xml_text(clean_xml_text(text)) == clean_xml_text(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a\x00b\x0bc\ufffed\ud800e", "abcde"),
        ("Florian Kroi\xc3\x9f, \xcf\x89Test, \xe2\x80\x94", "Florian Kroiß, ωTest, —"),
        ("\xc5\xa0 of 5 \xc5, \xc9\xbb, \xe9\x80a", "\xc5\xa0 of 5 \xc5, \xc9\xbb, \xe9a"),
        ("one\r\ntwo\rthree\x85four", "one\ntwo\nthree\nfour"),
        (" \n a < b & ]]> \t", "a < b & ]]>"),
        ("日本 \U0001f600 e\u0301 \u202eabc", "日本 \U0001f600 e\u0301 \u202eabc"),
    ],
)
def test_only_what_xml_forbids_is_dropped(text: str, kept: str) -> None:
    assert clean_xml_text(text) == kept


def test_printable_text_needs_no_cleaning_and_has_no_whitespace_but_spaces() -> None:
    """The fast path of `clean_xml_text` and `single_line` relies on this."""
    printable = "".join(filter(str.isprintable, map(chr, range(sys.maxunicode + 1))))
    assert clean_xml_text(f"\n{printable}\n") == printable.strip()
    assert printable.split() == [part for part in printable.split(" ") if part]


@pytest.mark.parametrize("rest", ["", "é"])
def test_ascii_characters_are_kept_dropped_or_normalized(rest: str) -> None:
    for character in map(chr, range(128)):
        text = f"a{character * 2}b{rest}"
        kept = {"\r": "\n"}.get(
            character, "" if character < " " or character == "\x7f" else character
        )
        expected = character if character in "\t\n" else kept
        assert clean_xml_text(text) == f"a{expected * 2}b{rest}"
        assert single_line(text) == " ".join(clean_xml_text(text).split())


def test_c1_control_characters_are_dropped() -> None:
    controls = "".join(map(chr, range(0x80, 0xA0))).replace("\x85", "")
    assert clean_xml_text(f"a{controls}b") == "ab"


@given(ANY_TEXT)
def test_single_line_joins_words_with_single_spaces(text: str) -> None:
    assert single_line(text) == " ".join(clean_xml_text(text).split())
    assert split_paragraphs(text) == [single_line(part) for part in split_paragraphs(text)]


def test_single_line_collapses_whitespace() -> None:
    assert single_line(" A title\n  of two\tlines ") == "A title of two lines"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("one\ntwo", ["one two"]),
        ("one\n\ntwo", ["one", "two"]),
        ("one\n  two\nthree", ["one", "two three"]),
        ("", []),
    ],
)
def test_split_paragraphs(text: str, parts: list[str]) -> None:
    assert split_paragraphs(text) == parts


@pytest.mark.parametrize("url", ["https://a.example/b?c=d#e", "http://[::1]:8000/"])
def test_valid_urls_are_kept(url: str) -> None:
    assert valid_http_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "javascript:alert(1)",
        "//a.example/b",
        "/b",
        "https://",
        "data:text/html,x",
        "https://a.example/<script>",
        'https://a.example/"onload="x',
        "https://a.example/a b",
        "http://[::1",
    ],
)
def test_invalid_urls_are_dropped(url: str) -> None:
    assert valid_http_url(url) == ""


def test_names_of_sources_and_categories() -> None:
    assert source_name("hf") == "Hugging Face Daily Papers"
    assert source_name("ours") == "ours"
    assert category_name("cs.CL") == "Computation and Language"
    assert category_name("xx.YY") == "xx.YY"
