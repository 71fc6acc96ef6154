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

from papers.config.redaction import redacted_settings
from papers.config.settings import Settings
from papers.errors import BadParameter, BadSettings, UnknownPaper
from papers.model.arxiv_id import ArxivId
from papers.query.parser import parse_query
from papers.query.request import SearchRequest
from papers.redis_backend import health
from papers.state.communities import Communities
from papers.state.keywords import Keyword, Keywords
from papers.state.task_states import Progress, TaskStates
from papers.store import Store
from paperwire.operations import output
from paperwire.operations.session import CommandSession
from paperwire.run.instance_lock import running_address
from service.routes.api import paper_json, source_json


@dataclass(frozen=True, slots=True)
class CommandResult:
    """`text` for people, `document` for programs; `good` is False where a source failed."""

    text: str
    document: Any
    is_ok: bool = True

    @property
    def json(self) -> str:
        """The document, spelled."""
        return json.dumps(self.document, ensure_ascii=False, indent=2)


def system_status(session: CommandSession) -> CommandResult:
    """The store, the keywords, the sources and the long runs under way."""
    states, store = TaskStates(session.redis), Store(session.redis)
    known = states.all()
    asked = {state.name for state in known}
    document = {
        "address": running_address(Path(session.settings.data_dir)),
        "data_dir": str(Path(session.settings.data_dir).resolve()),
        "store": _store_json(health.check_health(session.redis)),
        "papers": store.count_papers(),
        "revision": store.revision(),
        "keywords": len(Keywords(session.redis).all()),
        "next_fetch": output.format_next_fetch(states.due_times(), asked, session.now),
        "sources": [source_json(state) for state in known],
        "progress": [_progress_json(run) for run in states.list_progress()],
        "set_aside": states.quarantine_size(),
    }
    return CommandResult(output.format_status(document), document)


def search_papers(
    session: CommandSession, query: str, limit: int, *, picked: bool
) -> CommandResult:
    """The newest papers of a keyword. Raises BadQuery."""
    parsed = parse_query(query)
    page = Store(session.redis).search(
        SearchRequest(query=parsed, limit=limit, order="picked" if picked else "announced")
    )
    found = [paper_json(paper) for paper in page.papers]
    document = {
        "query": parsed.canonical,
        "papers": found,
        "next": page.next_cursor,
        "complete": page.is_complete,
    }
    lines = [output.format_paper_line(paper) for paper in found] or ["no paper matches"]
    return CommandResult("\n".join(lines), document)


def papers_by_id(session: CommandSession, ids: Sequence[str]) -> CommandResult:
    """Papers by id. Raises BadId, UnknownPaper."""
    wanted = [ArxivId.parse(id) for id in ids]
    found = Store(session.redis).get_papers(wanted)
    for id, paper in zip(wanted, found, strict=True):
        if paper is None:
            raise UnknownPaper(f"{id} is not here; arXiv may have it: {id.url}")
    known = [paper_json(paper) for paper in found if paper]
    return CommandResult("\n\n".join(map(output.format_paper, known)), known)


def fetch_source(session: CommandSession, source: str) -> CommandResult:
    """Run a source's tasks now. Raises BadParameter for a source that is not configured."""
    from workers.jobs import run  # brings the clients of all sources along

    settings = Communities(session.redis, session.settings).effective_settings()
    reports = [run(task) for task in tasks_of_source(settings, source)]
    good = all(report.get("state") in ("ok", "quiet") for report in reports)
    return CommandResult("\n".join(map(output.format_fetch_report, reports)), reports, good)


def tasks_of_source(settings: Settings, source: str) -> list[str]:
    """The tasks behind a source's name or behind a task's. Raises BadParameter."""
    from workers.schedule.scheduler import recurring_tasks

    standing = recurring_tasks(settings)
    if source.startswith("fill:") or source == "backfill":
        return [source]
    prefix = {"arxiv": "announcements:", "hf": "hf:"}.get(source, f"community:{source}")
    tasks = [task for task in standing if task == source or task.startswith(prefix)]
    if not tasks:
        raise BadParameter("source", f"{source!r} is none of arxiv, hf, {', '.join(standing)}")
    return tasks


