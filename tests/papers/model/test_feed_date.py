from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from papers.model.arxiv_calendar import EASTERN, feed_date
from papers.model.arxiv_id import ArxivId

MIDNIGHTS = st.dates(date(1992, 1, 1), date(2089, 12, 31)).map(
    lambda day: datetime.combine(day, time(), EASTERN).astimezone(UTC)
)
IDS = st.builds(
    ArxivId,
    st.builds(lambda year, month: year * 100 + month, st.integers(1991, 2089), st.integers(1, 12)),
    st.integers(1, 65_535),
)
WINTER = datetime(2026, 12, 1, 5, tzinfo=UTC)
SUMMER = datetime(2026, 7, 1, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)


@given(MIDNIGHTS, st.lists(IDS, unique=True, max_size=20))
@example(WINTER, [ArxivId(202612, 65_535), ArxivId(202701, 1), ArxivId(208912, 65_535)])
@example(WINTER, [ArxivId(202611, 29_999), ArxivId(202611, 30_000), ArxivId(202611, 65_535)])
@example(WINTER, [ArxivId(201003, 65_535), ArxivId(201004, 1), ArxivId(201005, 1)])
@example(WINTER, [ArxivId(199108, 1), ArxivId(199108, 2), ArxivId(201002, 65_535)])
@example(WINTER, [ArxivId(202610, 65_535), ArxivId(202611, 1)])
def test_dates_of_an_announcement_rise_with_the_ids(midnight: datetime, ids: list[ArxivId]) -> None:
    dates = [feed_date(id, midnight) for id in sorted(ids)]
    assert dates == sorted(set(dates))


@given(MIDNIGHTS, IDS)
def test_date_is_on_the_same_day_within_four_hours_before(midnight: datetime, id: ArxivId) -> None:
    dated = feed_date(id, midnight)
    assert midnight - 4 * HOUR <= dated < midnight
    assert dated.date() == midnight.date()
    month = midnight.year * 100 + midnight.month
    assert (dated < midnight - 2 * HOUR) == (id.month < month)
    assert dated.tzinfo is UTC


@given(st.integers(0, 9), st.lists(st.integers(1, 29_999), unique=True, min_size=2, max_size=9))
def test_usual_ids_differ_in_milliseconds(months_before: int, numbers: list[int]) -> None:
    month = SUMMER.year * 100 + 7 - months_before if months_before < 7 else 202512
    dates = [feed_date(ArxivId(month, number), SUMMER) for number in sorted(numbers)]
    shown = [moment.isoformat(timespec="milliseconds") for moment in dates]
    assert shown == sorted(set(shown))


def test_other_times_keep_their_second_and_differ_in_order_of_ids() -> None:
    picked = datetime(2026, 11, 2, 9, 30, 7, 654_321, tzinfo=UTC)
    dates = [feed_date(ArxivId(202611, number), picked) for number in (1, 2, 65_535)]
    assert dates == sorted(set(dates))
    assert {moment.replace(microsecond=0) for moment in dates} == {picked.replace(microsecond=0)}


@given(IDS, MIDNIGHTS, MIDNIGHTS)
def test_dates_of_two_announcements_are_in_their_order(
    id: ArxivId, a: datetime, b: datetime
) -> None:
    assert (feed_date(id, a) < feed_date(id, b)) == (a < b)
