"""What arXiv's OAI-PMH answers to a question: which records, which page of them, which error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from paperwire.simulator.formats import oai_feed
from paperwire.simulator.server.messages import Reply, Request
from paperwire.simulator.world import simulated_days
from paperwire.simulator.world.manuscripts import Preprint
from paperwire.simulator.world.world import World

XML: Final = "text/xml; charset=utf-8"
PAGE: Final = 2_500
PREFIX: Final = "arXivRaw"
_ARGUMENTS: Final = frozenset({"verb", "metadataPrefix", "from", "until", "set"})


class Refused(Exception):
    """An error of the protocol: its code and what it says."""

    def __init__(self, code: str, said: str) -> None:
        super().__init__(said)
        self.code, self.said = code, said


@dataclass(frozen=True, slots=True)
class _List:
    since: str
    until: str
    set: str
    cursor: int = 0

    @property
    def token(self) -> str:
        """A token that says all of it, as arXiv's do."""
        return "|".join((self.since, self.until, self.set, str(self.cursor)))


def answer(world: World, request: Request, size: int) -> Reply:
    """A page of `size` records at most."""
    try:
        body = _page(world, request, size)
    except Refused as error:
        body = oai_feed.error({}, error.code, error.said, request.now)
    return Reply(body, 200, XML)


def _page(world: World, request: Request, size: int) -> bytes:
    asked = request.query
    if asked.get("verb") != "ListRecords":
        raise Refused("badVerb", f"no answer to {asked.get('verb', 'no verb')!r} here")
    wanted = _resumed(asked["resumptionToken"]) if "resumptionToken" in asked else _first(asked)
    found = [preprint for preprint in _announced(world) if _listed(preprint, wanted)]
    if not found:
        raise Refused("noRecordsMatch", "")
    following = wanted.cursor + size
    token = None
    if len(found) > size:
        rest = replace(wanted, cursor=following).token if following < len(found) else ""
        token = oai_feed.Token(rest, wanted.cursor, len(found))
    return oai_feed.render(asked, found[wanted.cursor : following], token, request.now)


def _first(asked: Mapping[str, str]) -> _List:
    unknown = sorted(set(asked) - _ARGUMENTS)
    if unknown:
        raise Refused("badArgument", f"illegal argument {unknown[0]}")
    if asked.get("metadataPrefix") != PREFIX:
        raise Refused("cannotDisseminateFormat", f"{asked.get('metadataPrefix')} is unknown here")
    for name in ("from", "until"):
        _check_day(asked.get(name, "2005-01-01"), "badArgument")
    return _List(asked.get("from", ""), asked.get("until", "9999-12-31"), asked.get("set", ""))


def _resumed(token: str) -> _List:
    parts = token.split("|")
    if len(parts) != 4 or not parts[3].isdecimal():
        raise Refused("badResumptionToken", f"{token} is expired or unknown")
    return _List(parts[0], parts[1], parts[2], int(parts[3]))


def _check_day(text: str, code: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise Refused(code, f"{text} is no date") from None


def _announced(world: World) -> list[Preprint]:
    """Every paper with the versions announced by now, oldest datestamp first."""
    visible = [
        replace(preprint, versions=versions)
        for preprint in world.preprints()
        if (
            versions := tuple(
                version
                for version in preprint.versions
                if simulated_days.midnight(version.announced_on) <= world.now
            )
        )
    ]
    return sorted(visible, key=lambda preprint: (oai_feed.stamp(preprint), preprint.id))


def _listed(preprint: Preprint, wanted: _List) -> bool:
    sets = oai_feed.sets_of(preprint.newest.text)
    inside = not wanted.set or any(f"{name}:".startswith(f"{wanted.set}:") for name in sets)
    return inside and wanted.since <= oai_feed.stamp(preprint) <= wanted.until
