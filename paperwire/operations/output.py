"""Text output of the commands, rendered from their JSON documents."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import Any, Final

from papers.counted import format_counted

LINE_WIDTH: Final = 100
MAX_AUTHORS: Final = 8
"""The most authors that are listed."""

AUTHOR_WIDTH: Final = 24
"""Columns of the first author, in rows that are no terminal's."""

Document = dict[str, Any]


def format_status(document: Document) -> str:
    """Render the store, then a line for each source and each run in progress."""
    head = (
        (
            "address",
            document["address"] or "none: no web server of these settings runs on this machine",
        ),
        ("data folder", document["data_dir"]),
        ("store", _format_store(document["store"])),
        ("papers", f"{document['papers']:,}"),
        ("keywords", document["keywords"]),
        ("next fetch", document["next_fetch"]),
    )
    lines = [f"{name:<13}{value}" for name, value in head]
    if (age := document.get("backup_age")) is not None:
        lines.append(f"{'last backup':<13}{age / 3600:,.0f} h old, checked")
    if delay := document.get("announcement_seconds"):
        lines.append(
            f"{'news delay':<13}{delay['median']:,.0f} s from announcement to feed at the median, "
            f"{delay['p95']:,.0f} s at 95 % (of {delay['count']:,})"
        )
    if document["set_aside"]:
        lines.append(f"{'quarantined':<13}{format_counted(document['set_aside'], 'record')}")
    lines += [format_source(entry) for entry in document["sources"]] or [
        "no source has been fetched yet"
    ]
    if counts := {name: n for name, n in document.get("initial_fetches", {}).items() if n}:
        names = {"waiting": "scheduled"}  # as on the status page; what failed is among them
        described = ", ".join(f"{n:,} {names.get(name, name)}" for name, n in counts.items())
        lines.append(f"{'first papers of keywords':<26} {described}")
    lines += [format_progress(run) for run in document["progress"]]
    return "\n".join(lines)


def _format_store(store: Document) -> str:
    used = f"{store['memory'] / 1e6:,.1f} MB"
    for node in store.get("nodes", ()):
        memory, rate = node["used_memory"] / 1e6, node["commands_per_second"]
        used += f"\n{'':<13}{node['url']}: {memory:,.1f} MB, {rate:,} commands a second"
    if store["answers"] == "ok":
        return used
    return f"{used}; rejects writes, so nothing new is stored: {store['said']}"


def format_source(entry: Document) -> str:
    """Render `announcements:cs.AI   ok       since ..., next ...; 412 papers`."""
    times = f"since {_to_minute(entry['since'])}"
    if entry["next"]:
        times += f", next {_to_minute(entry['next'])}"
    message = f"; {entry['said']}" if entry["said"] else ""
    return f"{entry['name']:<24}{entry['state']:<9}{times}{message}"


def format_progress(run: Document) -> str:
    """Render the progress and the rate of a run."""
    total = f" of {run['total']}" if run["total"] is not None else ""
    return f"{run['task']:<24}running  {run['done']}{total} records, {run['pace']:.1f} a second"


def format_note(note: Document) -> str:
    """Render how a keyword was read, and the keyword that means the other reading."""
    other = note["alternative_query"]
    return f"note: {note['text']}" + (f": {other}" if other else "")


def format_suggestion(suggestion: Document) -> str:
    """Render what may be meant, and the keyword that says so."""
    text, adds = suggestion["text"], suggestion["effect"] == "adds"
    count = suggestion["added_papers"] if adds else suggestion["papers"]
    when = " in a year" if suggestion["period"] == "year" else ""
    what = _SUGGESTED.get(suggestion["kind"], "also written")
    query = f": {suggestion['query']}" if adds else ""
    return f"{what} {text}: {'+' if adds else ''}{format_counted(count, 'paper')}{when}{query}"


_SUGGESTED: Final = {
    "author": "by the author",
    "correction": "did you mean",
    "family": "also look for",
    "phrase": "only as a phrase",
}
"""What is said of suggestions that are no other way to write a term."""


def format_paper_row(paper: Document, *, width: int = 0) -> str:
    """Render a paper in a row: date, link, votes, first author, title.

    On a terminal of `width` columns the title comes first, and the rest in a line below it.
    """
    day, link, author = paper["published"][:10], paper["url"], _first_author(paper["authors"])
    votes = f"{paper['votes']}▲" if paper["votes"] is not None else ""
    title = " ".join((paper["title"] or "(no metadata yet)").split())
    if not width:
        return f"{day}  {link:<32}  {votes:>5}  {author:<{AUTHOR_WIDTH}}  {title}"
    facts = "  ".join(filter(None, (day, author, votes, link)))
    return "\n".join([*textwrap.wrap(title, width), f"  {facts}"])


def terminal_width() -> int:
    """Return the columns of the terminal on standard output, 0 if it is none."""
    return max(20, shutil.get_terminal_size().columns) if sys.stdout.isatty() else 0


def _first_author(names: Sequence[str]) -> str:
    if not names:
        return "(no authors yet)"
    return names[0] + (" et al." if len(names) > 1 else "")


def format_paper(paper: Document) -> str:
    """Render a paper in full, without the links that follow from its id."""
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
        paper["title"] or "(no metadata yet)",
        textwrap.fill(authors, LINE_WIDTH),
        " · ".join(fact for fact in facts if fact),
        paper["url"],
        textwrap.fill(paper["abstract"] or "", LINE_WIDTH),
    ]
    return "\n".join(line for line in lines if line)


def format_pick(pick: Document) -> str:
    """Render `picked by hf, 12 votes`."""
    votes = f", {format_counted(pick['votes'], 'vote')}" if pick["votes"] is not None else ""
    return f"picked by {pick['community']}{votes}"


def format_keyword(entry: Document) -> str:
    """Render `Reward Model (reward-model): "reward model"`."""
    return f"{entry['name']} ({entry['slug']}): {entry['query']}"


def format_fetch_report(report: Document) -> str:
    """Render the report of one task."""
    if "skipped" in report:
        return f"{report['task']}: not run, {report['skipped']}"
    records = format_counted(report["got"], "record")
    counts = f"{records}, {report['new']} new, {report['changed']} changed"
    message = f"; {report['said']}" if report["said"] else ""
    return f"{report['task']}: {report['state']}, {counts}{message}"


def _to_minute(moment: str) -> str:
    return moment[:16].replace("T", " ")
