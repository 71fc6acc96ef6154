"""Answers to commands as a person reads them, made from the documents that programs get."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

LINE_WIDTH: Final = 100
MAX_AUTHORS: Final = 8
"""Authors that are named; of more, the first ones."""

Document = dict[str, Any]


def format_status(document: Document) -> str:
    """The store, then a line for each source and each long run."""
    head = (
        ("address", document["address"] or "none: `paperwire up` is not running here"),
        ("data folder", document["data_dir"]),
        ("store", _format_store(document["store"])),
        ("papers", f"{document['papers']:,}"),
        ("keywords", document["keywords"]),
        ("next fetch", document["next_fetch"]),
    )
    lines = [f"{name:<13}{value}" for name, value in head]
    if document["set_aside"]:
        lines.append(f"{'set aside':<13}{document['set_aside']} records")
    lines += [format_source(entry) for entry in document["sources"]] or ["no source was asked yet"]
    lines += [format_progress(run) for run in document["progress"]]
    return "\n".join(lines)


def _format_store(store: Document) -> str:
    used = f"{store['memory'] / 1e6:,.1f} MB"
    if store["answers"] == "ok":
        return used
    return f"{used}; takes no writes, so nothing new comes in: {store['said']}"


def format_source(entry: Document) -> str:
    """`announcements:cs.AI   ok       412 papers; since ..., next ...`."""
    times = f"since {_to_minute(entry['since'])}"
    if entry["next"]:
        times += f", next {_to_minute(entry['next'])}"
    said = f"; {entry['said']}" if entry["said"] else ""
    return f"{entry['name']:<24}{entry['state']:<9}{times}{said}"


def format_progress(run: Document) -> str:
    """How far a long run is, and at which pace."""
    total = f" of {run['total']}" if run["total"] is not None else ""
    return f"{run['task']:<24}running  {run['done']}{total} records, {run['pace']:.1f} a second"


def format_paper_line(paper: Document) -> str:
    """A paper in a line: id, day, votes, title."""
    votes = f"{paper['votes']}▲" if paper["votes"] is not None else ""
    title = paper["title"] or "(not described yet)"
    return f"{paper['id']:<17}{paper['published'][:10]} {votes:>5} {title}"


def format_paper(paper: Document) -> str:
    """A paper in full, but for the links that its id gives."""
    names = paper["authors"]
    authors = ", ".join(names[:MAX_AUTHORS]) + (
        f" and {len(names) - MAX_AUTHORS} more" * (len(names) > MAX_AUTHORS)
    )
    facts = [
        " ".join(paper["categories"]),
        f"announced {paper['published'][:10]}",
        f"version {paper['version']}" if paper["version"] else "",
        "withdrawn" if paper["withdrawn"] else "",
        *(format_pick(pick) for pick in paper["picks"]),
    ]
    lines = [
        paper["title"] or "(not described yet)",
        textwrap.fill(authors, LINE_WIDTH),
        " · ".join(fact for fact in facts if fact),
        paper["url"],
        textwrap.fill(paper["abstract"] or "", LINE_WIDTH),
    ]
    return "\n".join(line for line in lines if line)


def format_pick(pick: Document) -> str:
    """`picked by hf, 12 votes`."""
    votes = f", {pick['votes']} votes" if pick["votes"] is not None else ""
    return f"picked by {pick['community']}{votes}"


def format_keyword(entry: Document) -> str:
    """`Reward Model (reward-model): "reward model"`."""
    return f"{entry['name']} ({entry['slug']}): {entry['query']}"


def format_fetch_report(report: Document) -> str:
    """What one task brought."""
    if "skipped" in report:
        return f"{report['task']}: not run, {report['skipped']}"
    counts = f"{report['got']} records, {report['new']} new, {report['changed']} changed"
    said = f"; {report['said']}" if report["said"] else ""
    return f"{report['task']}: {report['state']}, {counts}{said}"


def format_next_fetch(
    planned: Mapping[str, datetime], attempted: Collection[str], now: datetime
) -> str:
    """What is fetched next and when; `now` is aware UTC.

    `planned` has the soonest first, `asked` are the tasks that ran before: any other is on its
    way, whatever time it is claimed for.
    """
    if not planned:
        return "none is planned yet"
    new = [task for task in planned if task not in attempted]
    task, at = (new[0], now) if new else next(iter(planned.items()))
    if at <= now:
        return f"now ({task})"
    return f"{at:%H:%M} UTC, in {format_duration(at - now)} ({task})"


def format_duration(time: timedelta) -> str:
    """A length of time in the two greatest of its units: `3 h 20 min`, `2 d 1 h`, `12 s`."""
    seconds = round(time.total_seconds())
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    parts: list[str] = []
    for name, size in units:
        count, seconds = divmod(seconds, size)
        if count or (name == "s" and not parts):
            parts.append(f"{count} {name}")
    return " ".join(parts[:2])


def _to_minute(moment: str) -> str:
    return moment[:16].replace("T", " ")
