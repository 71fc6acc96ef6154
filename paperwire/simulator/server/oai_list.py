"""The ListRecords endpoint of OAI-PMH: selection, paging and protocol errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from paperwire.simulator.formats import oai_feed
from paperwire.simulator.server.messages import SimulatorReply, SimulatorRequest
from paperwire.simulator.world import simulated_days
from paperwire.simulator.world.manuscripts import Preprint
from paperwire.simulator.world.world import World

XML: Final = "text/xml; charset=utf-8"
OAI_PAGE_SIZE: Final = 2_500
METADATA_PREFIX: Final = "arXivRaw"
_ARGUMENTS: Final = frozenset({"verb", "metadataPrefix", "from", "until", "set"})


class OaiError(Exception):
    """A protocol error: its code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True, slots=True)
class _ListRequest:
    since: str
    until: str
    set: str
    cursor: int = 0

    @property
    def token(self) -> str:
        """The resumption token: it encodes the whole request, as arXiv's tokens do."""
        return "|".join((self.since, self.until, self.set, str(self.cursor)))


def list_records(world: World, request: SimulatorRequest, page_size: int) -> SimulatorReply:
    """Answer a request with one page of records, or with a protocol error."""
    try:
        body = _page(world, request, page_size)
    except OaiError as error:
        body = oai_feed.render_oai_error({}, error.code, error.message, request.now)
    return SimulatorReply(body, 200, XML)


def _page(world: World, request: SimulatorRequest, page_size: int) -> bytes:
    arguments = request.query
    if arguments.get("verb") != "ListRecords":
        raise OaiError("badVerb", f"unsupported verb {arguments.get('verb', '')!r}")
    listing = (
        _parse_token(arguments["resumptionToken"])
        if "resumptionToken" in arguments
        else _parse_arguments(arguments)
    )
    selected = [one for one in _announced_preprints(world) if _is_selected(one, listing)]
    if not selected:
        raise OaiError("noRecordsMatch", "")
    end = listing.cursor + page_size
    token = None
    if len(selected) > page_size:
        text = replace(listing, cursor=end).token if end < len(selected) else ""
        token = oai_feed.ResumptionToken(text, listing.cursor, len(selected))
    return oai_feed.render_oai_page(arguments, selected[listing.cursor : end], token, request.now)


def _parse_arguments(arguments: Mapping[str, str]) -> _ListRequest:
    unknown = sorted(set(arguments) - _ARGUMENTS)
    if unknown:
        raise OaiError("badArgument", f"illegal argument {unknown[0]}")
    prefix = arguments.get("metadataPrefix")
    if prefix != METADATA_PREFIX:
        raise OaiError("cannotDisseminateFormat", f"unknown metadata format {prefix}")
    for name in ("from", "until"):
        _validate_day(arguments.get(name, "2005-01-01"), "badArgument")
    return _ListRequest(
        arguments.get("from", ""), arguments.get("until", "9999-12-31"), arguments.get("set", "")
    )


def _parse_token(token: str) -> _ListRequest:
    parts = token.split("|")
    if len(parts) != 4 or not parts[3].isdecimal():
        raise OaiError("badResumptionToken", f"{token} is expired or unknown")
    return _ListRequest(parts[0], parts[1], parts[2], int(parts[3]))


def _validate_day(text: str, code: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise OaiError(code, f"{text} is not a date") from None


def _announced_preprints(world: World) -> list[Preprint]:
    """Return every paper with its versions announced so far, oldest datestamp first."""
    announced = [
        replace(preprint, versions=versions)
        for preprint in world.preprints()
        if (
            versions := tuple(
                version
                for version in preprint.versions
                if simulated_days.eastern_midnight(version.announced_on) <= world.now
            )
        )
    ]
    return sorted(announced, key=lambda preprint: (oai_feed.datestamp(preprint), preprint.id))


def _is_selected(preprint: Preprint, listing: _ListRequest) -> bool:
    sets = oai_feed.oai_sets(preprint.newest.text)
    in_set = not listing.set or any(f"{name}:".startswith(f"{listing.set}:") for name in sets)
    return in_set and listing.since <= oai_feed.datestamp(preprint) <= listing.until
