"""The table of built-in sources, and which names and URLs a community feed may have.

A source is what `source:` and feeds refer to: `arxiv`, `hf`, or a community. Workers run its tasks
(`workers.registry`). A new upstream is a row here, a row there and a module in `workers/sources/`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from papers.config.url_secrets import hide_credentials


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A built-in source: its title and homepage, its tasks, and the settings that concern it."""

    title: str
    """Its display name."""
    homepage: str
    """An absolute URL: the `atom:source` of papers that no other source has named."""
    task_kinds: tuple[str, ...]
    """The tasks that bring in its papers, by kind: a task's name up to `:`."""
    fetched_by: tuple[str, ...]
    """The kinds that `paperwire fetch NAME` runs: new papers only, no harvest of old ones."""
    url_settings: tuple[str, ...]
    """The settings that hold its URLs."""
    enabled_by: str = ""
    """The setting that switches it on or off; empty: it is always on."""
    is_arxiv: bool = False
    """Whether it is arXiv: requests share its rate limit, and its texts are authoritative."""


SOURCES: Final[dict[str, SourceSpec]] = {
    "arxiv": SourceSpec(
        title="arXiv",
        homepage="https://arxiv.org/",
        task_kinds=("announcements", "oai", "enrich"),
        fetched_by=("announcements",),
        url_settings=("arxiv_feed_url", "arxiv_api_url", "arxiv_oai_url"),
        is_arxiv=True,
    ),
    "hf": SourceSpec(
        title="Hugging Face Daily Papers",
        homepage="https://huggingface.co/papers",
        task_kinds=("hf",),
        fetched_by=("hf",),
        url_settings=("huggingface_url",),
        enabled_by="huggingface",
    ),
}
"""Name to source, in display order."""

COMMUNITY_KIND: Final = "community"
"""The kind of the tasks that fetch a community's feed: `community:NAME`."""

TASK_TITLES: Final[dict[str, str]] = {
    "announcements": "arXiv {name}",
    "oai": "arXiv OAI-PMH",
    "enrich": "arXiv API",
    "hf:today": "Hugging Face Daily Papers, today",
    "hf:recent": "Hugging Face Daily Papers, past days",
    "backfill": "arXiv backfill",
    "fill": "first papers of {name}",
    "retention": "retention",
    "lists": "list feeds",
    "thumbnails": "thumbnails",
    "closing": "compaction",
    "backup": "backup",
    "abbreviations": "abbreviations",
    "mail": "e-mail of {name}",
    "websub": "WebSub hub",
}
"""Task, or kind of task, to its display name; `{name}` is the part after the colon.

A kind that is not listed has the title of its source, or else its own name.
"""

SLUG_PATTERN: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
"""The form of names in URLs: of communities and of saved keywords."""


def is_source_task(task: str) -> bool:
    """Return whether a task brings in papers; maintenance and notifications do not."""
    kind = task.partition(":")[0]
    return kind == COMMUNITY_KIND or any(kind in spec.task_kinds for spec in SOURCES.values())


def check_community(name: str, url: str) -> tuple[str, str]:
    """Return which argument is invalid, `name` or `url`, and why; two empty texts if none is."""
    if not SLUG_PATTERN.fullmatch(name) or name in SOURCES:
        reserved = ", ".join(SOURCES)
        return "name", f"{name!r} must be a name of a-z, 0-9 and hyphens, and none of {reserved}"
    if not url.startswith(("http://", "https://")):
        return "url", f"{name} = {hide_credentials(url)!r}: must begin with http:// or https://"
    return "", ""
