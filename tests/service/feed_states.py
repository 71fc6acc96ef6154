"""Every state that a feed can be in, as paths of a site whose papers have odd texts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from redis import Redis

from papers.model.arxiv_id import ArxivId
from papers.model.paper import Sighting
from papers.redis_backend.event_sets import open_index
from papers.state.keywords import Keywords
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from papers.state.voting.pick_lists import PickLists
from papers.store import Store
from tests.service.made import (
    DAY,
    FIRST_ANNOUNCED,
    NOW,
    make_description,
    make_pick,
    make_revision,
    make_sighting,
)
from workers.tasks.pick_lists import PickListsTask

HOUR: Final = timedelta(hours=1)
TEXTS: Final = (
    "a < b and b > c, $x_i < y_j$ & so on, R&D by AT&T; 100% of it; a <= b",
    "日本語の論文 — 한국어 논문, 中文：大语言模型 العربية \u200fעברית\u200e \u202eback\u202c",
    "\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467 1\ufe0f\u20e3 \U0001d49c \U00020000",
    "e\u0301 \u212b \ufb01 soft\u00adhyphen zero\u200bwidth \u2028line\u2029 \ufeffmark",
    "a\x00b\x07c\x1b[31m\x7ff\x80\x85g\x9f \ufffe\uffff",
    "quotes \" and ' and “these” `and` \\ back/slash {braces} %s %(a)s {0} {{ 7*7 }} ]]>",
    r"$\frac{a}{b}$, $$\sum_{i=1}^n \sqrt{x_i} < \infty$$, \(\hat{x}\) and $\mathcal{O}(n\log n)$",
    r"$\alpha \leq \frac{1}{2}$ and \textbf{bold} 100\% of \$5 and $\left( broken, $\unknown{x}$",
    r"$\begin{matrix} a & b \\ c & d \end{matrix}$ and $\overline{x\text{ if } \"quoted\" < y}$",
    "word " * 60,
    "",
    "with <think> and <seg> and <k>",
)
MARKUP: Final = (
    "a &amp; b; &nbsp; &lt;p&gt; &#60;b&#62;",
    "<script>alert(1)</script> <![CDATA[ ]]&gt; <!-- a --> <?xml version='1.0'?>",
    "<b>bold</b> <a href='javascript:alert(1)'>x</a> <img src=x onerror=alert(1)> </p></div>",
)
"""Texts that look like HTML, which authors seldom write."""
SAVED: Final = {
    "Reward Model": '"reward model"',
    "One": 'ti:"number 13"',
    "Nothing": "nosuchwordanywhere",
    "A < B & “C”": "reward",
}
FEED_STATES: Final = {
    "saved keyword": "/feeds/reward-model.{}",
    "saved keyword, hostile name": "/feeds/a-b-c.{}",
    "one entry": "/feeds/one.{}",
    "empty": "/feeds/nothing.{}",
    "first page": "/feeds/reward-model.{}?n=5",
    "second page": "/feeds/reward-model.{}?before=2611.00009&n=5",
    "last page": "/feeds/reward-model.{}?before=2609.00004&n=5",
    "month archive": "/feeds/reward-model/2026-10.{}",
    "previous archive": "/feeds/reward-model/2026-09.{}",
    "day archive": "/feeds/reward-model/2026-11-02.{}",
    "search": "/feeds/search.{}?q=reward+model",
    "search, hostile query": "/feeds/search.{}?q=%22a+%3C+b+%26+c%22+OR+reward+-survey",
    "dated search": "/feeds/search.{}?q=reward&since=2026-11-01&until=2026-11-14",
    "pasted paper": "/feeds/search.{}?q=2611.00003",
    "several keywords": "/feeds/search.{}?k=one&k=reward-model",
    "picked": "/feeds/search.{}?q=reward&when=picked",
    "picked by one community": "/feeds/search.{}?q=reward&source=hf&when=picked",
    "revised": "/feeds/search.{}?q=reward&when=revised",
    "withdrawn": "/feeds/search.{}?q=reward&when=withdrawn",
    "code": "/feeds/search.{}?q=reward&when=code",
    "digest of days": "/feeds/reward-model.{}?digest=day",
    "digest of weeks": "/feeds/search.{}?digest=week&q=reward",
    "picked list": "/feeds/picked.{}",
    "daily list": "/feeds/daily.{}",
    "weekly list": "/feeds/weekly.{}",
    "monthly list": "/feeds/monthly.{}",
    "trending list": "/feeds/trending.{}",
    "filtered list": "/feeds/trending.{}?min_votes=20&q=reward",
    "empty list": "/feeds/weekly.{}?q=nosuchwordanywhere",
    "paper with one version": "/papers/2611.00013.{}",
    "paper with a whole life": "/papers/2611.00014.{}",
    "paper described by a community": "/papers/2611.00040.{}",
}
"""Name of each state → its path, with a gap for the format."""


def fill_store(redis: Redis, texts: Sequence[str] = TEXTS) -> None:
    """Save keywords and ingest papers with these texts, so that no state is empty by accident."""
    open_index(redis, datetime(2026, 9, 1, tzinfo=UTC))
    keywords, store = Keywords(redis), Store(redis)
    for name, query in SAVED.items():
        keywords.add(name, query, now=NOW)
    for month in (9, 10, 11):
        first = datetime(2026, month, 2, 5, tzinfo=UTC)
        store.ingest([_odd(month, n, first + n * HOUR, texts) for n in range(1, 13)], now=first)
    picks = [make_pick(n, votes=9 * n, picked_at=FIRST_ANNOUNCED + n * HOUR) for n in range(1, 13)]
    store.ingest(picks, now=FIRST_ANNOUNCED + DAY)
    store.ingest([make_sighting(13), *_whole_life(14)], now=NOW - DAY)
    store.ingest([_community_words(40)], now=NOW - DAY)
    lists = PickListsTask(store, PickLists(redis))
    for now in (FIRST_ANNOUNCED - 60 * DAY, NOW - HOUR, NOW):
        [*lists.fetch("", None, now)]  # type: ignore[arg-type]  # asks no upstream
    PickLists(redis).join("monthly", [ArxivId(202611, n) for n in range(1, 13)], now=NOW)
    late = TaskState("announcements:cs.CL", TaskStatus.FAILING, NOW - 9 * DAY, NOW - 9 * DAY)
    TaskStates(redis).save(late)


def _odd(month: int, number: int, at: datetime, texts: Sequence[str]) -> Sighting:
    """Return a paper with an odd text in every field."""
    text = texts[(number - 1) % len(texts)]
    return make_sighting(
        number,
        id=ArxivId(202600 + month, number),
        title=f"{text} reward model {number}"[:400],
        abstract=f"A reward model. {text}\n\n  {text}",
        authors=(text[:200], "B, C and D", "O'Neil"),
        comment=text,
        journal_ref=text,
        doi=f"10.1/{number}<&>",
        announced_at=at,
        as_of=at,
    )


def _whole_life(number: int) -> list[Sighting]:
    late = make_description(number, 3, withdrawn=True)
    club = make_pick(number, "club", votes=None, comments=None, url="", discussion="")
    return [
        make_sighting(number),
        make_pick(number, votes=40, thumbnail="https://a.example/b.png?c=d&e=f"),
        club,
        make_pick(number)._replace(code="https://github.com/a/b?c=d&e=f", pick=None),
        make_revision(number, 2, abstract=f"{TEXTS[6]} Better."),
        make_revision(number, 3, withdrawn=True),
        late._replace(as_of=NOW - DAY),
    ]


def _community_words(number: int) -> Sighting:
    at = NOW - 2 * DAY
    pick = make_pick(number, "club", picked_at=at, votes=30, counted_at=at)
    return pick._replace(title=f"{TEXTS[0]} reward", abstract=TEXTS[1], as_of=at)
