from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cmarkgfm
import pytest
from bs4 import BeautifulSoup
from cmarkgfm.cmark import Options
from flask.testing import FlaskClient
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from redis import Redis

from papers.model.paper import Paper
from papers.state.keywords import Keywords
from service.exports.markdown import (
    MAX_INLINE_COMMENT,
    MarkdownSection,
    last_update_text,
    render_daily_table,
)
from service.markup.clean import single_line, split_paragraphs
from service.markup.paper_text import marked_title
from service.routes.exports import MAX_SELECTED_ROWS, MAX_TABLE_ROWS
from tests.service.conftest import SITE
from tests.service.made import NOW, make_paper

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def text_of(tokens: Sequence[Token]) -> str:
    """Return the visible text of inline tokens; fail on anything but text, tags and links."""
    kinds = {"text", "html_inline", "link_open", "link_close", "strong_open", "strong_close"}
    assert {token.type for token in tokens} <= kinds | {"text_special"}, tokens
    return "".join(token.content for token in tokens if token.type != "html_inline")


def tags_of(tokens: Sequence[Token]) -> list[str]:
    return [token.content for token in tokens if token.type == "html_inline"]


def tables(document: bytes) -> list[list[list[Sequence[Token]]]]:
    """Return the rows of every table without its header; a cell is its inline tokens."""
    found: list[list[list[Sequence[Token]]]] = []
    tokens = PARSER.parse(document.decode())
    for token, inside in zip(tokens, [*tokens[1:], tokens[-1]], strict=True):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in ("td_open", "th_open"):
            found[-1][-1].append(inside.children or [])
    return [table[1:] for table in found]


def rendered(papers: Sequence[Paper], name: str = "Keyword") -> bytes:
    return render_daily_table([MarkdownSection(name, tuple(papers))], rows=100, site_url=SITE)


def rows(papers: Sequence[Paper]) -> list[list[Sequence[Token]]]:
    (found,) = tables(rendered(papers))
    return found


def check(papers: Sequence[Paper]) -> None:
    """Assert that every paper is a row of four cells with its unchanged texts."""
    found = rows(papers)
    assert len(found) == len(papers)
    for row, record in zip(found, papers, strict=True):
        title, date, abstract, comment = row
        assert text_of(title) == marked_title(record)
        (link,) = [token for token in title if token.type == "link_open"]
        assert link.attrs["href"] == record.id.url
        assert text_of(date) == "2026-11-02"
        parts = [single_line(part) for part in split_paragraphs(record.abstract)]
        assert text_of(abstract) == ("Show" if parts else "") + "".join(parts)
        opened = ["<details>", "<summary>", "</summary>", *["<p>", "</p>"] * len(parts)]
        assert tags_of(abstract) == ([*opened, "</details>"] if parts else [])
        whole = single_line(record.comment)
        summary = f"{single_line(whole[:5])}..." if len(whole) > MAX_INLINE_COMMENT else ""
        assert text_of(comment) == summary + whole


def test_recorded_papers_are_rows_with_their_texts(nasty: list[Paper]) -> None:
    assert len(nasty) > 100
    check(nasty)


HARD = [
    "a|b | c \\| d \\\\| e",
    "`code` ``more | code`` and `half",
    "*a* **b** _c_ __d__ ~~e~~ snake_case_name",
    "<b>x</b> </details> <!-- y --> <https://a.example> a < b > c",
    "&amp; &lt; &#124; & &copy;",
    "[a](b) ![c](d) [e][f] [^1] [ ] #1 @x",
    "$x_i$ \\alpha $$\\|x\\|_2$$ \\( \\) \\[ \\] {a}",
    "one\ntwo\r\nthree\x85four\u2028five",
    "# no heading, > no quote, - no list, 1. no list, | --- |",
    "https://a.example/b_c_d?e=1&f=2|3 (http://g.example/h). www.i.example/j_k",
    "👩‍🔬 深度学习 العربية שלום e\u0301 \u202eevil\u202c \x00\x07",
    "]]> {{ x }} {% y %}",
    "\\",
    "|",
    "`",
    "trailing backslash \\",
]


@pytest.mark.parametrize("text", HARD)
def test_difficult_text_stays_text(text: str) -> None:
    check([make_paper(1, title=text, abstract=f"{text}\n\n  {text}", comment=text)])
    check([make_paper(1, title=f"a {text}", abstract=text, comment=f"{text} and what follows it")])


@settings(max_examples=100)
@given(st.text(max_size=60), st.text(alphabet="\\|`*_[]()<>&;#~!$ ab:/.w\n", max_size=40))
@example("$~0$", "")
def test_any_text_stays_text(any_text: str, marks: str) -> None:
    check([make_paper(1, title=any_text, abstract=marks, comment=f"{marks}{any_text}")])
    tokens = PARSER.parse(rendered([], f"K {marks}").decode())
    at = [token.tag for token in tokens].index("h2")
    assert text_of(tokens[at + 1].children or []) == single_line(f"K {marks}")


