"""The task `announcements:CATEGORY`: new papers, completed by OAI-PMH before anybody sees them.

arXiv's feeds have no comment, and the authors in one string. Shown as they are, each paper of the
day would change before its readers' eyes a few hours later, when the reconciliation brings the
rest. So the announcements of a category are stored together with the OAI-PMH records of the same
papers: one more request per category and day. If OAI-PMH fails, or does not have them yet, the
announcements are stored alone, and the reconciliation completes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from papers.errors import SourceError
from papers.model.paper import Sighting
from workers.sources.arxiv import announcements, oai
from workers.sources.arxiv.oai import HarvestRange, oai_set
from workers.sources.result import FetchResult, UpstreamClients

MAX_OAI_PAGES: Final = 2
"""Pages of OAI-PMH, of 2,500 records: more than a category has in two days."""

_DAY: Final = timedelta(days=1)
"""Datestamps are days of UTC, announcements days of Eastern time."""


def fetch_completed_announcements(
    subject: str, upstreams: UpstreamClients, now: datetime
) -> Iterator[FetchResult]:
    """Yield the announcements of a category, `subject`, completed. Raises SourceError."""
    for result in announcements.fetch_announcements(subject, upstreams, now):
        is_fresh = result.sightings and result.day and not result.stale
        if result.day and is_fresh and upstreams.settings.arxiv_oai_url:
            yield _add_oai_records(result, result.day, subject, upstreams, now)
        else:
            yield result


def _add_oai_records(
    result: FetchResult, day: date, category: str, upstreams: UpstreamClients, now: datetime
) -> FetchResult:
    """Add the OAI-PMH records of a result's papers; a failure is only mentioned in the message."""
    missing = {sighting.id for sighting in result.sightings}
    completing: list[Sighting] = []
    harvest_range = HarvestRange(day - _DAY, set=oai_set(category))
    try:
        for number, page in enumerate(oai.harvest_pages(harvest_range, upstreams, now), start=1):
            found = [sighting for sighting in page.sightings if sighting.id in missing]
            completing += found
            missing -= {sighting.id for sighting in found}
            if not missing or number == MAX_OAI_PAGES:
                break
    except SourceError as error:
        result = replace(
            result, message=f"{result.message}; what OAI-PMH adds comes later: {error}"
        )
    return replace(result, sightings=(*result.sightings, *completing))
