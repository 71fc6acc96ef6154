from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from papers.model.arxiv_calendar import feed_date
from papers.model.arxiv_id import ArxivId
from papers.model.merge import merge
from papers.model.paper import AnnounceType, Channel, Paper
from service.feeds.content import MAX_FOOTER_AUTHORS
from service.feeds.entry import Entry
from service.feeds.event_entry import select_lead_pick
from service.feeds.paper_feed import paper_entries
from tests.service.feeds.made import FOOTER
from tests.service.made import (
    DAY,
    FIRST_ANNOUNCED,
    make_cross_list,
    make_description,
    make_paper,
    make_pick,
    make_revision,
    make_sighting,
)


def merged(*sightings: object) -> Paper:
    record = None
    for sighting in sightings:
        record = merge(record, sighting)  # type: ignore[arg-type]
    assert record
    return record


def compared(entry: Entry) -> tuple[object, ...]:
    """Return what readers compare to decide whether an entry was modified."""
    stable = [link for link in entry.links if link.rel in ("alternate", "enclosure")]
    return (
        *(entry.id, entry.title, entry.authors, entry.summary, entry.content.xhtml),
        *(entry.content.text, entry.categories),
        *(stable, entry.published, entry.updated, entry.source),
    )


def test_entry_has_the_fields_from_arxiv() -> None:
    entry = Entry(make_paper(7, comment="9 pages", journal_ref="J. 1", doi="10.1/2"))
    assert entry.id == "https://arxiv.org/abs/2611.00007"
    assert entry.title == "Reward model number 7"
    assert entry.summary == "We reason about $x_7$ where a < b & c > d."
    assert entry.authors == ("Ada Lovelace", "José Ørsted")
    announced = FIRST_ANNOUNCED + 6 * DAY
    assert entry.published == entry.updated == feed_date(ArxivId(202611, 7), announced)
    assert [(c.term, c.label) for c in entry.categories] == [
        ("cs.CL", "Computation and Language"),
        ("cs.AI", "Artificial Intelligence"),
    ]
    assert entry.content.xhtml == (
        "<p>We reason about x<sub>7</sub> where a &lt; b &amp; c &gt; d.</p>"
        "<p><strong>Comments:</strong> 9 pages</p><p><strong>Journal reference:</strong> J. 1</p>"
        + FOOTER.format(id="2611.00007")
    )
    assert entry.content.text == (
        "We reason about $x_7$ where a < b & c > d.\n\nComments: 9 pages\n\nJournal reference: J. 1"
        "\n\nAuthors: Ada Lovelace, José Ørsted\nCategories: cs.CL, cs.AI\n"
        "PDF: https://arxiv.org/pdf/2611.00007\narXiv: https://arxiv.org/abs/2611.00007"
    )
    assert (entry.source.id, entry.source.url) == (
        "http://rss.arxiv.org/atom/cs.CL",
        "https://rss.arxiv.org/atom/cs.CL",
    )


def test_later_journal_reference_changes_nothing_readers_compare() -> None:
    first = merge(None, make_revision(1, 2))
    later = merge(first, make_description(1, 2))
    assert compared(Entry(later)) == compared(Entry(first))
    assert (Entry(later).journal_ref, Entry(later).doi) == ("J. Late 1 (2027)", "10.1/late")


def test_footer_has_what_was_announced() -> None:
    """A cross-list that comes later waits for the next version, in the footer as in the tags."""
    first = merged(make_sighting(1))
    crossed = merge(first, make_cross_list(1, 1))
    assert "cs.CY" in crossed.categories
    assert compared(Entry(crossed)) == compared(Entry(first))
    assert "Categories: cs.CL, cs.AI\n" in Entry(crossed).content.text


def test_footer_names_a_limited_number_of_authors() -> None:
    names = tuple(f"Author {number}" for number in range(3_000))
    text = Entry(make_paper(1, authors=names)).content.text
    assert f"Author {MAX_FOOTER_AUTHORS - 1} and 2,800 more" in text.replace("2800", "2,800")


