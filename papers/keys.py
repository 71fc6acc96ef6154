"""Every key in Redis: name, type, content, lifetime, and the one module that owns it.

| key | type | content | lives | owner |
| --- | --- | --- | --- | --- |
| `{2503}:papers` | hash | number in the month (2 bytes) → packed paper | for ever | papers.store |
| `{2503}:terms` | hash | bucket or big term → packed postings | for ever | papers.store |
| `{2503}:rev` | integer | transactions this month has seen | for ever | papers.store |
| `months` | sorted set | `2503` by YYYYMM: months that may hold papers | for ever | papers.store |
| `picks` | sorted set | id by seconds of its first pick | for ever | papers.store |
| `{words}:spread` | hash | word or author's word → months it occurs in, 2 bytes each; `*`: many | for ever | papers.spread |
| `{words}:rev` | integer | changes of the two; WATCHed by every writer | for ever | papers.spread |
| `{words}:vocabulary` | sorted set | folded words, score 0, for `prefix*` | for ever | papers.spread |
| `undescribed` | set | ids that a community named and arXiv has not described | till described | papers.store |
| `pending` | sorted set | tokens of ingests under way, by the second they began | seconds | papers.store |
| `revision` | integer | moves whenever anything a feed shows has changed | for ever | papers.store |
| `keywords` | hash | slug → saved keyword, JSON | for ever | papers.keywords |
| `seeded` | set | slugs of the configured keywords that were saved once | for ever | papers.keywords |
| `sources` | hash | source → state, JSON | for ever | papers.source_states |
| `due` | sorted set | task by the second it is due | for ever | papers.source_states |
| `progress` | hash | task → progress of a long run, JSON | till done | papers.source_states |
| `counts` | hash | task → records by day of the last five weeks, JSON | for ever | workers.usual |
| `quarantine` | list | records set aside, newest first, JSON, 1,000 at most | for ever | papers.source_states |
| `validators` | hash | URL → ETag and Last-Modified, JSON | for ever | workers.fetching |
| `lane:arxiv` | hash | the one lane to arXiv: whose turn, next start, back-off, what was said | for ever | workers.lane |
| `unknown` | hash | undescribed id → tries at arXiv and when to ask again, JSON | till described | workers.enrich |
| `lease:scheduler` | string | token of the scheduler that ticks | 30 s | workers.due |
| `lock:task:NAME` | string | token of the job that runs a task | its time-out | workers.jobs |
| `backfill` | string | the plan of a backfill and how far it is, JSON | till done | workers.backfill |
| `feed:HASH` | string | a rendered answer with its validators | 1 day | service.caching |
| `feed:HASH:validators` | string | ETag and Last-Modified of the newest answer | 30 days | service.caching |
| `feed:HASH:lock` | string | token of the process that renders it | 10 s | service.caching |

Every step that touches several keys touches those of one month, which share one hash tag: nothing
here needs more than Redis Cluster can do. RQ's own keys begin with `rq:` and stay on a plain Redis.
"""

from __future__ import annotations

from typing import Final

MONTHS: Final = "months"
PICKS: Final = "picks"
VOCABULARY: Final = "{words}:vocabulary"
SPREAD: Final = "{words}:spread"
SPREAD_REV: Final = "{words}:rev"
UNDESCRIBED: Final = "undescribed"
PENDING: Final = "pending"
REVISION: Final = "revision"
KEYWORDS: Final = "keywords"
SEEDED: Final = "seeded"
SOURCES: Final = "sources"
DUE: Final = "due"
PROGRESS: Final = "progress"
COUNTS: Final = "counts"
QUARANTINE: Final = "quarantine"
VALIDATORS: Final = "validators"
ARXIV_LANE: Final = "lane:arxiv"
UNKNOWN: Final = "unknown"
BACKFILL: Final = "backfill"
SCHEDULER_LEASE: Final = "lease:scheduler"


def month_papers(yymm: str) -> str:
    """The papers of a month."""
    return f"{{{yymm}}}:papers"


def month_terms(yymm: str) -> str:
    """The postings of a month."""
    return f"{{{yymm}}}:terms"


def month_rev(yymm: str) -> str:
    """The count of a month's transactions; WATCHed by every writer."""
    return f"{{{yymm}}}:rev"


def task_lock(task: str) -> str:
    """The lock of a task that a job runs."""
    return f"lock:task:{task}"


def feed(digest: str) -> str:
    """A rendered answer, by the digest of its canonical request."""
    return f"feed:{digest}"


def feed_lock(digest: str) -> str:
    """The lock of whoever renders that answer."""
    return f"feed:{digest}:lock"


def feed_validators(digest: str) -> str:
    """The validators of that answer, which outlive it."""
    return f"feed:{digest}:validators"
