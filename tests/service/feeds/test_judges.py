"""Every state of a feed, read by parsers that others wrote: the same entries, word by word."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from papers.model.merge import merge
from papers.model.paper import Paper
from service.feeds import FORMATS
from service.feeds.digest_entry import build_digest_entry
from service.feeds.entry import Entry, FeedItem, select_lead_pick
from service.feeds.feed import Feed
from tests.service.feeds.judges import FEED_PARSERS, ParsedEntry, parse_with_feedsmith
from tests.service.feeds.made import SITE, make_feed, render_feed
from tests.service.feeds.test_recorded import recorded_papers
from tests.service.made import make_paper, make_pick, make_revision, make_sighting

TEXTS: Final = (
    "a < b and b > c, $x_i < y_j$ & so on",
    "<script>alert(1)</script> ]]> <![CDATA[ &amp; &lt; ]]&gt;",
    "&lt;p&gt; &#60;b&#62; &amp;amp; %3C \\u003c <!-- no comment -->",
    "日本語の論文 — 한국어 논문, 中文：大语言模型",
    "العربية واللغة \u200fעברית\u200e \u202eright to left\u202c and back",
    "\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1fa\U0001f1f3 1\ufe0f\u20e3",
    "e\u0301 a\u0308 \u212b \ufb01 \U0001d49c \U00020000 \u1e69 \u01c4 ½ ㎏",
    "soft\u00adhyphen zero\u200bwidth no\u00a0break \u2028line\u2029 \ufeffmark",
    "quotes \" and ' and “these” `and` \\ back/slash {braces} [brackets] | pipes",
    r"$\alpha \leq \frac{1}{2}$ and \textbf{bold} 100\% of \$5 and $\left( broken",
)


def odd() -> list[Paper]:
    """Hand-made papers with odd texts everywhere."""
    return [
        make_paper(
            number, title=text, abstract=f"{text}\n  {text}", authors=(text, "B"), comment=text
        )
        for number, text in enumerate(TEXTS, 1)
    ]


def told() -> Paper:
    """A paper of which everything is known."""
    stated = {"comment": "9 pages", "journal_ref": "J. 1 & 2", "doi": "10.1/2<3>"}
    known = merge(
        merge(None, make_sighting(30, **stated)),
        make_pick(30)._replace(code="https://github.com/a/b?c=d&e=f"),
    )
    return merge(known, make_revision(30, 2, withdrawn=True, **stated))


def page(number: int) -> str:
    return f"{SITE}/feeds/k.atom?before=2611.{number:05}"


def digest() -> FeedItem:
    at = datetime(2026, 11, 21, tzinfo=UTC)
    url = f"{SITE}/k/k?since=2026-11-20&until=2026-11-20"
    return build_digest_entry(
        odd(), id=f"{SITE}#d", name="K < L", period_text="20 November", url=url, ended_at=at
    )


PAGES: Final = (("first", f"{SITE}/feeds/k.atom"), ("previous", page(9)), ("next", page(2)))
ARCHIVE: Final = (
    ("current", f"{SITE}/feeds/k.atom"),
    ("prev-archive", f"{SITE}/feeds/k/2026-09.atom"),
    ("next-archive", f"{SITE}/feeds/k/2026-11.atom"),
)
STATES: Final[dict[str, Feed]] = {
    "full": make_feed(*odd(), told()),
    "one": make_feed(make_paper(1)),
    "empty": make_feed(),
    "bare": make_feed(make_paper(1, title="", abstract="", authors=(), categories=())),
    "paged": make_feed(*odd(), paging_links=PAGES),
    "archive": make_feed(*odd(), paging_links=ARCHIVE, archive=True),
    "picked": make_feed(entries=(Entry(told(), lead_pick=select_lead_pick(told())),)),
    "digest": make_feed(entries=(digest(),)),
    "with a hub": make_feed(make_paper(1), hub_url="https://hub.example/"),
}


def rendered(state: Feed) -> dict[str, bytes]:
    return {suffix: render_feed(suffix, state) for suffix in FORMATS}


def assert_read(found: list[ParsedEntry], state: Feed) -> None:
    """What a judge read is what was meant, in everything that it tells."""
    assert [read.id for read in found] == [entry.id for entry in state.entries]
    for read, entry in zip(found, state.entries, strict=True):
        meant = {
            "title": entry.title,
            "summary": entry.summary,
            "html": entry.content.xhtml,
            "text": entry.content.text,
            "authors": entry.authors,
            "first_author": next(iter(entry.authors), ""),
        }
        said = {name: getattr(read, name) for name in meant if getattr(read, name) is not None}
        assert said == {name: meant[name] for name in said}


@pytest.mark.parametrize("judge", FEED_PARSERS)
@pytest.mark.parametrize("name", STATES)
def test_a_judge_reads_every_state(name: str, judge: str) -> None:
    state = STATES[name]
    for suffix, read in FEED_PARSERS[judge].items():
        assert_read(read(render_feed(suffix, state), suffix), state)


@pytest.mark.parametrize("name", STATES)
def test_feedsmith_reads_every_state(name: str) -> None:
    state = STATES[name]
    for found in parse_with_feedsmith(rendered(state)).values():
        assert_read(found, state)


def test_judges_read_real_records_that_break_things(recorded: Path) -> None:
    state = make_feed(*recorded_papers(recorded))
    bodies = rendered(state)
    for judge, formats in FEED_PARSERS.items():
        if judge != "feedparser":  # it mends what was misread as Latin-1 before it came to arXiv
            for suffix, read in formats.items():
                assert_read(read(bodies[suffix], suffix), state)
    for found in parse_with_feedsmith(bodies).values():
        assert_read(found, state)