def test_title_is_plain_text_and_the_paper_keeps_its_tex() -> None:
    written = r"On Schr\"odinger's $\alpha$ and $\frac{a}{b}$"
    entry = Entry(make_paper(1, title=written))
    assert entry.title == r"On Schrödinger's α and $\frac{a}{b}$"
    assert entry.paper.title == written


def test_new_version_changes_updated_but_not_published() -> None:
    first, second = make_paper(1), merged(make_sighting(1), make_revision(1, 2, title="Better"))
    assert Entry(second).id == Entry(first).id
    assert Entry(second).published == Entry(first).published
    assert Entry(second).updated > Entry(first).updated
    assert Entry(second).title == "Better"


def test_withdrawal_marks_title_and_category() -> None:
    entry = Entry(merged(make_sighting(1), make_revision(1, 2, withdrawn=True)))
    assert entry.title == "[Withdrawn] Reward model number 1"
    assert entry.categories[-1].term == "withdrawn"
    assert entry.categories[-1].scheme == ""


@pytest.mark.parametrize(
    "later",
    [
        make_pick(1),
        make_pick(1, votes=99, comments=40, counted_at=FIRST_ANNOUNCED + 9 * DAY),
        make_pick(1, "ours", url="https://ours.example/1"),
        make_pick(1)._replace(code="https://github.com/a/b", project="https://a.example"),
    ],
)
def test_communities_change_nothing_readers_compare(later: object) -> None:
    before, after = Entry(make_paper(1)), Entry(merged(make_sighting(1), later))
    assert compared(before) == compared(after)
    assert before.links != after.links


def test_links_carry_rel_and_type() -> None:
    pick = make_pick(1)._replace(code="https://github.com/a/b", project="javascript:alert(1)")
    entry = Entry(merged(make_sighting(1), pick))
    assert [(link.rel, link.type, link.title, link.comments) for link in entry.links] == [
        ("alternate", "text/html", "Abstract", None),
        ("related", "application/pdf", "PDF", None),
        ("related", "text/html", "Code", None),
        ("via", "text/html", "Hugging Face Daily Papers", None),
        ("replies", "text/html", "Discussion at Hugging Face Daily Papers", 2),
    ]
    assert entry.discussion_url.endswith("#community")
    assert entry.comments == 2
    assert entry.votes == 5


def test_content_begins_with_the_pick_in_feeds_of_picks_only() -> None:
    record = merged(make_sighting(1), make_pick(1, thumbnail="https://t.example/1.png"))
    entry = Entry(record, lead_pick=select_lead_pick(record))
    assert entry.content.text.startswith("Picked by Hugging Face Daily Papers on 2026-11-02.")
    assert "vote" not in entry.content.xhtml
    assert entry.thumbnail == "https://t.example/1.png"
    picked_at = dated_in_feeds(record.first_picked_at, 1)
    assert entry.last_activity_at == entry.updated == entry.published == picked_at
    assert entry.updated > Entry(record).updated == Entry(record).published
    assert Entry(record).thumbnail == ""


def test_lead_pick_is_the_communitys_or_the_earliest() -> None:
    record = merged(
        make_sighting(1), make_pick(1), make_pick(1, "ours", picked_at=FIRST_ANNOUNCED + 3 * DAY)
    )
    by = {c: lead.community for c in ("", "ours", "arxiv") if (lead := select_lead_pick(record, c))}
    assert by == {"": "hf", "ours": "ours", "arxiv": "hf"}
    assert select_lead_pick(make_paper(1)) is None


def test_hostile_text_is_escaped() -> None:
    entry = Entry(
        make_paper(
            1,
            title="<script>alert(1)</script>\x00\ud800",
            abstract="<img src=x onerror=alert(1)>\n\n]]>",
            authors=("<b>A</b>", "\x01", ":", "and", "B\x02"),
        )
    )
    assert entry.title == "<script>alert(1)</script>"
    assert entry.authors == ("<b>A</b>", "B")
    assert entry.content.xhtml.startswith(
        "<p>&lt;img src=x onerror=alert(1)&gt;</p><p>]]&gt;</p>"
        "<p><strong>Authors:</strong> &lt;b&gt;A&lt;/b&gt;, B<br/>"
    )


