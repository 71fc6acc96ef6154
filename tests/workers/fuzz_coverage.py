"""Coverage-guided fuzzing of the parsers of foreign documents; see docs/how-to/run-the-tests.md.

Any bytes may end in sightings or in a SourceError. Any other exception, or more than a second per
kilobyte, is a finding. The corpus starts with valid documents, written to the folder of inputs:
anything else is refused at its first byte.
"""

from __future__ import annotations

import contextlib
import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import atheris

with atheris.instrument_imports(include=["workers.sources", "workers.fetch.refusals", "papers"]):
    from papers.errors import SourceError
    from workers.sources import community, hf_daily
    from workers.sources.arxiv import announcements, api_page, oai

from tests.workers.sources.fuzzed_documents import DOCUMENTS
from tests.workers.sources.hf_records import record

NOW: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
READERS: Final = (
    lambda body: community.parse_community_feed(body, "club", NOW),
    lambda body: announcements.parse_announcements(body, NOW),
    lambda body: hf_daily.parse_daily_papers(body, date(2026, 11, 20), NOW),
    oai.parse_harvest_page,
    lambda body: api_page.check_api_page(body, 0, 2, NOW),
)


def one_input(body: bytes) -> None:
    """Run every parser on the same bytes."""
    for read in READERS:
        with contextlib.suppress(SourceError):
            read(body)


def write_seed_inputs(folder: Path) -> None:
    """Write the valid documents to the folder of inputs."""
    for number, body in enumerate((*DOCUMENTS, json.dumps([record()]).encode())):
        (folder / f"sound-{number}").write_bytes(body)


if __name__ == "__main__":
    write_seed_inputs(Path(sys.argv[-1]))
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
