"""What `paperwire export` writes: the same bytes as the web service's exports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from papers.errors import BadParameter
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from papers.query.ast import any_of
from papers.query.parser import Query, parse
from papers.query.request import Ask
from papers.state.keywords import Keyword, Keywords
from papers.store import Store
from paperwire.operations.session import Session
from service.exports import keyword_lists
from service.exports.formats import FORMS, known
from service.exports.selection import ORDERS


@dataclass(frozen=True, slots=True)
class Wanted:
    """Papers: by id, or the newest `limit` of saved keywords, or of a query. One of the three."""

    ids: Sequence[str] = ()
    names: Sequence[str] = ()
    query: str = ""
    limit: int = 100


def opml(session: Session, names: Sequence[str], *, picked: bool) -> bytes:
    """The chosen keywords, or all, as OPML. Raises UnknownKeyword."""
    orders = ORDERS if picked else ORDERS[:1]
    return keyword_lists.subscriptions(session.settings.base_url, keywords(session, names), orders)


def markdown(session: Session, names: Sequence[str], rows: int) -> bytes:
    """The newest papers of the chosen keywords, or all, as Markdown. Raises UnknownKeyword."""
    chosen, base_url = keywords(session, names), session.settings.base_url
    return keyword_lists.daily(Store(session.redis), chosen, rows=rows, site_url=base_url)


def references(session: Session, suffix: str, wanted: Wanted) -> bytes:
    """Papers in the form of a suffix: `bib`, `ris`, `csl.json`. Raises what `selected` raises."""
    return FORMS[suffix].render(selected(session, wanted))


def selected(session: Session, wanted: Wanted) -> list[Paper]:
    """The wanted papers, each once.

    Raises BadId, BadParameter, BadQuery, UnknownKeyword, UnknownPaper.
    """
    if sum(map(bool, (wanted.ids, wanted.names, wanted.query))) != 1:
        raise BadParameter("export", "name papers by id, or keywords (-k), or a query (--query)")
    store = Store(session.redis)
    if wanted.ids:
        return known(store, list(dict.fromkeys(map(ArxivId.parse, wanted.ids))))
    named = keywords(session, wanted.names) if wanted.names else []
    texts = [keyword.query for keyword in named] or [wanted.query]
    asked = Query(any_of(parse(text).tree for text in texts))
    return list(store.search(Ask(query=asked, limit=wanted.limit)).papers)


def keywords(session: Session, names: Sequence[str]) -> list[Keyword]:
    """The saved keywords of those names, by name; all of them where none is named."""
    saved = Keywords(session.redis)
    named = {saved.get(name).slug for name in names}
    return [keyword for keyword in saved.all() if not named or keyword.slug in named]
