"""What of a record was there when its newest version was announced: what readers compare.

Between versions authors name a journal, and arXiv lists a paper in more categories. None of that is
a new version; whoever shows what has changed leaves it out until there is one. A paper that was
never seen announced here was not shown before, and all of it is there.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from papers.model.merge import updated_at
from papers.model.paper import Paper

ANNOUNCEMENT_WINDOW: Final = timedelta(hours=20)
"""After the Eastern midnight of an announcement: OAI-PMH dates by the day, and the announcements of
the next day come after 24 hours."""


def journal_ref_at_announcement(paper: Paper) -> str:
    """The journal reference, if it was named by then."""
    at = paper.referred_at
    late = at and _was_seen_announced(paper) and at > updated_at(paper) + ANNOUNCEMENT_WINDOW
    return "" if late else paper.journal_ref


def categories_at_announcement(paper: Paper) -> tuple[str, ...]:
    """The categories it was listed in by then; the primary one always."""
    if not paper.listed_at or not _was_seen_announced(paper):
        return paper.categories
    end = (updated_at(paper) + ANNOUNCEMENT_WINDOW).timestamp()
    listed = zip(paper.categories, paper.listed_at, strict=True)
    return tuple([name for name, at in listed if at <= end or name == paper.primary])


def _was_seen_announced(paper: Paper) -> bool:
    return bool(paper.announced_at or (paper.revision and paper.revision.is_exact))
