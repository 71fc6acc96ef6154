"""Presets: community feeds that can be saved by a name instead of a URL.

The URL and the format of each are known from a recorded response or from what its maker documents
or publishes. No test requests one of them; `paperwire source add` does before it saves anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class PresetEvidence(StrEnum):
    """How the format of a preset's feed is known."""

    RECORDED = "tried with a recorded response"
    DOCUMENTED = "format as its maker documents it; never tried with a real response"


@dataclass(frozen=True, slots=True)
class CommunityPreset:
    """A known community feed: what its entries are, and where its maker describes it."""

    title: str
    url: str
    documentation: str
    evidence: PresetEvidence
    has_votes: bool = False
    """Whether entries state votes; if not, picks have none and `min_votes` leaves them out."""


_REDDIT_DOCUMENTATION: Final = "https://www.reddit.com/wiki/rss"

COMMUNITY_PRESETS: Final[dict[str, CommunityPreset]] = {
    "hackernews": CommunityPreset(
        "Hacker News: submissions that link to arXiv",
        "https://hnrss.org/newest?q=arxiv.org&search_attrs=url&count=100",
        "https://hnrss.github.io/",
        PresetEvidence.DOCUMENTED,
        has_votes=True,
    ),
    "hackernews-front": CommunityPreset(
        "Hacker News: the front page",
        "https://news.ycombinator.com/rss",
        "https://news.ycombinator.com/lists",
        PresetEvidence.RECORDED,
    ),
    "lobsters": CommunityPreset(
        "Lobsters: stories that link to arXiv",
        "https://lobste.rs/domains/arxiv.org.rss",
        "https://github.com/lobsters/lobsters/blob/main/config/routes.rb",
        PresetEvidence.DOCUMENTED,
    ),
    "reddit-localllama": CommunityPreset(
        "Reddit: new posts in r/LocalLLaMA",
        "https://www.reddit.com/r/LocalLLaMA/new/.rss?limit=100",
        _REDDIT_DOCUMENTATION,
        PresetEvidence.DOCUMENTED,
    ),
    "reddit-ml": CommunityPreset(
        "Reddit: new posts in r/MachineLearning",
        "https://www.reddit.com/r/MachineLearning/new/.rss?limit=100",
        _REDDIT_DOCUMENTATION,
        PresetEvidence.DOCUMENTED,
    ),
}
"""Name to preset, sorted: the name is also that of the community unless another is given."""
