from __future__ import annotations

from datetime import UTC, datetime
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.sources.community import parse_community_feed
from workers.sources.community_counts import EntryCounts, entry_counts
from workers.sources.feed_entries import read_entries

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NAMESPACES = (
    'xmlns:slash="http://purl.org/rss/1.0/modules/slash/" '
    'xmlns:thr="http://purl.org/syndication/thread/1.0"'
)


def rss(inside: str) -> bytes:
    item = f"<item><title>A</title><link>https://arxiv.org/abs/2511.01231</link>{inside}</item>"
    return (
        f'<rss version="2.0" {NAMESPACES}><channel><title>t</title>{item}</channel></rss>'.encode()
    )


def described(text: str) -> str:
    return f"<description>{escape(text)}</description>"


def counts_of(body: bytes) -> EntryCounts:
    return entry_counts(next(read_entries(body).entries))


HNRSS = (
    '<p>Article URL: <a href="https://arxiv.org/abs/2511.01231">https://arxiv.org/abs/2511.01231</a>'
    '</p><p>Comments URL: <a href="https://news.ycombinator.com/item?id=46259064">x</a></p>'
    "<p>Points: 212</p><p># Comments: 87</p>"
)
STATED: list[tuple[str, int | None, int | None]] = [
    (described(HNRSS), 212, 87),
    (described(HNRSS.replace("212", "0").replace("87", "0")), 0, 0),
    (described(HNRSS.replace("212", "1,212")), 1_212, 87),
    ("<slash:comments>5</slash:comments>", None, 5),
    ("<thr:total>7</thr:total>", None, 7),
    ("<slash:comments>5</slash:comments>" + described(HNRSS), 212, 5),
    ("<score>12</score><num_comments>3</num_comments>", 12, 3),
    ("<ups>12</ups>", 12, None),
    (described('submitted by <a href="https://x/">/u/a</a> | 12 points | 3 comments'), 12, 3),
    (described("<span>1 point</span> by someone | <a>1 comment</a>"), 1, 1),
    (described("Score: 45\nComments: 6"), 45, 6),
    (described("<p>A text.</p><p><a href='https://lobste.rs/s/a'>Comments</a></p>"), None, None),
    # no counts
    (described("We beat it by 12 points and cite 3 comments of reviewers."), None, None),
    (described("Points: many"), None, None),
    (described("Points: -5"), None, None),
    (described("Points: 3.5"), None, None),
    (described("Points: 99999999999"), None, None),
    (described("The 7 pointsman"), None, None),
    ("<score>high</score><slash:comments>-1</slash:comments>", None, None),
    ("<score>١٢</score>", None, None),
    ("", None, None),
]


@pytest.mark.parametrize(("inside", "votes", "comments"), STATED)
def test_counts_that_an_entry_states(inside: str, votes: int | None, comments: int | None) -> None:
    assert counts_of(rss(inside)) == EntryCounts(votes, comments)


def test_counts_of_links_to_discussions() -> None:
    link = '<link rel="replies" href="https://x.example/" thr:count="4"/>'
    entry = f"<entry><id>u:1</id><title>A</title>{link}</entry>"
    feed = f'<feed xmlns="http://www.w3.org/2005/Atom" {NAMESPACES}><title>t</title>{entry}</feed>'
    assert counts_of(feed.encode()) == EntryCounts(None, 4)


def test_what_an_entry_quotes_does_not_beat_what_its_feed_states() -> None:
    quoted = "<p>Points: 3</p><blockquote>an old one</blockquote>" + HNRSS
    assert counts_of(rss(described(quoted))) == EntryCounts(212, 87)


def test_a_pick_has_the_counts_of_its_entry() -> None:
    (sighting,) = parse_community_feed(rss(described(HNRSS)), "news", NOW).sightings
    assert sighting.pick
    assert (sighting.pick.votes, sighting.pick.comments) == (212, 87)
    assert sighting.pick.counted_at == NOW
    (uncounted,) = parse_community_feed(rss(""), "news", NOW).sightings
    assert uncounted.pick
    assert (uncounted.pick.votes, uncounted.pick.counted_at) == (None, None)


@given(st.text(), st.text())
def test_odd_entries_raise_nothing(element: str, text: str) -> None:
    inside = f"<score>{escape(element)}</score>{described(text)}"
    votes, comments = counts_of(rss(inside))
    assert all(count is None or count >= 0 for count in (votes, comments))


def test_long_texts_take_little_time() -> None:
    assert counts_of(rss(described("12 points " * 20_000 + HNRSS))) == EntryCounts(212, 87)
    assert counts_of(rss(described("<" * 30_000))) == EntryCounts()
