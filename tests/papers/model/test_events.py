"""The dates of what happens to a paper."""

from __future__ import annotations

import pytest

from papers.model.dates import published_at
from papers.model.events import revision_event
from papers.model.paper import Paper, Revision
from tests.papers.model.sighting_builders import DAY, FRIDAY, announced, merged


def paper() -> Paper:
    """A paper that is announced on Friday."""
    return merged(announced(announced_at=FRIDAY, as_of=FRIDAY))


@pytest.mark.parametrize(("days", "shown"), [(-3, 0), (0, 0), (2, 2)])
def test_version_is_never_announced_before_its_paper(days: int, shown: int) -> None:
    seconds = int((FRIDAY + days * DAY).timestamp())
    event = revision_event(paper(), Revision(2, False, -seconds))
    assert published_at(paper()) == FRIDAY
    assert (event.at, event.version) == (FRIDAY + shown * DAY, 2)


def test_paper_without_an_announcement_is_revised_when_its_version_is_dated() -> None:
    submitted = paper()._replace(announced_at=None, submitted_at=FRIDAY - 300 * DAY)
    event = revision_event(submitted, Revision(3, True, -int(FRIDAY.timestamp())))
    assert event.at == FRIDAY
