"""URLs in texts: where they begin and end, and what they are without TeX, blanks and brackets."""

from __future__ import annotations

import time
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.text.links import urls
from papers.text.links.urls import find_urls

FOUND = [
    ("Code: https://github.com/a/b.", "https://github.com/a/b", "https://github.com/a/b"),
    ("(see github.com/a/b).", "https://github.com/a/b", "github.com/a/b"),
    ("(https://a.org/x_(y)).", "https://a.org/x_(y)", "https://a.org/x_(y)"),
    (r"\url{https://a.org/b\_c}.", "https://a.org/b_c", r"https://a.org/b\_c"),
    (r"\href{https://a.org/b}{here}", "https://a.org/b", "https://a.org/b"),
    (r"at https://a.edu/$\sim$x/y.", "https://a.edu/~x/y", r"https://a.edu/$\sim$x/y"),
    ("at \\[ https://a.org/b \\]", "https://a.org/b", "https://a.org/b"),
    ("https: //github.com/a/b", "https://github.com/a/b", "https: //github.com/a/b"),
    ("https://github.com/ Ab/c_d.", "https://github.com/Ab/c_d", "https://github.com/ Ab/c_d"),
    ("https://github.com/a/\nb-c is", "https://github.com/a/b-c", "https://github.com/a/\nb-c"),
    ("https://github.com/a/B- LDA", "https://github.com/a/B-LDA", "https://github.com/a/B- LDA"),
    ("https://x1. github.io/Y/.", "https://x1.github.io/Y/", "https://x1. github.io/Y/"),
    ("https://x.github.io/ s-r/.", "https://x.github.io/s-r/", "https://x.github.io/ s-r/"),
    ("HTTPS://GitHub.com/A/B", "https://github.com/A/B", "HTTPS://GitHub.com/A/B"),
    ("HTTPS://A.org?B=C", "https://a.org?B=C", "HTTPS://A.org?B=C"),
    ("page: my-paper.github.io", "https://my-paper.github.io", "my-paper.github.io"),
    ("www.example.org, and", "https://www.example.org", "www.example.org"),
    ("http://[x.github.io]", None, None),
    ("<https://a.org/b>", "https://a.org/b", "https://a.org/b"),
    ("**https://a.org/b**", "https://a.org/b", "https://a.org/b"),
    ("“https://a.org/b”。", "https://a.org/b", "https://a.org/b"),
    ("见https://a.org/b。", "https://a.org/b", "https://a.org/b"),
    ("https://a.org:8080/b?c=d#e", "https://a.org:8080/b?c=d#e", "https://a.org:8080/b?c=d#e"),
    ("Code:https://a.org/b", "https://a.org/b", "https://a.org/b"),
    (
        "https://web.archive.org/web/1/http://a.org",
        *["https://web.archive.org/web/1/http://a.org"] * 2,
    ),
]
NOT_FOUND = (
    *("and/or", "e.g./i.e.", "Node.js", "cs.SE/0309027", "math.AG/0309027", "http://x", "https://"),
    *("me@example.org/x", "ftp://a.org/b", "javascript://a.org", "p.m./a.m.", "GPT-3.5/4", ""),
)
WHOLE = [
    "https://github.com/a/ The code is",
    "https://github.com/a/ soon.",
    "https://github.com/a/b/ and-or",
    "https://a.org/ b/c",
    "https://github.com/a/b c/d",
    "https://x.github.io/ Code: github.com",
]


@pytest.mark.parametrize(("text", "url", "written"), FOUND)
def test_url_is_found_in_normal_form_where_it_is_written(
    text: str, url: str | None, written: str | None
) -> None:
    found = find_urls(text)
    assert [(u.url, text[u.start : u.end]) for u in found] == ([(url, written)] if url else [])


@pytest.mark.parametrize("text", NOT_FOUND)
def test_what_only_resembles_a_url_is_left_out(text: str) -> None:
    assert find_urls(f"see {text} there") == []


@pytest.mark.parametrize("text", WHOLE)
def test_url_that_is_whole_takes_no_words_after_it(text: str) -> None:
    assert find_urls(text)[0].end == text.index(" ")


def test_every_url_of_a_text_is_found_in_order() -> None:
    text = r"\href{https://a.org/b}{https://a.org/b}, [c.io/d](https://c.io/d);https://e.org/f,https://g.org"
    hosts = [url.host for url in find_urls(text)]
    assert hosts == ["a.org", "a.org", "c.io", "c.io", "e.org", "g.org"]


def test_continuation_of_a_cut_url_is_not_found_again() -> None:
    (url,) = find_urls("https://github.com/ a-b.io/c")
    assert url.url == "https://github.com/a-b.io/c"


def test_host_and_path_are_apart() -> None:
    (url,) = find_urls("https://me@WWW.A.org:80/b/c?d#e")
    assert (url.host, url.path) == ("a.org", "b/c")
    (url,) = find_urls("https://a.org?q")
    assert (url.host, url.path) == ("a.org", "")


@given(st.text(st.sampled_from("hpst:/ .,ab-_()[]{}\\$wgiou~éA1\n"), max_size=80))
def test_found_urls_are_in_order_and_lie_within_any_text(text: str) -> None:
    end = 0
    for url in find_urls(f"{text} https://a.org/{text}"):
        assert end <= url.start < url.end
        assert url.url.startswith(("http://", "https://"))
        assert not any(map(str.isspace, url.url))
        assert "." in url.host
        end = url.end


@pytest.mark.parametrize(
    "unit", ["a.", "http://", "a-", "www.", "(", "https://a.b/(", "/ a", "\\_"]
)
def test_time_is_linear_in_hostile_texts(unit: str) -> None:
    began = time.process_time()
    find_urls("https://a.io/" + unit * (200_000 // len(unit)))
    assert time.process_time() - began < 2


PIECES = st.sampled_from(
    [
        "https://a.org/b",
        "https: //",
        "www.",
        "//",
        "x.github.io",
        "a.com/b",
        ".",
        " ",
        "\n",
        "e.g./",
        "word",
        "(",
        ")",
        "a@b.org/",
        "1.5/2",
        "https://github.com/a/ b-c",
        "www.a.org",
        "$\\sim$",
    ]
)


@given(st.lists(PIECES, max_size=40).map("".join))
def test_searching_from_mark_to_mark_finds_the_same(text: str) -> None:
    found = find_urls(text)
    with mock.patch.object(urls, "_iter_matches", urls._URL.finditer):
        assert found == find_urls(text)
