"""Operations of the commands; each result is text for people and a JSON document for programs.

Papers, keywords and sources have the same JSON representation as in the HTTP API.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from papers.command_name import command_line
from papers.config.redaction import redacted_settings
from papers.config.settings import Settings
from papers.config.sources import SOURCES
from papers.config.template import config_template
from papers.errors import BadParameter, BadSettings
from papers.maintenance.backup_plan import backup_age
from papers.model.arxiv_id import ArxivId
from papers.redis_backend import health
from papers.state.communities import Communities, community_task
from papers.state.initial_fetch_states import InitialFetchStates
from papers.state.keyword_record import Keyword
from papers.state.keywords import Keywords
from papers.state.task_states import Progress, TaskStates
from papers.store import Store
from papers.telemetry.metric_recorder import RecordedMetrics
from paperwire.operations import output
from paperwire.operations.session import CommandSession
from paperwire.run.console import format_next_fetch
from paperwire.run.instance_lock import running_address
from paperwire.run.probe import is_web_server_ours
from service.json_api.documents import paper_json, source_json


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The result of a command: text, JSON document, and whether everything succeeded."""

    text: str
    document: Any
    is_ok: bool = True


def system_status(session: CommandSession) -> CommandResult:
    """Return the state of the store, the keywords, the sources and the runs in progress."""
    states, store = TaskStates(session.redis), Store(session.redis)
    known = states.all()
    attempted = {state.name for state in known}
    document = {
        "address": _address(session.settings),
        "data_dir": str(Path(session.settings.data_dir).resolve()),
        "store": _store_json(health.check_health(session.redis)),
        "papers": store.count_papers(),
        "revision": store.revision(),
        "keywords": Keywords(session.redis).count(),
        "next_fetch": format_next_fetch(states.due_times(), attempted, session.now),
        "sources": [source_json(state) for state in known],
        "initial_fetches": dict(InitialFetchStates(session.redis).counts()),
        "progress": [_progress_json(run) for run in states.list_progress()],
        "set_aside": states.quarantine_size(),
        "backup_age": _backup_age_seconds(session),
        "announcement_seconds": _announcement_seconds(session),
    }
    return CommandResult(output.format_status(document), document)


def _address(settings: Settings) -> str | None:
    """Return where the web server of these settings is, if it runs on this machine."""
    if address := running_address(Path(settings.data_dir)):
        return address
    return settings.base_url if settings.redis_url and is_web_server_ours(settings) else None


def _announcement_seconds(session: CommandSession) -> dict[str, float] | None:
    """Return median, 95 % quantile and number of the delays of announcements; None before any."""
    delays = RecordedMetrics(session.redis).announcement_delays()
    if delays is None:
        return None
    median, high = (round(delays.quantile(part), 1) for part in (0.5, 0.95))
    return {"median": median, "p95": high, "count": delays.total}


def _backup_age_seconds(session: CommandSession) -> float | None:
    """Return the age of the last good backup; None without one, or if none are made."""
    age = backup_age(session.redis, session.now) if session.settings.backup_dir else None
    return age.total_seconds() if age is not None else None


def papers_by_id(session: CommandSession, ids: Sequence[str]) -> CommandResult:
    """Return papers by id. Raises BadId, UnknownPaper, BlockedPaper."""
    wanted = [ArxivId.parse(id) for id in ids]
    store = Store(session.redis)
    found = store.get_papers(wanted)
    for id, paper in zip(wanted, found, strict=True):
        if paper is None:
            raise store.missing_paper(id)
    known = [paper_json(paper) for paper in found if paper]
    return CommandResult("\n\n".join(map(output.format_paper, known)), known)


def fetch_source(session: CommandSession, source: str) -> CommandResult:
    """Run a source's tasks now. Raises BadParameter if the source is not configured."""
    from workers.jobs import run  # slow to import: loads the clients of all sources

    settings = Communities(session.redis, session.settings).effective_settings()
    reports = [run(task) for task in tasks_of_source(settings, source)]
    is_ok = all(report.get("state") in ("ok", "quiet") for report in reports)
    return CommandResult("\n".join(map(output.format_fetch_report, reports)), reports, is_ok)


def tasks_of_source(settings: Settings, source: str) -> list[str]:
    """Return the tasks to run for a source, a community or a task's name. Raises BadParameter."""
    from workers.registry import recurring_tasks

    if source.startswith("fill:") or source == "backfill":  # these are not recurring
        return [source]
    recurring = recurring_tasks(settings)
    kinds = SOURCES[source].fetched_by if source in SOURCES else ()
    tasks = [
        task
        for task in recurring
        if task in (source, community_task(source)) or task.partition(":")[0] in kinds
    ]
    if not tasks:
        known = ", ".join([*SOURCES, *recurring])
        raise BadParameter("source", f"{source!r} is none of {known}")
    return tasks


