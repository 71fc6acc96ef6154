"""arXiv's OAI-PMH: the complete metadata, page by page.

Harvested in the format `arXivRaw`. The other one, `arXiv`, has separate authors, but names no
version: by the rules of `papers.model.merge` a statement without one loses to whatever an
announcement said of version 1, so it could never correct a text; and withdrawals are only in the
raw format's list of versions. The price is authors in one string (`author_string`). Dumps in either
format can be loaded.

A record's datestamp is the last change of its metadata, which may be a journal reference years
later: it dates the statement, not the publication.

https://info.arxiv.org/help/oa/index.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from urllib.parse import urlencode

from lxml import etree

from papers.config.settings import Seconds
from papers.errors import BadId, SourceGarbled, SourceIncomplete, SourceRefused
from papers.model.paper import Sighting
from workers.fetch.refusals import body_excerpt
from workers.sources.arxiv.oai_record import (
    FORBIDDEN_CONTROLS,
    OAI_NAMESPACE,
    RECORD_TAG,
    SAFE_PARSER_OPTIONS,
    oai_excerpt,
    sighting_from_oai,
)
from workers.sources.foreign_xml import clean_line
from workers.sources.result import RejectedRecord, UpstreamClients

METADATA_PREFIX: Final = "arXivRaw"
MAX_WAITS: Final = 3
"""Flow-control waits per page."""
MAX_FLOW_CONTROL_WAIT: Final[Seconds] = 100.0
"""Longer waits are refused; less than the rate limiter's own `max_wait`."""
_ROOT: Final = re.compile(rb"<(?:\w+:)?OAI-PMH\b")
_GROUPS: Final = frozenset({"cs", "econ", "eess", "math", "q-bio", "q-fin", "stat"})
"""Archives that are their own group; all others belong to physics."""


@dataclass(frozen=True, slots=True)
class HarvestRange:
    """What to harvest: datestamps from `since` to `until` (None: open end), of one set or all."""

    since: date
    until: date | None = None
    set: str = ""


@dataclass(frozen=True, slots=True)
class HarvestPage:
    """One page. `deleted` counts deleted records, which are ignored: papers are never deleted.

    `token` leads to the next page; `total` is the declared number of records in the whole list, if
    any. `token_expired`: arXiv does not know the token that was sent, and the list must be started
    again.
    """

    sightings: tuple[Sighting, ...] = ()
    rejected: tuple[RejectedRecord, ...] = ()
    deleted: int = 0
    token: str = ""
    total: int | None = None
    token_expired: bool = False

    @property
    def record_count(self) -> int:
        """The number of records on this page."""
        return len(self.sightings) + len(self.rejected) + self.deleted


def oai_set(category: str) -> str:
    """Return the set of a category: `cs:cs:AI`, `physics:astro-ph:CO`, `physics:hep-th`."""
    archive, _, subject = category.partition(".")
    group = archive if archive in _GROUPS else "physics"
    if subject:
        return f"{group}:{archive}:{subject}"
    return archive if archive in _GROUPS else f"{group}:{archive}"


def harvest_pages(
    harvest_range: HarvestRange, upstreams: UpstreamClients, now: datetime
) -> Iterator[HarvestPage]:
    """Harvest a whole list, page by page.

    Raises SourceError; SourceIncomplete if a token leads nowhere or in a circle, or if there are
    fewer records than the list declared.
    """
    token, seen, count, total = "", set[str](), 0, 0
    while True:
        page = fetch_harvest_page(harvest_range, token, upstreams, now)
        if page.token_expired or page.token in seen:
            raise SourceIncomplete(f"arXiv's OAI-PMH leads no further than token {token[:100]!r}")
        yield page
        count, total = count + page.record_count, page.total or total
        if not page.token:
            break
        seen.add(token := page.token)
    if count < total:
        raise SourceIncomplete(f"arXiv's OAI-PMH declares {total} records but gave {count}")


