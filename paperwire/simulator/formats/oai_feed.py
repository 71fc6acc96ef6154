"""arXiv's OAI-PMH responses, as oaipmh.arxiv.org serves the metadata format `arXivRaw`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from paperwire.simulator.formats.arxiv_xml import (
    block,
    document,
    element,
    encode_tex_accents,
    names_with_affiliations,
)
from paperwire.simulator.world.manuscripts import Manuscript, Preprint, PreprintVersion

OAI_ADDRESS: Final = "http://oaipmh.arxiv.org/oai"

_XSI: Final = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_OAI: Final = "http://www.openarchives.org/OAI/2.0/"
_ROOT: Final = f'OAI-PMH xmlns="{_OAI}" {_XSI} xsi:schemaLocation="{_OAI} {_OAI}OAI-PMH.xsd"'
_RAW: Final = "http://arxiv.org/OAI/arXivRaw/"
_ENTRY: Final = f'arXivRaw xmlns="{_RAW}" {_XSI} xsi:schemaLocation="{_RAW} {_RAW[:-1]}.xsd"'

_GROUPS: Final = ("cs", "econ", "eess", "math", "q-bio", "q-fin", "stat")


@dataclass(frozen=True, slots=True)
class ResumptionToken:
    """The resumption token of a page; `text` is empty on the last of several pages."""

    text: str
    cursor: int
    total: int


def render_oai_page(
    arguments: Mapping[str, str],
    preprints: Iterable[Preprint],
    token: ResumptionToken | None,
    now: datetime,
) -> bytes:
    """Render a page of ListRecords; `preprints` must have only announced versions."""
    records = [line for preprint in preprints for line in block("record", _record(preprint))]
    if token:
        counts = {"cursor": str(token.cursor), "completeListSize": str(token.total)}
        records.append(element("resumptionToken", token.text, **counts))
    return _envelope(arguments, block("ListRecords", records), now)


def render_oai_error(arguments: Mapping[str, str], code: str, message: str, now: datetime) -> bytes:
    """Render a protocol error, which is sent with HTTP 200."""
    return _envelope(arguments, [element("error", message, code=code)], now)


def oai_sets(text: Manuscript) -> list[str]:
    """Return the sets of a manuscript's categories: `cs:cs:AI`, `physics:hep-th`."""
    return [_set_spec(category) for category in text.categories]


def datestamp(preprint: Preprint) -> str:
    """Return the datestamp: the day of the newest announcement."""
    return preprint.newest.announced_on.isoformat()


def _envelope(arguments: Mapping[str, str], lines: list[str], now: datetime) -> bytes:
    head = [
        element("responseDate", now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")),
        element("request", OAI_ADDRESS, **arguments),
    ]
    return document(block(_ROOT, [*head, *lines]))


def _record(preprint: Preprint) -> list[str]:
    newest = preprint.newest
    header = [
        element("identifier", f"oai:arXiv.org:{preprint.id}"),
        element("datestamp", datestamp(preprint)),
        *(element("setSpec", name) for name in oai_sets(newest.text)),
    ]
    return [
        *block("header", header),
        *block("metadata", block(_ENTRY, _entry(preprint, newest.text))),
    ]


def _entry(preprint: Preprint, text: Manuscript) -> list[str]:
    optional = (
        ("comments", text.comment),
        ("journal-ref", text.journal_ref),
        ("doi", text.doi),
        ("license", text.license),
    )
    return [
        element("id", str(preprint.id)),
        element("submitter", text.authors[0]),
        *(line for version in preprint.versions for line in _version(version)),
        element("title", text.title),
        element("authors", _authors(text)),
        element("categories", " ".join(text.categories)),
        *(element(name, value) for name, value in optional if value),
        element("abstract", f"  {text.abstract}\n"),
    ]


def _version(version: PreprintVersion) -> list[str]:
    date = version.submitted_at.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    kind = "I" if version.withdrawn else "D"
    size = "0kb" if version.withdrawn else "412kb"
    lines = [element("date", date), element("size", size), element("source_type", kind)]
    return block(f'version version="v{version.number}"', lines)


def _authors(text: Manuscript) -> str:
    authors = tuple(map(encode_tex_accents, text.authors))
    names = names_with_affiliations(replace(text, authors=authors))
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _set_spec(category: str) -> str:
    archive, _, subject = category.partition(".")
    group = archive if archive in _GROUPS else "physics"
    if subject:
        return f"{group}:{archive}:{subject}"
    return archive if archive in _GROUPS else f"{group}:{archive}"
