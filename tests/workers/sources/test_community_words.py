from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.model.paper import Sighting
from papers.model.resources import texts_have_code
from workers.sources.community import parse_community_feed
from workers.sources.community_words import MAX_EXCERPT, MAX_TITLE, cleaned_excerpt, cleaned_title

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LINK = "<link>https://arxiv.org/abs/2611.01234</link>"


def named(*items: str) -> list[Sighting]:
    inside = "".join(f"<item>{item}</item>" for item in items)
    body = f"<rss version='2.0'><channel><title>C</title>{inside}</channel></rss>".encode()
    return list(parse_community_feed(body, "club", NOW).sightings)


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("[2511.01234] A title", "A title"),
        ("arXiv:2511.01234v2 [cs.CL] A title", "A title"),
        ("2511.01234: A title", "A title"),
        ("hep-th/9901001 Strings", "Strings"),
        ("A title (arXiv:2511.01234)", "A title"),
        ("A title | 212 points", "A title"),
        ("[R] GPT-4 is 3.5 times better", "[R] GPT-4 is 3.5 times better"),
        ("<b>Hi</b> a < b &amp;\n c", "Hi a < b & c"),
        ("&lt;img src=x onerror=alert(1)&gt;Hi", "Hi"),
        ("\u202eevil \u2066title\x00", "evil title"),
        ("王伟的论文", "王伟的论文"),
        ("https://arxiv.org/abs/2511.01234", ""),
        ("[2511.01234]", ""),
        ("ab " * 500, ("ab " * 99).strip() + "…"),
    ],
)
def test_title_is_plain_and_has_no_id_in_front(written: str, title: str) -> None:
    assert cleaned_title(written) == title
    assert len(title) <= MAX_TITLE


def test_excerpt_is_plain_text_without_counts_and_addresses() -> None:
    assert cleaned_excerpt("<script>a()</script><p>We   show</p><style>b</style>x<br>y") == (
        "We show x y"
    )
    hnrss = "<p>Article URL: <a href='https://a.b/c'>c</a></p><p>Points: {}</p><p># Comments: 7</p>"
    assert cleaned_excerpt(hnrss.format(212)) == ""
    texts = {cleaned_excerpt(f"<p>A fine paper.</p>{hnrss.format(votes)}") for votes in (1, 99)}
    assert texts == {"A fine paper."}
    assert cleaned_excerpt("Read https://evil.example/x or github.com/a/b now") == "Read or now"


@given(st.text(alphabet="<>&;/ab1. |:[]()\n'\u202e", max_size=200), st.integers(1, 400))
def test_any_text_is_bounded_and_names_no_code(text: str, times: int) -> None:
    began = time.process_time()
    title, excerpt = cleaned_title(text * times), cleaned_excerpt(f"github.com/a/b {text * times}")
    assert time.process_time() - began < 2
    assert len(title) <= MAX_TITLE
    assert len(excerpt) <= MAX_EXCERPT
    assert not texts_have_code(excerpt, "")
    assert (title + excerpt).isprintable()


def test_words_of_an_entry_about_one_paper_are_taken() -> None:
    text = "<description>&lt;p&gt;They reason.&lt;/p&gt;</description>"
    (sighting,) = named(f"<title>[2611.01234] On Models</title>{LINK}{text}")
    assert (sighting.title, sighting.abstract) == ("On Models", "They reason.")
    (untitled,) = named(f"{LINK}{text}")
    assert (untitled.title, untitled.abstract) == ("", "")


def test_a_digest_of_papers_describes_none_of_them() -> None:
    both = "<description>arXiv:2611.01234 and arXiv:2611.01235</description>"
    sightings = named(f"<title>Ten papers of the week</title>{both}")
    assert [(sighting.title, sighting.abstract) for sighting in sightings] == [("", "")] * 2
