"""What a reader sees of a paper, and which changes of it count as news.

Between two versions, authors add a journal reference and arXiv cross-lists the paper. Neither is a
new version, so feeds leave them out until there is one: `*_at_announcement` return these fields as
of the newest version's announcement. A paper that was never seen announced here has not been shown
before, so nothing of it is left out.

    visible_part         what is compared to tell whether the store's revision has to move
    feed_digest          what is compared to tell whether a feed is news for its subscribers
    *_at_announcement    the fields that wait for the next version
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from papers.model.dates import updated_at
from papers.model.paper import Paper
from papers.text.latex import accents_to_unicode

ANNOUNCEMENT_WINDOW: Final = timedelta(hours=20)
"""How long after the Eastern midnight of an announcement a statement still belongs to it.

OAI-PMH dates records by the day only; the next day's announcement follows 24 hours later.
"""


def visible_part(paper: Paper) -> Paper:
    """Return a paper without the fields that no reader sees: ranks, and when counts were taken."""
    picks = tuple(replace(pick, counted_at=None) for pick in paper.picks)
    return paper._replace(picks=picks, ranks=())


def feed_digest(papers: Iterable[Paper]) -> str:
    """Return a digest of what feed readers compare, in hexadecimal.

    Where two digests differ, so do the bytes of the feeds. Votes, comments, picks, links and a DOI
    change a feed's bytes too, but are no news. The digest is stored: what is hashed must stay as it
    is, or every feed is announced to the hub again.
    """
    hashed = hashlib.blake2b(digest_size=12)
    for paper in papers:
        hashed.update(repr(_compared_values(paper)).encode())
    return hashed.hexdigest()


def _compared_values(paper: Paper) -> tuple[str, ...]:
    values = (
        paper.id,
        updated_at(paper),
        paper.withdrawn,
        paper.authors,
        categories_at_announcement(paper),
    )
    texts = (paper.title, paper.abstract, paper.comment, journal_ref_at_announcement(paper))
    return (
        *map(str, values),
        *(" ".join(accents_to_unicode(text).split()) for text in texts),
    )


def journal_ref_at_announcement(paper: Paper) -> str:
    """Return the journal reference if it was known at the announcement, else an empty text."""
    at = paper.referred_at
    late = at and _was_seen_announced(paper) and at > updated_at(paper) + ANNOUNCEMENT_WINDOW
    return "" if late else paper.journal_ref


def categories_at_announcement(paper: Paper) -> tuple[str, ...]:
    """Return the categories known at the announcement; the primary one is always among them."""
    if not paper.listed_at or not _was_seen_announced(paper):
        return paper.categories
    end = (updated_at(paper) + ANNOUNCEMENT_WINDOW).timestamp()
    listed = zip(paper.categories, paper.listed_at, strict=True)
    return tuple([name for name, at in listed if at <= end or name == paper.primary])


def _was_seen_announced(paper: Paper) -> bool:
    return bool(paper.announced_at or (paper.revision and paper.revision.is_exact))