def github(papers: Sequence[Paper]) -> list[list[str]]:
    """Return the text of every cell as GitHub's own parser reads it."""
    page = cmarkgfm.github_flavored_markdown_to_html(
        rendered(papers).decode(), Options.CMARK_OPT_UNSAFE
    )
    found = BeautifulSoup(page, "html.parser").find_all("tr")
    return [[cell.get_text() for cell in row.find_all("td")] for row in found[1:]]


def check_with_github_parser(papers: Sequence[Paper]) -> None:
    assert github(papers) == [[text_of(cell) for cell in row] for row in rows(papers)]


def test_github_parser_agrees(nasty: list[Paper]) -> None:
    check_with_github_parser(nasty)
    check_with_github_parser(
        [make_paper(1, title=text, abstract=text, comment=text) for text in HARD]
    )


@settings(max_examples=100)
@given(st.text(alphabet="\\|`*_[]()<>&;#~!$@:/. w-+=\n", max_size=40))
def test_github_parser_agrees_on_any_text(marks: str) -> None:
    check_with_github_parser([make_paper(1, title=f"a{marks}", abstract=marks, comment=marks)])


def test_withdrawn_paper_is_marked() -> None:
    check([make_paper(1, withdrawn=True)])


def test_urls_in_comments_are_links() -> None:
    text = "Code: https://a.example/b_c?d=1&e=2. Page (http://f.example/), www.g.example/h_i"
    ((_, _, _, comment),) = rows([make_paper(1, comment=text)])
    links = [token.attrs["href"] for token in comment if token.type == "link_open"]
    assert links == ["https://a.example/b_c?d=1&e=2", "http://f.example/"]


def test_layout_is_that_of_daily_arxiv(recorded: Any) -> None:
    """Headings and cells are as in a recorded README of that kind."""
    model = (recorded / "pages" / "daily_arxiv_readme.md").read_text("utf-8").splitlines()
    document = rendered(
        [make_paper(1, comment="Accepted at the very best place there is"), make_paper(2)]
    )
    ours = document.decode().splitlines()
    assert ours[0] == model[0] == "# Daily Papers"
    assert [ours.index(mark) for mark in model if mark.startswith("| **Title**")][:1]
    assert ours[ours.index("## Keyword") + 1 :][:2] == model[model.index("## MLLM") + 1 :][:2]
    assert [line.split(":")[0] for line in ours if line.startswith("Last")] == ["Last update"]
    assert any("<details><summary>Accep...</summary><p>Accepted " in row for row in model)
    assert "<details><summary>Accep...</summary><p>Accepted at" in ours[-2]
    assert ours[-1].startswith("| **[Reward model number 2](https://arxiv.org/abs/2611.00002)** |")


def test_last_update_is_the_newest_of_any_paper() -> None:
    assert last_update_text([]) == "none yet"
    assert (
        last_update_text(
            [MarkdownSection("A", (make_paper(1), make_paper(3))), MarkdownSection("B", ())]
        )
        == "2026-11-04"
    )


def test_section_without_papers_is_an_empty_table() -> None:
    assert rows([]) == []


@pytest.mark.usefixtures("three")
def test_daily_page(client: FlaskClient, redis: Redis) -> None:
    Keywords(redis).add("Agents", "agent", now=NOW)
    answer = client.get("/export/daily.md")
    assert answer.content_type == "text/markdown; charset=utf-8"
    assert list(map(len, tables(answer.data))) == [0, 3]
    assert "\nLast update: 2026-11-04\n" in answer.text
    two = client.get("/export/daily.md?k=reward-model&n=2")
    assert list(map(len, tables(two.data))) == [2]
    etag = {"If-None-Match": two.headers["ETag"]}
    assert client.get("/export/daily.md?k=reward-model&n=2", headers=etag).status_code == 304


@pytest.mark.parametrize(
    ("query", "status"),
    [("k=nobody", 404), ("n=0", 400), ("n=201", 400), ("n=x", 400), ("q=a", 400)],
)
def test_bad_selection_is_rejected(client: FlaskClient, query: str, status: int) -> None:
    assert client.get(f"/export/daily.md?{query}").status_code == status


@pytest.mark.parametrize(
    ("path", "max_rows"),
    [("/export/daily.md", MAX_TABLE_ROWS), ("/export/daily.md?n=99", MAX_SELECTED_ROWS)],
)
def test_many_keywords_share_the_rows(
    client: FlaskClient, redis: Redis, path: str, max_rows: int
) -> None:
    for number in range(59):
        Keywords(redis).add(f"Keyword {number}", "a", now=NOW)
    rows_each = max_rows // 60
    assert f"Each keyword has {rows_each} papers at most." in client.get(path).text