def fetch_harvest_page(
    harvest_range: HarvestRange, token: str, upstreams: UpstreamClients, now: datetime
) -> HarvestPage:
    """Fetch the first page of a list, or the one a token leads to. Raises SourceError.

    Waits if arXiv's flow control asks for a short delay.
    """
    url = f"{upstreams.settings.arxiv_oai_url}?{urlencode(_request_params(harvest_range, token))}"
    for waits_left in reversed(range(MAX_WAITS + 1)):
        try:
            response = upstreams.fetcher.get(
                url,
                now=now,
                accept="text/xml, application/xml;q=0.9",
            )
        except SourceRefused as error:
            if not (waits_left and is_flow_control(error)):
                raise
        else:
            return parse_harvest_page(response.body)
    raise AssertionError("the last refusal is raised")


def is_flow_control(error: SourceRefused) -> bool:
    """True for OAI-PMH's "retry in so many seconds"; the rate limiter waits them out."""
    return (
        error.status == 503
        and error.retry_after is not None
        and error.retry_after <= MAX_FLOW_CONTROL_WAIT
    )


def parse_harvest_page(body: bytes) -> HarvestPage:
    """Parse a page; an unreadable record is rejected alone.

    No match is an empty page. Raises SourceRefused for every other protocol error but an expired
    token, SourceGarbled, SourceIncomplete.
    """
    root = _parse_root(body)
    error = root.find(f"{OAI_NAMESPACE}error")
    if error is not None:
        return _handle_error(error.get("code", ""), clean_line(error.text))
    record_list = root.find(f"{OAI_NAMESPACE}ListRecords")
    if record_list is None:
        raise SourceGarbled("arXiv's OAI-PMH answered with no list of records")
    token = record_list.find(f"{OAI_NAMESPACE}resumptionToken")
    size = token.get("completeListSize", "") if token is not None else ""
    return _read_records(
        record_list.iterfind(RECORD_TAG),
        token=clean_line(token.text) if token is not None else "",
        total=int(size) if size.isdecimal() and len(size) < 12 else None,
    )


def _request_params(harvest_range: HarvestRange, token: str) -> dict[str, str]:
    if token:
        return {"verb": "ListRecords", "resumptionToken": token}
    params = {
        "verb": "ListRecords",
        "metadataPrefix": METADATA_PREFIX,
        "from": harvest_range.since.isoformat(),
    }
    if harvest_range.until:
        params["until"] = harvest_range.until.isoformat()
    return params | ({"set": harvest_range.set} if harvest_range.set else {})


def _parse_root(body: bytes) -> Any:
    start = _ROOT.search(body)
    if start is None:
        text = body_excerpt(body) or "nothing"
        raise SourceGarbled(f"the response is not OAI-PMH; it says: {text}")
    if b"<!DOCTYPE" in body[: start.start()].upper():
        raise SourceGarbled("the response has a DOCTYPE, which OAI-PMH does not use")
    try:
        return etree.fromstring(
            body.translate(None, FORBIDDEN_CONTROLS), etree.XMLParser(**SAFE_PARSER_OPTIONS)
        )
    except etree.XMLSyntaxError as error:
        if not body.rstrip().endswith(b"OAI-PMH>"):
            raise SourceIncomplete("arXiv's OAI-PMH answer was cut") from error
        raise SourceGarbled(f"arXiv's OAI-PMH answer is not well-formed XML: {error}") from error


def _handle_error(code: str, text: str) -> HarvestPage:
    if code == "noRecordsMatch":
        return HarvestPage()
    if code == "badResumptionToken":
        return HarvestPage(token_expired=True)
    reason = f"{code}: {text}" if text else code
    raise SourceRefused(f"arXiv's OAI-PMH says {reason}", status=400)


def _read_records(records: Iterator[Any], *, token: str, total: int | None) -> HarvestPage:
    sightings: list[Sighting] = []
    rejected: list[RejectedRecord] = []
    deleted = 0
    for record in records:
        try:
            sighting = sighting_from_oai(record)
        except (BadId, SourceGarbled) as error:
            rejected.append(RejectedRecord(str(error), oai_excerpt(record)))
            continue
        if sighting:
            sightings.append(sighting)
        else:
            deleted += 1
    return HarvestPage(tuple(sightings), tuple(rejected), deleted, token, total)
