"""What `paperwire export` writes: the same bytes as the web service's exports."""

from __future__ import annotations

from collections.abc import Sequence

from papers.keywords import Keyword, Keywords
from papers.store import Store
from paperwire.session import Session
from service.export_params import ORDERS
from service.exports import lists


def opml(session: Session, names: Sequence[str], *, picked: bool) -> bytes:
    """The chosen keywords, or all, as OPML. Raises UnknownKeyword."""
    orders = ORDERS if picked else ORDERS[:1]
    return lists.subscriptions(session.settings.base_url, keywords(session, names), orders)


def markdown(session: Session, names: Sequence[str], rows: int) -> bytes:
    """The newest papers of the chosen keywords, or all, as Markdown. Raises UnknownKeyword."""
    chosen, base_url = keywords(session, names), session.settings.base_url
    return lists.daily(Store(session.redis), chosen, rows=rows, site_url=base_url)


def keywords(session: Session, names: Sequence[str]) -> list[Keyword]:
    """The saved keywords of those names, by name; all of them where none is named."""
    saved = Keywords(session.redis)
    named = {saved.get(name).slug for name in names}
    return [keyword for keyword in saved.all() if not named or keyword.slug in named]
