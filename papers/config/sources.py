"""The table of built-in sources, and what a community's feed may be called.

A source is what `source:` and the feeds name: `arxiv`, `hf`, or a community. Its tasks are what
workers run for it (`workers.registry`). A new upstream is a row here, a row there and a module in
`workers/sources/`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A built-in source: its title and homepage, its tasks, and the settings that concern it."""

    title: str
    """What people call it."""
    homepage: str
    """An absolute URL: the `atom:source` of papers that it alone has named."""
    task_kinds: tuple[str, ...]
    """Kinds of tasks without which its papers are missing: a kind is a task's name up to `:`."""
    fetched_by: tuple[str, ...]
    """The kinds that `paperwire fetch NAME` runs: the news, no harvest of old papers."""
    url_settings: tuple[str, ...]
    """Settings that hold its addresses."""
    enabled_by: str = ""
    """The setting that switches it on or off; empty: it is always on."""
    is_arxiv: bool = False
    """Whether its requests share arXiv's rate limit, and its words are the paper's own."""


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
"""Name to source, in the order of menus and messages."""

COMMUNITY_KIND: Final = "community"
"""The kind of the tasks that read a community's feed: `community:NAME`."""

TASK_TITLES: Final[dict[str, str]] = {
    "announcements": "arXiv {name}",
    "oai": "arXiv OAI-PMH",
    "enrich": "arXiv API",
    "backfill": "arXiv backfill",
    "hf": "Hugging Face Daily Papers",
    COMMUNITY_KIND: "{name}",
    "fill": "first papers of {name}",
    "retention": "retention",
    "closing": "compaction",
    "mail": "e-mail of {name}",
    "websub": "WebSub hub",
}
"""Kind of task to what people call it; `{name}` is the part behind the colon."""

SLUG_PATTERN: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
"""How names of communities and saved keywords are spelled in URLs."""


def is_source_task(task: str) -> bool:
    """True if papers are missing while this task fails: maintenance and notifications are not."""
    kind = task.partition(":")[0]
    return kind == COMMUNITY_KIND or any(kind in spec.task_kinds for spec in SOURCES.values())


def check_community(name: str, url: str) -> tuple[str, str]:
    """The faulty argument of the two (`name`, `url`) and the reason; two empty texts if valid."""
    if not SLUG_PATTERN.fullmatch(name) or name in SOURCES:
        reserved = ", ".join(SOURCES)
        return "name", f"{name!r} must be a name of a-z, 0-9 and hyphens, and none of {reserved}"
    if not url.startswith(("http://", "https://")):
        return "url", f"{name} = {url!r}: must begin with http:// or https://"
    return "", ""
