from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.text.folding import tokenize
from papers.text.link_names import (
    MAX_LINK_LENGTH,
    blank_url_bytes,
    blank_urls,
    find_links,
    link_prefixes,
    normalize_link,
)

# (a text, its words, its links)
URLS = [
    ("see https://github.com/A/b.git.", "see", ["github.com/a/b"]),
    ("(http://www.x.org/a_b/?q=1#c), or", "or", ["x.org/a_b"]),
    (r"code: \url{https://x.github.io/my\_page}!", "code", ["x.github.io/my_page"]),
    (r"\href{https://x.org/y}{our code} now", "our code now", ["x.org/y"]),
    ("at www.example.de.", "at", ["example.de"]),
    ("at https://x.org/a#part now", "at now", ["x.org/a"]),
    ("at WWW.EXAMPLE.GR, or Www.b.gr", "at or", ["example.gr", "b.gr"]),
    ("see https://github.com/A/b.git/, too", "see too", ["github.com/a/b"]),
    ("at github.com/a/b, too", "at too", ["github.com/a/b"]),
    ("project page: foo.github.io.", "project page", ["foo.github.io"]),
    ("代码见https://github.com/a。", "代码见", ["github.com/a"]),
    ("Booking.com data", "booking com data", ["booking.com"]),
    ("and/or input/output e.g. 3.5", "and or input output e g 3 5", []),
    ("mail me@cs.example.com", "mail me cs example com", []),
    ("https://a.io:8080/x and HTTPS://B.IO/X", "and", ["a.io/x", "b.io/x"]),
]


@pytest.mark.parametrize(("text", "words", "links"), URLS)
def test_words_of_urls_are_no_words(text: str, words: str, links: list[str]) -> None:
    assert tokenize(text) == words.split()
    assert list(find_links([text])) == links


@pytest.mark.parametrize("sign", [*".,;:!?'*)]", ").", "?!"])
def test_punctuation_behind_a_url_is_not_part_of_it(sign: str) -> None:
    assert list(find_links([f"at https://x.org/a{sign} now"])) == ["x.org/a"]


PIECES = st.sampled_from(
    ["https://", "www.", "github.com", "/a", ".io", " ", "\n", "x", ".", ",", "é", "(", ")", "@"]
)


@given(st.lists(PIECES).map("".join) | st.text())
def test_blanks_replace_urls_character_by_character(text: str) -> None:
    blanked = blank_urls(text)
    assert len(blanked) == len(text)
    assert all(after in (before, " ") for before, after in zip(text, blanked, strict=True))
    if text.isprintable():
        assert blank_url_bytes(text.encode()) == blanked.encode()


@given(st.lists(PIECES).map("".join))
def test_links_are_in_normal_form(text: str) -> None:
    for link in find_links([text]):
        assert normalize_link(link) == link
        assert link in link_prefixes(link)


def test_link_is_found_by_its_beginnings() -> None:
    found = list(link_prefixes("x.github.io/a/b/c"))
    assert found == [
        *("x.github.io", "github.io"),
        *("x.github.io/a", "x.github.io/a/b", "x.github.io/a/b/c"),
    ]
    assert list(link_prefixes("x.org/a/b/c", 2)) == ["x.org", "x.org/a", "x.org/a/b"]


def test_longest_link_that_can_be_searched_is_found() -> None:
    longest = "x.org/" + "a" * (MAX_LINK_LENGTH - len("x.org/"))
    assert [*link_prefixes(longest)] == ["x.org", longest]
    assert [*link_prefixes(longest + "a")] == ["x.org"]


def test_many_dots_take_linear_time() -> None:
    for text in ("http://" * 3_000, "a." * 20_000, "a-" * 20_000, "www." * 9_000):
        assert tokenize(text) is not None
