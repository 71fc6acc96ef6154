"""What the commands answer: each answer is a text for people and a JSON document for programs.

Papers, keywords and sources have the JSON form of the HTTP API.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from papers.config.settings import Settings
from papers.config.shown_settings import shown
from papers.errors import BadParameter, BadSettings, UnknownPaper
from papers.model.arxiv_id import ArxivId
from papers.query.parser import parse
from papers.query.request import Ask
from papers.redis_backend import health
from papers.state.communities import Communities
from papers.state.keywords import Keyword, Keywords
from papers.state.task_states import Progress, SourceStates
from papers.store import Store
from paperwire.operations import output
from paperwire.operations.session import Session
from paperwire.run.instance_lock import address_on
from service.routes.api import paper_json, source_json


@dataclass(frozen=True, slots=True)
class Answer:
    """`text` for people, `document` for programs; `good` is False where a source failed."""

    text: str
    document: Any
    good: bool = True

    @property
    def json(self) -> str:
        """The document, spelled."""
        return json.dumps(self.document, ensure_ascii=False, indent=2)


def status(session: Session) -> Answer:
    """The store, the keywords, the sources and the long runs under way."""
    states, store = SourceStates(session.redis), Store(session.redis)
    known = states.all()
    asked = {state.name for state in known}
    document = {
        "address": address_on(Path(session.settings.data_dir)),
        "data_dir": str(Path(session.settings.data_dir).resolve()),
        "store": _store_json(health.look(session.redis)),
        "papers": store.size(),
        "revision": store.revision(),
        "keywords": len(Keywords(session.redis).all()),
        "next_fetch": output.next_fetch(states.planned(), asked, session.now),
        "sources": [source_json(state) for state in known],
        "progress": [_progress_json(run) for run in states.progress()],
        "set_aside": states.quarantine_size(),
    }
    return Answer(output.status(document), document)


def search(session: Session, query: str, limit: int, *, picked: bool) -> Answer:
    """The newest papers of a keyword. Raises BadQuery."""
    parsed = parse(query)
    page = Store(session.redis).search(
        Ask(query=parsed, limit=limit, order="picked" if picked else "announced")
    )
    found = [paper_json(paper) for paper in page.papers]
    document = {
        "query": parsed.canonical,
        "papers": found,
        "next": page.next,
        "complete": page.complete,
    }
    lines = [output.paper_line(paper) for paper in found] or ["no paper matches"]
    return Answer("\n".join(lines), document)


def papers(session: Session, ids: Sequence[str]) -> Answer:
    """Papers by id. Raises BadId, UnknownPaper."""
    wanted = [ArxivId.parse(id) for id in ids]
    found = Store(session.redis).papers(wanted)
    for id, paper in zip(wanted, found, strict=True):
        if paper is None:
            raise UnknownPaper(f"{id} is not here; arXiv may have it: {id.url}")
    known = [paper_json(paper) for paper in found if paper]
    return Answer("\n\n".join(map(output.paper_text, known)), known)


def fetch(session: Session, source: str) -> Answer:
    """Run a source's tasks now. Raises BadParameter for a source that is not configured."""
    from workers.jobs import run  # brings the clients of all sources along

    settings = Communities(session.redis, session.settings).settings()
    reports = [run(task) for task in tasks_of(settings, source)]
    good = all(report.get("state") in ("ok", "quiet") for report in reports)
    return Answer("\n".join(map(output.fetched, reports)), reports, good)


def tasks_of(settings: Settings, source: str) -> list[str]:
    """The tasks behind a source's name or behind a task's. Raises BadParameter."""
    from workers.schedule.scheduler import standing_tasks

    standing = standing_tasks(settings)
    if source.startswith("fill:") or source == "backfill":
        return [source]
    prefix = {"arxiv": "announcements:", "hf": "hf:"}.get(source, f"community:{source}")
    tasks = [task for task in standing if task == source or task.startswith(prefix)]
    if not tasks:
        raise BadParameter("source", f"{source!r} is none of arxiv, hf, {', '.join(standing)}")
    return tasks


def config(settings: Settings) -> Answer:
    """The settings in force, secrets as stars."""
    values = shown(settings)
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
    return Answer("\n".join(lines), values)


def init(path: Path) -> Answer:
    """Write the commented configuration. Raises BadSettings where there is a file already."""
    template = Path(__file__).parents[1].joinpath("paperwire.toml").read_text("utf-8")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(template)
    except FileExistsError:
        raise BadSettings(f"{path} is there already; it is left as it is") from None
    except OSError as error:
        raise BadSettings(f"{path}: {error.strerror}") from error
    return Answer(f"wrote {path}: every setting is in it, with its default", {"wrote": str(path)})


def keywords(session: Session) -> Answer:
    """The saved keywords."""
    saved = [_keyword_json(keyword) for keyword in Keywords(session.redis).all()]
    return Answer("\n".join(map(output.keyword, saved)) or "no keyword is saved", saved)


def keyword_added(session: Session, name: str, query: str) -> Answer:
    """Save a keyword. Raises BadQuery, BadParameter."""
    keyword = _keyword_json(Keywords(session.redis).add(name, query, now=session.now))
    return Answer(f"saved {output.keyword(keyword)}", keyword)


def keyword_removed(session: Session, name: str) -> Answer:
    """Forget a keyword. Raises UnknownKeyword."""
    keyword = _keyword_json(Keywords(session.redis).remove(name))
    return Answer(f"removed {output.keyword(keyword)}", keyword)


def backfill(session: Session, since: date, until: date, set: str) -> Answer:
    """Plan a backfill, due now. Raises BadParameter where one is under way."""
    from workers.tasks.backfill import TASK, Plans, planned

    plan = planned(since, until, set, session.now)
    Plans(session.redis).begin(plan)
    SourceStates(session.redis).make_due(TASK, session.now)
    document = {"since": str(plan.since), "until": str(plan.until), "set": plan.set}
    of = f" of {plan.set}" if plan.set else ""
    said = f"planned: everything{of} from {plan.since} until {plan.until}, a page at a time"
    return Answer(f"{said}; `paperwire status` tells how far it is", document)


def backfill_stopped(session: Session) -> Answer:
    """Drop the plan of a backfill; what it brought stays."""
    from workers.tasks.backfill import TASK, Plans

    plan = Plans(session.redis).drop()
    SourceStates(session.redis).forget(TASK)
    text = f"stopped: {plan.said}" if plan else "no backfill is under way"
    return Answer(text, {"stopped": plan is not None, "said": plan.said if plan else ""})


def _keyword_json(keyword: Keyword) -> dict[str, Any]:
    return {
        "slug": keyword.slug,
        "name": keyword.name,
        "query": keyword.query,
        "added": keyword.added_at.isoformat(),
    }


def _store_json(found: health.Condition) -> dict[str, Any]:
    return {
        "answers": str(found.answers),
        "said": found.said,
        "memory": found.memory,
        "most_memory": found.most,
    }


def _progress_json(run: Progress) -> dict[str, Any]:
    return {
        "task": run.task,
        "done": run.done,
        "total": run.total,
        "left": run.left,
        "pace": round(run.pace, 2),
        "started": run.started_at.isoformat(),
        "updated": run.updated_at.isoformat(),
    }
