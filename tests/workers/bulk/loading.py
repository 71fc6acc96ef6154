"""Rows of a snapshot of metadata, and loads of them in this process."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from redis import Redis

from papers.state.task_states import TaskStates
from workers.bulk import processes
from workers.bulk.loader import BulkLoader, LoadPosition, load_task_name

ROW: dict[str, Any] = {
    "id": "0704.0001",
    "submitter": "Ada Example",
    "authors": "A. Example, B. Sample Jr.",
    "title": "A Small\n  Thing",
    "comments": "9 pages",
    "journal-ref": None,
    "doi": "10.1/x",
    "report-no": "R-1",
    "categories": "hep-ph cs.CL",
    "license": "http://arxiv.org/licenses/nonexclusive-distrib/1.0/",
    "abstract": "  We make a small\nthing.\n",
    "versions": [
        {"version": "v1", "created": "Mon, 2 Apr 2007 19:18:42 GMT"},
        {"version": "v2", "created": "Tue, 24 Jul 2007 20:10:27 GMT"},
    ],
    "update_date": "2008-11-26",
    "authors_parsed": [["Example", "Ada", ""], ["Sample", "Bo", "Jr."]],
}

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def row(id: str, **fields: Any) -> str:
    return json.dumps(ROW | {"id": id} | fields)


def months(count: int, each: int = 5) -> list[str]:
    """Lines of `each` papers in each of `count` months."""
    return [
        row(f"{1001 + month // 12 * 100 + month % 12}.{n:04}", title=f"Paper {n} of {month}")
        for month in range(count)
        for n in range(1, each + 1)
    ]


class Harness:
    """Loads into the emptied store, in this process."""

    def __init__(self, redis: Redis, url: str, folder: Path) -> None:
        self.redis, self.url, self.folder = redis, url, folder
        self.states = TaskStates(redis)

    def write(self, lines: Iterable[str], name: str = "papers.json") -> str:
        path = self.folder / name
        path.write_text("".join(f"{line}\n" for line in lines))
        return str(path)

    def load(
        self, *names: str, restart: bool = False, stop_after: int = 1_000
    ) -> list[LoadPosition]:
        """Load files; stop each after so many portions."""
        ends = []
        with processes.load_executor(self.url, 1) as here:
            load = BulkLoader(self.redis, here, 1, lambda: NOW)
            for name in names:
                moments = load.load(name, restart=restart)
                *_, end = (at for _, at in zip(range(stop_after), moments, strict=False))
                moments.close()  # type: ignore[attr-defined]
                ends.append(end.position)
        return ends

    def set_aside(self, name: str = "papers.json") -> list[str]:
        aside = self.states.list_quarantined(1_000)[::-1]
        return [record.reason for record in aside if record.task == load_task_name(name)]
