"""arXiv's OAI-PMH: the complete truth, page by page.

Asked for in the format `arXivRaw`. The other one, `arXiv`, has the authors apart, but names no
version: by the rules of `papers.model.merge` a statement without one loses to whatever an
announcement said of version 1, so it could never mend a text; and withdrawals are only in the raw
form's list of versions. The price is authors in one string (`author_string`). Dumps in either
format are read.

A record's datestamp is the last change of its metadata, which may be a journal reference years
later: the moment the statement is of, and nobody's date of publication.

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
"""How often one page is waited for."""
MAX_FLOW_CONTROL_WAIT: Final[Seconds] = 100.0
"""Less than a turn in the lane is waited for."""
_ROOT: Final = re.compile(rb"<(?:\w+:)?OAI-PMH\b")
_GROUPS: Final = frozenset({"cs", "econ", "eess", "math", "q-bio", "q-fin", "stat"})
"""Archives that are a group of their own; all others are physics."""


@dataclass(frozen=True, slots=True)
class HarvestRange:
    """What is asked for: datestamps from `since` to `until` (None: no end), of one set or all."""

    since: date
    until: date | None = None
    set: str = ""


@dataclass(frozen=True, slots=True)
class HarvestPage:
    """One page. `deleted` records say nothing: a paper is never deleted here.

    `token` leads to the next page; `total` is how many records the whole list has, where arXiv
    says. `expired`: arXiv does not know the token that was sent; the list is to be begun again.
    """

    sightings: tuple[Sighting, ...] = ()
    rejected: tuple[RejectedRecord, ...] = ()
    deleted: int = 0
    token: str = ""
    total: int | None = None
    token_expired: bool = False

    @property
    def record_count(self) -> int:
        """Records on this page."""
        return len(self.sightings) + len(self.rejected) + self.deleted


def oai_set(category: str) -> str:
    """The set of a category: `cs:cs:AI`, `physics:astro-ph:CO`, `physics:hep-th`."""
    archive, _, subject = category.partition(".")
    group = archive if archive in _GROUPS else "physics"
    if subject:
        return f"{group}:{archive}:{subject}"
    return archive if archive in _GROUPS else f"{group}:{archive}"


def harvest_pages(
    span: HarvestRange, upstreams: UpstreamClients, now: datetime
) -> Iterator[HarvestPage]:
    """A whole list, page by page.

    Raises SourceError; SourceIncomplete where a token ceases to lead on, and where less came than
    the list declared.
    """
    token, seen, got, total = "", set[str](), 0, 0
    while True:
        harvest = fetch_harvest_page(span, token, upstreams, now)
        if harvest.token_expired or harvest.token in seen:
            raise SourceIncomplete(f"arXiv's OAI-PMH leads no further than token {token[:100]!r}")
        yield harvest
        got, total = got + harvest.record_count, harvest.total or total
        if not harvest.token:
            break
        seen.add(token := harvest.token)
    if got < total:
        raise SourceIncomplete(f"arXiv's OAI-PMH declares {total} records but gave {got}")


def fetch_harvest_page(
    span: HarvestRange, token: str, upstreams: UpstreamClients, now: datetime
) -> HarvestPage:
    """The first page of a list, or the one a token leads to. Raises SourceError.

    Where arXiv's flow control says when to come back, and that is soon, it is waited for.
    """
    url = f"{upstreams.settings.arxiv_oai_url}?{urlencode(_request_params(span, token))}"
    for waits_left in reversed(range(MAX_WAITS + 1)):
        try:
            answer = upstreams.fetcher.get(
                url,
                now=now,
                accept="text/xml, application/xml;q=0.9",
                throttle=upstreams.arxiv_limiter.acquire,
            )
        except SourceRefused as error:
            if not (waits_left and is_flow_control(error)):
                raise
        else:
            return parse_harvest_page(answer.body)
    raise AssertionError("the last refusal is raised")


def is_flow_control(error: SourceRefused) -> bool:
    """Whether a refusal is OAI-PMH's "come back in so many seconds"; the lane waits them out."""
    return (
        error.status == 503
        and error.retry_after is not None
        and error.retry_after <= MAX_FLOW_CONTROL_WAIT
    )


def parse_harvest_page(body: bytes) -> HarvestPage:
    """A page; a record that cannot be read is set aside, alone.

    Nothing that matches is an empty page. Raises SourceRefused for every other error of the
    protocol but a stale token, SourceGarbled, SourceIncomplete.
    """
    root = _parse_root(body)
    error = root.find(f"{OAI_NAMESPACE}error")
    if error is not None:
        return _handle_error(error.get("code", ""), clean_line(error.text))
    listed = root.find(f"{OAI_NAMESPACE}ListRecords")
    if listed is None:
        raise SourceGarbled("arXiv's OAI-PMH answered with no list of records")
    token = listed.find(f"{OAI_NAMESPACE}resumptionToken")
    size = token.get("completeListSize", "") if token is not None else ""
    return _read_records(
        listed.iterfind(RECORD_TAG),
        token=clean_line(token.text) if token is not None else "",
        total=int(size) if size.isdecimal() and len(size) < 12 else None,
    )


def _request_params(span: HarvestRange, token: str) -> dict[str, str]:
    if token:
        return {"verb": "ListRecords", "resumptionToken": token}
    asked = {
        "verb": "ListRecords",
        "metadataPrefix": METADATA_PREFIX,
        "from": span.since.isoformat(),
    }
    if span.until:
        asked["until"] = span.until.isoformat()
    return asked | ({"set": span.set} if span.set else {})


def _parse_root(body: bytes) -> Any:
    start = _ROOT.search(body)
    if start is None:
        said = body_excerpt(body) or "nothing"
        raise SourceGarbled(f"the answer is no OAI-PMH; it says: {said}")
    if b"<!DOCTYPE" in body[: start.start()].upper():
        raise SourceGarbled("the answer has a DOCTYPE, which OAI-PMH has not")
    try:
        return etree.fromstring(
            body.translate(None, FORBIDDEN_CONTROLS), etree.XMLParser(**SAFE_PARSER_OPTIONS)
        )
    except etree.XMLSyntaxError as error:
        if not body.rstrip().endswith(b"OAI-PMH>"):
            raise SourceIncomplete("arXiv's OAI-PMH answer was cut") from error
        raise SourceGarbled(f"arXiv's OAI-PMH answer is no well-formed XML: {error}") from error


def _handle_error(code: str, said: str) -> HarvestPage:
    if code == "noRecordsMatch":
        return HarvestPage()
    if code == "badResumptionToken":
        return HarvestPage(token_expired=True)
    reason = f"{code}: {said}" if said else code
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