def settings_in_force(settings: Settings) -> CommandResult:
    """The settings in force, secrets as stars."""
    values = redacted_settings(settings)
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
    return CommandResult("\n".join(lines), values)


def write_config_template(path: Path) -> CommandResult:
    """Write the commented configuration. Raises BadSettings where there is a file already."""
    template = Path(__file__).parents[1].joinpath("paperwire.toml").read_text("utf-8")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(template)
    except FileExistsError:
        raise BadSettings(f"{path} is there already; it is left as it is") from None
    except OSError as error:
        raise BadSettings(f"{path}: {error.strerror}") from error
    return CommandResult(
        f"wrote {path}: every setting is in it, with its default", {"wrote": str(path)}
    )


def list_keywords(session: CommandSession) -> CommandResult:
    """The saved keywords."""
    saved = [_keyword_json(keyword) for keyword in Keywords(session.redis).all()]
    return CommandResult(
        "\n".join(map(output.format_keyword, saved)) or "no keyword is saved", saved
    )


def save_keyword(session: CommandSession, name: str, query: str) -> CommandResult:
    """Save a keyword. Raises BadQuery, BadParameter."""
    keyword = _keyword_json(Keywords(session.redis).add(name, query, now=session.now))
    return CommandResult(f"saved {output.format_keyword(keyword)}", keyword)


def remove_keyword(session: CommandSession, name: str) -> CommandResult:
    """Forget a keyword. Raises UnknownKeyword."""
    keyword = _keyword_json(Keywords(session.redis).remove(name))
    return CommandResult(f"removed {output.format_keyword(keyword)}", keyword)


def start_backfill(session: CommandSession, since: date, until: date, set: str) -> CommandResult:
    """Plan a backfill, due now. Raises BadParameter where one is under way."""
    from workers.tasks.backfill import BACKFILL_TASK, BackfillPlans, plan_backfill

    plan = plan_backfill(since, until, set, session.now)
    BackfillPlans(session.redis).start(plan)
    TaskStates(session.redis).schedule(BACKFILL_TASK, session.now)
    document = {"since": str(plan.since), "until": str(plan.until), "set": plan.set}
    of = f" of {plan.set}" if plan.set else ""
    said = f"planned: everything{of} from {plan.since} until {plan.until}, a page at a time"
    return CommandResult(f"{said}; `paperwire status` tells how far it is", document)


def stop_backfill(session: CommandSession) -> CommandResult:
    """Drop the plan of a backfill; what it brought stays."""
    from workers.tasks.backfill import BACKFILL_TASK, BackfillPlans

    plan = BackfillPlans(session.redis).drop()
    TaskStates(session.redis).delete_task(BACKFILL_TASK)
    text = f"stopped: {plan.description}" if plan else "no backfill is under way"
    return CommandResult(
        text, {"stopped": plan is not None, "said": plan.description if plan else ""}
    )


def _keyword_json(keyword: Keyword) -> dict[str, Any]:
    return {
        "slug": keyword.slug,
        "name": keyword.name,
        "query": keyword.query,
        "added": keyword.added_at.isoformat(),
    }


def _store_json(found: health.StoreHealth) -> dict[str, Any]:
    return {
        "answers": str(found.status),
        "said": found.problem,
        "memory": found.used_memory,
        "most_memory": found.max_memory,
    }


def _progress_json(run: Progress) -> dict[str, Any]:
    return {
        "task": run.task,
        "done": run.done,
        "total": run.total,
        "left": run.remaining,
        "pace": round(run.records_per_second, 2),
        "started": run.started_at.isoformat(),
        "updated": run.updated_at.isoformat(),
    }
