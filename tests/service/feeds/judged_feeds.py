"""The feeds that every judge of feeds reads, one of each kind."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from papers.model.merge import merge
from papers.model.paper import Paper
from service.feeds.digest_entry import build_digest_entry
from service.feeds.entry import Entry, FeedItem
from service.feeds.event_entry import select_lead_pick
from service.feeds.feed import Feed
from tests.service.feeds.made import SITE, make_feed
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


def papers_with_odd_texts() -> list[Paper]:
    """Return papers with an odd text in every field."""
    return [
        make_paper(
            number, title=text, abstract=f"{text}\n  {text}", authors=(text, "B"), comment=text
        )
        for number, text in enumerate(TEXTS, 1)
    ]


def complete_paper() -> Paper:
    """Return a paper with a value in every field."""
    fields = {"comment": "9 pages", "journal_ref": "J. 1 & 2", "doi": "10.1/2<3>"}
    known = merge(
        merge(None, make_sighting(30, **fields)),
        make_pick(30)._replace(code="https://github.com/a/b?c=d&e=f"),
    )
    return merge(known, make_revision(30, 2, withdrawn=True, **fields))


def page_url(number: int) -> str:
    return f"{SITE}/feeds/k.atom?before=2611.{number:05}"


def digest_entry() -> FeedItem:
    ended_at = datetime(2026, 11, 21, tzinfo=UTC)
    url = f"{SITE}/k/k?since=2026-11-20&until=2026-11-20"
    return build_digest_entry(
        papers_with_odd_texts(),
        id=f"{SITE}#d",
        name="K < L",
        period_text="20 November",
        url=url,
        ended_at=ended_at,
    )


PAGES: Final = (("first", f"{SITE}/feeds/k.atom"), ("previous", page_url(9)), ("next", page_url(2)))

ARCHIVE: Final = (
    ("current", f"{SITE}/feeds/k.atom"),
    ("prev-archive", f"{SITE}/feeds/k/2026-09.atom"),
    ("next-archive", f"{SITE}/feeds/k/2026-11.atom"),
)

FEEDS: Final[dict[str, Feed]] = {
    "full": make_feed(*papers_with_odd_texts(), complete_paper()),
    "one": make_feed(make_paper(1)),
    "empty": make_feed(),
    "bare": make_feed(make_paper(1, title="", abstract="", authors=(), categories=())),
    "paged": make_feed(*papers_with_odd_texts(), paging_links=PAGES),
    "archive": make_feed(*papers_with_odd_texts(), paging_links=ARCHIVE, archive=True),
    "picked": make_feed(
        entries=(Entry(complete_paper(), lead_pick=select_lead_pick(complete_paper())),)
    ),
    "digest": make_feed(entries=(digest_entry(),)),
    "with a hub": make_feed(make_paper(1), hub_url="https://hub.example/"),
}
