"""What arXiv's OAI-PMH answers to a question: which records, which page of them, which error."""

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
    """An error of the protocol: its code and what it says."""

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
        """A token that says all of it, as arXiv's do."""
        return "|".join((self.since, self.until, self.set, str(self.cursor)))


def list_records(world: World, request: SimulatorRequest, size: int) -> SimulatorReply:
    """A page of `size` records at most."""
    try:
        body = _page(world, request, size)
    except OaiError as error:
        body = oai_feed.render_oai_error({}, error.code, error.message, request.now)
    return SimulatorReply(body, 200, XML)


def _page(world: World, request: SimulatorRequest, size: int) -> bytes:
    asked = request.query
    if asked.get("verb") != "ListRecords":
        raise OaiError("badVerb", f"no answer to {asked.get('verb', 'no verb')!r} here")
    wanted = (
        _parse_token(asked["resumptionToken"])
        if "resumptionToken" in asked
        else _parse_arguments(asked)
    )
    found = [preprint for preprint in _announced_preprints(world) if _is_selected(preprint, wanted)]
    if not found:
        raise OaiError("noRecordsMatch", "")
    following = wanted.cursor + size
    token = None
    if len(found) > size:
        rest = replace(wanted, cursor=following).token if following < len(found) else ""
        token = oai_feed.ResumptionToken(rest, wanted.cursor, len(found))
    return oai_feed.render(asked, found[wanted.cursor : following], token, request.now)


def _parse_arguments(asked: Mapping[str, str]) -> _ListRequest:
    unknown = sorted(set(asked) - _ARGUMENTS)
    if unknown:
        raise OaiError("badArgument", f"illegal argument {unknown[0]}")
    if asked.get("metadataPrefix") != METADATA_PREFIX:
        raise OaiError("cannotDisseminateFormat", f"{asked.get('metadataPrefix')} is unknown here")
    for name in ("from", "until"):
        _validate_day(asked.get(name, "2005-01-01"), "badArgument")
    return _ListRequest(
        asked.get("from", ""), asked.get("until", "9999-12-31"), asked.get("set", "")
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
        raise OaiError(code, f"{text} is no date") from None


def _announced_preprints(world: World) -> list[Preprint]:
    """Every paper with the versions announced by now, oldest datestamp first."""
    visible = [
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
    return sorted(visible, key=lambda preprint: (oai_feed.datestamp(preprint), preprint.id))


def _is_selected(preprint: Preprint, wanted: _ListRequest) -> bool:
    sets = oai_feed.oai_sets(preprint.newest.text)
    inside = not wanted.set or any(f"{name}:".startswith(f"{wanted.set}:") for name in sets)
    return inside and wanted.since <= oai_feed.datestamp(preprint) <= wanted.until