def settings_in_force(settings: Settings) -> CommandResult:
    """Return the effective settings, with masked secrets."""
    values = redacted_settings(settings)
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
    return CommandResult("\n".join(lines), values)


def write_config_template(path: Path) -> CommandResult:
    """Write the commented configuration file. Raises BadSettings if the file exists."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(config_template())
    except FileExistsError:
        raise BadSettings(f"{path} exists already; it was not changed") from None
    except OSError as error:
        raise BadSettings(f"{path}: {error.strerror}") from error
    return CommandResult(
        f"wrote {path}: it explains every setting and its default", {"wrote": str(path)}
    )


def list_keywords(session: CommandSession) -> CommandResult:
    """Return the saved keywords."""
    saved = [_keyword_json(keyword) for keyword in Keywords(session.redis).all()]
    return CommandResult(
        "\n".join(map(output.format_keyword, saved)) or "there are no saved keywords", saved
    )


def save_keyword(
    session: CommandSession, name: str, query: str, *, take_over: bool
) -> CommandResult:
    """Save a keyword. Raises BadQuery, BadParameter."""
    added = Keywords(session.redis).add(name, query, now=session.now, take_over=take_over)
    keyword = _keyword_json(added)
    settings, path = session.settings, f"/feeds/{added.slug}.atom"
    where = f"{settings.base_url}{path}"
    if not settings.public_url and session.is_embedded:  # nothing serves it yet
        where = f"{path}, at the address that `{command_line('up')}` prints"
    document = {**keyword, "feed": f"{settings.base_url}{path}"}
    return CommandResult(f"saved {output.format_keyword(keyword)}\nits feed is {where}", document)


def remove_keyword(session: CommandSession, name: str) -> CommandResult:
    """Remove a keyword. Raises UnknownKeyword."""
    keyword = _keyword_json(Keywords(session.redis).remove(name, now=session.now))
    restored_by = command_line(f"keyword restore {keyword['slug']}")
    undo = f"`{restored_by}` brings it back"
    return CommandResult(f"removed {output.format_keyword(keyword)}; {undo}", keyword)


def rename_keyword(
    session: CommandSession, name: str, new_name: str, *, take_over: bool
) -> CommandResult:
    """Rename a keyword. Raises UnknownKeyword, BadParameter."""
    renamed = _keyword_json(Keywords(session.redis).rename(name, new_name, take_over=take_over))
    return CommandResult(f"renamed to {output.format_keyword(renamed)}", renamed)


def restore_keyword(session: CommandSession, name: str) -> CommandResult:
    """Save a removed keyword again. Raises UnknownKeyword."""
    keyword = _keyword_json(Keywords(session.redis).restore(name))
    return CommandResult(f"restored {output.format_keyword(keyword)}", keyword)


def start_backfill(session: CommandSession, since: date, until: date, set: str) -> CommandResult:
    """Schedule a backfill, due now. Raises BadParameter if one is in progress."""
    from workers.tasks.backfill import BACKFILL_TASK, BackfillPlans, plan_backfill

    plan = plan_backfill(since, until, set, session.now)
    BackfillPlans(session.redis).start(plan)
    TaskStates(session.redis).schedule(BACKFILL_TASK, session.now)
    document = {"since": str(plan.since), "until": str(plan.until), "set": plan.set}
    scope = f"set {plan.set}" if plan.set else "all papers"
    text = f"scheduled: {scope}, changed from {plan.since} to {plan.until}"
    return CommandResult(f"{text}; see `{command_line('status')}` for its progress", document)


def stop_backfill(session: CommandSession) -> CommandResult:
    """Cancel the backfill; papers it has stored stay."""
    from workers.tasks.backfill import BACKFILL_TASK, BackfillPlans

    plan = BackfillPlans(session.redis).drop()
    TaskStates(session.redis).delete_task(BACKFILL_TASK)
    text = f"stopped: {plan.description}" if plan else "no backfill is in progress"
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


def _store_json(checked: health.StoreHealth) -> dict[str, Any]:
    return {
        "answers": str(checked.status),
        "said": checked.problem,
        "cause": checked.cause,
        "memory": checked.used_memory,
        "most_memory": checked.max_memory,
        "nodes": [load._asdict() for load in checked.nodes],
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
