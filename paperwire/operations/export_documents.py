"""The documents of `paperwire export`: the same bytes as the web service's exports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from papers.errors import BadParameter
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from papers.query.ast import any_of
from papers.query.parser import Query, parse_query
from papers.query.request import SearchRequest
from papers.state.keyword_record import Keyword
from papers.state.keywords import Keywords
from papers.store import Store
from paperwire.operations.session import CommandSession
from service.exports import keyword_lists
from service.exports.formats import REFERENCE_FORMATS, require_papers


@dataclass(frozen=True, slots=True)
class PaperSelection:
    """Exactly one of: papers by id, the newest `limit` of saved keywords, or of a query."""

    ids: Sequence[str] = ()
    names: Sequence[str] = ()
    query: str = ""
    limit: int = 100


def render_opml(session: CommandSession, names: Sequence[str], *, picked: bool) -> bytes:
    """Render the selected keywords, or all, as OPML. Raises UnknownKeyword."""
    orders = ("announced", "picked") if picked else ("announced",)
    return keyword_lists.subscriptions_opml(
        session.settings.base_url, selected_keywords(session, names), orders
    )


def render_markdown(session: CommandSession, names: Sequence[str], rows: int) -> bytes:
    """Render the newest papers of the selected keywords as Markdown. Raises UnknownKeyword."""
    selected, base_url = selected_keywords(session, names), session.settings.base_url
    return keyword_lists.daily_markdown(
        Store(session.redis), selected, rows=rows, site_url=base_url
    )


def render_references(session: CommandSession, suffix: str, selection: PaperSelection) -> bytes:
    """Render papers in the format of a suffix: `bib`, `ris`, `csl.json`.

    Raises what `selected_papers` raises.
    """
    return REFERENCE_FORMATS[suffix].render(selected_papers(session, selection))


def selected_papers(session: CommandSession, selection: PaperSelection) -> list[Paper]:
    """Return the selected papers without duplicates.

    Raises BadId, BadParameter, BadQuery, UnknownKeyword, UnknownPaper.
    """
    if sum(map(bool, (selection.ids, selection.names, selection.query))) != 1:
        raise BadParameter(
            "export", "give paper ids, or keywords (-k), or a query (--query): one of the three"
        )
    store = Store(session.redis)
    if selection.ids:
        return require_papers(store, list(dict.fromkeys(map(ArxivId.parse, selection.ids))))
    keywords = selected_keywords(session, selection.names) if selection.names else []
    texts = [keyword.query for keyword in keywords] or [selection.query]
    query = Query(any_of(parse_query(text).tree for text in texts))
    return list(store.search(SearchRequest(query=query, limit=selection.limit)).papers)


def selected_keywords(session: CommandSession, names: Sequence[str]) -> list[Keyword]:
    """Return the saved keywords of these names, sorted by name; all if `names` is empty."""
    saved = Keywords(session.redis)
    slugs = {saved.get(name).slug for name in names}
    return [keyword for keyword in saved.all() if not slugs or keyword.slug in slugs]