def test_paper_known_from_a_community_only() -> None:
    described = make_pick(3)._replace(title="Only here", categories=(), channel=Channel.HUGGINGFACE)
    entry = Entry(merged(described))
    assert (entry.source.id, entry.source.title, entry.source.url) == (
        "https://huggingface.co/papers",
        "Hugging Face Daily Papers",
        "https://huggingface.co/papers",
    )
    ours = make_pick(3, "ours")._replace(title="Only here", categories=())
    assert Entry(merged(ours)).source.title == "arXiv.org"
    assert Entry(make_paper(1, categories=())).source.title == "arXiv.org"
    assert Entry(merged(make_pick(3))).title == "2611.00003"


def test_community_words_are_marked_as_such_and_escaped_once() -> None:
    ours = make_pick(3, "ours & <co>")._replace(title="A <b>", abstract="x < y &amp; z")
    entry = Entry(merged(ours))
    assert entry.title == "[Community's title] A <b>"
    note = "In the words of ours & <co>: arXiv has not described this paper yet."
    assert entry.content.text.startswith(f"{note}\n\nx < y &amp; z\n\n")
    assert entry.content.xhtml.startswith("<p><em>In the words of ours &amp; &lt;co&gt;: ")
    assert "<p>x &lt; y &amp;amp; z</p>" in entry.content.xhtml
    arxiv = Entry(merged(ours, make_sighting(3)))
    assert (arxiv.id, arxiv.title) == (entry.id, "Reward model number 3")
    assert arxiv.content == Entry(merged(make_sighting(3))).content


def dated_in_feeds(moment: datetime | None, number: int) -> datetime:
    """Return a time as feeds date it: papers of one second are apart by their numbers."""
    assert moment
    return moment + timedelta(microseconds=10 * number)


def test_a_pick_dates_the_entry_in_a_feed_of_picks_for_good() -> None:
    named = make_pick(3, "ours")._replace(title="Only here")
    for known in (merged(named), merged(named, make_sighting(3))):
        entry = Entry(known, lead_pick=known.picks[0])
        assert entry.published == dated_in_feeds(known.picks[0].picked_at, 3)
        assert entry.updated == entry.published
    revised = merged(named, make_sighting(3), make_revision(3, 2))
    entry = Entry(revised, lead_pick=revised.picks[0])
    assert entry.published == dated_in_feeds(revised.picks[0].picked_at, 3)
    assert entry.updated == Entry(revised).updated


def test_cross_list_does_not_change_the_entry() -> None:
    crossed = make_sighting(1, announce_type=AnnounceType.CROSS, categories=("cs.CL", "stat.ML"))
    entry = Entry(merged(make_sighting(1), crossed))
    assert (entry.id, entry.updated) == (Entry(make_paper(1)).id, Entry(make_paper(1)).updated)


def test_code_and_pages_of_the_texts_are_links_that_readers_do_not_compare() -> None:
    comment = "Code: https://github.com/a/b, project page: https://a.github.io"
    data = "Data will be at https://huggingface.co/datasets/a/b"
    entry = Entry(make_paper(1, comment=comment, abstract=data))
    related = [(link.href, link.title) for link in entry.links if link.rel == "related"]
    assert related[1:] == [
        ("https://github.com/a/b", "Code"),
        ("https://a.github.io", "Project page"),
        ("https://huggingface.co/datasets/a/b", "Data (announced)"),
    ]


def test_code_that_a_community_names_changes_nothing_readers_compare() -> None:
    pick = make_pick(1)._replace(code="https://github.com/a/b", project="https://a.github.io")
    first = merged(make_sighting(1))
    assert compared(Entry(merge(first, pick))) == compared(Entry(first))


def test_no_two_entries_of_a_papers_own_feed_have_one_date() -> None:
    at = FIRST_ANNOUNCED + 9 * DAY
    picks = [make_pick(1, name, picked_at=at) for name in ("hf", "ours", "theirs")]
    picked = [pick._replace(as_of=at, code="https://github.com/a/b") for pick in picks]
    paper = merged(make_sighting(1), *picked, make_revision(1, 2))
    dates = [entry.updated for entry in paper_entries(paper)]
    assert len(dates) == 6
    assert dates == sorted(set(dates), reverse=True)
