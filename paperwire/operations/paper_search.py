"""`paperwire search`: the newest papers of a query, and what to do where there are none."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from papers.command_name import command_line
from papers.query.parser import parse_query
from papers.query.request import SearchRequest
from papers.search.counts import MatchCounter
from papers.store import Store
from papers.suggestions.missing_terms import explain_empty
from papers.suggestions.suggest import SuggestionTerms, find_candidates
from papers.suggestions.suggestion_counts import count_suggestions
from paperwire.operations import output
from paperwire.operations.queries import CommandResult
from paperwire.operations.session import CommandSession
from paperwire.run.instance_lock import running_address
from service.json_api.documents import paper_json, suggestion_json


def search_papers(
    session: CommandSession, query: str, limit: int, *, picked: bool
) -> CommandResult:
    """Return the newest papers that match a query. Raises BadQuery."""
    parsed = parse_query(query)
    store = Store(session.redis)
    request = SearchRequest(query=parsed, limit=limit, order="picked" if picked else "announced")
    page, suggestions = store.search(request), _suggestions(session, store, request)
    found = [paper_json(paper) for paper in page.papers]
    document = {
        "query": parsed.display_text,
        "read_as": parsed.canonical,
        "notes": [asdict(note) for note in parsed.notes],
        "suggestions": suggestions,
        "papers": found,
        "next": page.next_cursor,
        "complete": page.is_complete,
        "empty_store": not found and not store.count_papers(),
    }
    lines = [output.format_paper_row(paper, width=output.terminal_width()) for paper in found]
    lines = lines or [_nothing_found(session, store, request)]
    notes = [output.format_note(asdict(note)) for note in parsed.notes]
    notes += map(output.format_suggestion, suggestions)
    return CommandResult("\n".join([*notes, *lines]), document)


def _nothing_found(session: CommandSession, store: Store, request: SearchRequest) -> str:
    """Return why a search finds nothing: where the store is empty, that and what fills it."""
    if store.count_papers():
        return f"no papers match: {explain_empty(store, request)}"
    if address := running_address(Path(session.settings.data_dir)):
        mend = f"{address} is fetching them: `{command_line('status')}` shows how far it is"
    else:
        mend = f"`{command_line('up')}` fetches them, or `{command_line('fetch arxiv')}` once"
    places = [f"{each.address}: `{each.command('search …')}`" for each in session.others()]
    elsewhere = "".join(f"\nfor the papers of {place}" for place in places)
    return f"the store of {session.place} has no papers yet; {mend}{elsewhere}"


def _suggestions(
    session: CommandSession, store: Store, request: SearchRequest
) -> list[dict[str, Any]]:
    counter = MatchCounter(store.reader)
    candidates = find_candidates(SuggestionTerms.of(session.redis), request.query)
    if not candidates:
        return []
    found = count_suggestions(
        request.query,
        candidates,
        counter,
        lambda query: replace(request, query=query).tree,
        counter.count(request.tree),
    )
    return [suggestion_json(each) for each in found]
