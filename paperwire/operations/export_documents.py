"""What `paperwire export` writes: the same bytes as the web service's exports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from papers.errors import BadParameter
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from papers.query.ast import any_of
from papers.query.parser import Query, parse_query
from papers.query.request import SearchRequest
from papers.state.keywords import Keyword, Keywords
from papers.store import Store
from paperwire.operations.session import CommandSession
from service.exports import keyword_lists
from service.exports.formats import REFERENCE_FORMATS, require_papers
from service.exports.selection import EXPORT_ORDERS


@dataclass(frozen=True, slots=True)
class ExportSelection:
    """Papers: by id, or the newest `limit` of saved keywords, or of a query. One of the three."""

    ids: Sequence[str] = ()
    names: Sequence[str] = ()
    query: str = ""
    limit: int = 100


def render_opml(session: CommandSession, names: Sequence[str], *, picked: bool) -> bytes:
    """The chosen keywords, or all, as OPML. Raises UnknownKeyword."""
    orders = EXPORT_ORDERS if picked else EXPORT_ORDERS[:1]
    return keyword_lists.subscriptions_opml(
        session.settings.base_url, selected_keywords(session, names), orders
    )


def render_markdown(session: CommandSession, names: Sequence[str], rows: int) -> bytes:
    """The newest papers of the chosen keywords, or all, as Markdown. Raises UnknownKeyword."""
    chosen, base_url = selected_keywords(session, names), session.settings.base_url
    return keyword_lists.daily_markdown(Store(session.redis), chosen, rows=rows, site_url=base_url)


def render_references(session: CommandSession, suffix: str, selection: ExportSelection) -> bytes:
    """Papers in the form of a suffix: `bib`, `ris`, `csl.json`. Raises what `selected` raises."""
    return REFERENCE_FORMATS[suffix].render(selected_papers(session, selection))


def selected_papers(session: CommandSession, selection: ExportSelection) -> list[Paper]:
    """The wanted papers, each once.

    Raises BadId, BadParameter, BadQuery, UnknownKeyword, UnknownPaper.
    """
    if sum(map(bool, (selection.ids, selection.names, selection.query))) != 1:
        raise BadParameter("export", "name papers by id, or keywords (-k), or a query (--query)")
    store = Store(session.redis)
    if selection.ids:
        return require_papers(store, list(dict.fromkeys(map(ArxivId.parse, selection.ids))))
    named = selected_keywords(session, selection.names) if selection.names else []
    texts = [keyword.query for keyword in named] or [selection.query]
    asked = Query(any_of(parse_query(text).tree for text in texts))
    return list(store.search(SearchRequest(query=asked, limit=selection.limit)).papers)


def selected_keywords(session: CommandSession, names: Sequence[str]) -> list[Keyword]:
    """The saved keywords of those names, by name; all of them where none is named."""
    saved = Keywords(session.redis)
    named = {saved.get(name).slug for name in names}
    return [keyword for keyword in saved.all() if not named or keyword.slug in named]
