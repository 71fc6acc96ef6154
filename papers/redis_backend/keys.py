"""Every key in Redis: name, type, content, lifetime, and the one module that owns it.

| key | type | content | lives | owner | backup |
| --- | --- | --- | --- | --- | --- |
| `{25}03:papers` | hash | number in the month (2 bytes) → packed paper | for ever | papers.store | papers |
| `{25}03:terms` | hash | bucket or big term → packed postings of a month | for ever | papers.store | rebuilt |
| `{25}03:rev` | integer | transactions this month has seen | for ever | papers.store | rebuilt |
| `{25}:terms` | hash | the same of the months of a year that are closed | for ever | papers.index.compaction.compactor | rebuilt |
| `{25}:next:TOKEN` | hash | what that becomes | 10 min | papers.index.compaction.compactor | rebuilt |
| `{25}:rev` | integer | transactions that has seen | for ever | papers.index.compaction.compactor | rebuilt |
| `votes:2503` | hash | number in the month (2 bytes) → what communities counted day by day, packed | for ever | papers.state.votes | copied |
| `months` | sorted set | `2503` by YYYYMM: months that may hold papers | for ever | papers.store | rebuilt |
| `picks` | sorted set | id by seconds of its first pick | for ever | papers.store | rebuilt |
| `{words}:spread` | hash | word or author's word → months it occurs in, 2 bytes each; `*`: many | for ever | papers.index.term_months | rebuilt |
| `{words}:rev` | integer | changes of the two; WATCHed by every writer | for ever | papers.index.term_months | rebuilt |
| `{words}:era` | string | a random name: since when nothing was taken from the spread | for ever | papers.index.term_months | rebuilt |
| `{words}:vocabulary` | sorted set | folded words, score 0, for `prefix*` | for ever | papers.index.term_months | rebuilt |
| `undescribed` | set | ids that a community named and arXiv has not described | till described | papers.store | rebuilt |
| `pending` | sorted set | tokens of ingests under way, by the second they began | seconds | papers.store | no |
| `revision` | integer | moves whenever anything a feed shows has changed | for ever | papers.store | copied |
| `keywords` | hash | slug → saved keyword, JSON | for ever | papers.state.keywords | copied |
| `communities` | hash | name → saved community feed, JSON | for ever | papers.state.communities | copied |
| `trial:ID` | string | what a feed that somebody tries would bring, JSON | 15 min | papers.state.feed_trials | no |
| `seeded` | set | slugs of the configured keywords that were saved once | for ever | papers.state.keywords | copied |
| `sources` | hash | source → state, JSON | for ever | papers.state.task_states | copied |
| `due` | sorted set | task by the second it is due | for ever | papers.state.task_states | no |
| `progress` | hash | task → progress of a long run, JSON | till done | papers.state.task_states | no |
| `counts` | hash | task → records by day of the last five weeks, JSON | for ever | workers.ingest.expected_volume | copied |
| `quarantine` | list | records set aside, newest first, JSON, 1,000 at most | for ever | papers.state.task_states | copied |
| `validators` | hash | URL → ETag and Last-Modified, JSON | for ever | workers.fetch.fetcher | no |
| `lane:arxiv` | hash | the one lane to arXiv: whose turn, next start, back-off, what was said | for ever | workers.fetch.arxiv_rate_limiter | no |
| `unknown` | hash | undescribed id → tries at arXiv and when to ask again, JSON | till described | workers.tasks.enrich | copied |
| `lease:scheduler` | string | token of the scheduler that ticks | 30 s | workers.schedule.scheduler | no |
| `lock:task:NAME` | string | token of the job that runs a task | its time-out | workers.jobs | no |
| `backfill` | string | the plan of a backfill and how far it is, JSON | till done | workers.tasks.backfill | copied |
| `mailed` | hash | subscription → the last period whose digest was mailed | for ever | workers.notify.mail | copied |
| `websub` | hash | slug → digest of what the hub was told of last | for ever | workers.notify.websub | copied |
| `loads` | hash | identity of a bulk file → how far its load is, JSON | for ever | workers.bulk.loader | copied |
| `feed:HASH:CODING` | string | a rendered answer in one coding, with its validators | 1 day | service.cache.render_cache | no |
| `feed:HASH:validators` | string | ETag and Last-Modified of the newest answer | 30 days | service.cache.render_cache | no |
| `feeds:custom` | sorted set | digests of the answers that anyone can ask for, by the second they were made | for ever | service.custom_answers | no |
| `snapshot:SLUG:PERIOD` | string | packed papers of a keyword in a month, week or day that is over | 40 to 400 days unread | service.cache.archive_snapshots | copied |
| `feed:HASH:lock` | string | token of the process that renders it | 10 s | service.cache.render_cache | no |
| `schema` | string | the schema of the data, or `restoring` | for ever | papers.maintenance.migrations | no |
| `lock:schema` | string | token of the process that migrates the data | 60 s | papers.maintenance.migrations | no |

Every step that touches several keys touches those of one year, which share one hash tag: nothing
here needs more than Redis Cluster can do. RQ's own keys begin with `rq:` and stay on a plain Redis.

The last column is what `papers.maintenance.backup` does with a key: `copied` as it is, `papers` taken one by
one and merged in again, `rebuilt` from them, or `no`: caches, queues, leases, and what leads only
to asking an upstream once more. The three tuples below say the same; a test holds them to it.
"""

from __future__ import annotations

from typing import Final

MONTHS: Final = "months"
PICKS: Final = "picks"
VOCABULARY: Final = "{words}:vocabulary"
TERM_MONTHS: Final = "{words}:spread"
TERM_MONTHS_REVISION: Final = "{words}:rev"
TERM_MONTHS_EPOCH: Final = "{words}:era"
UNDESCRIBED: Final = "undescribed"
PENDING_INGESTS: Final = "pending"
REVISION: Final = "revision"
KEYWORDS: Final = "keywords"
SEEDED_KEYWORDS: Final = "seeded"
COMMUNITIES: Final = "communities"
SOURCES: Final = "sources"
DUE_TASKS: Final = "due"
TASK_PROGRESS: Final = "progress"
RECORD_COUNTS: Final = "counts"
QUARANTINE: Final = "quarantine"
VALIDATORS: Final = "validators"
ARXIV_RATE_LIMIT: Final = "lane:arxiv"
ENRICH_RETRIES: Final = "unknown"
BACKFILL: Final = "backfill"
CUSTOM_RESPONSES: Final = "feeds:custom"
BULK_LOADS: Final = "loads"
WEBSUB_DIGESTS: Final = "websub"
MAILED_DIGESTS: Final = "mailed"
SCHEDULER_LEASE: Final = "lease:scheduler"
SCHEMA: Final = "schema"
SCHEMA_LOCK: Final = "lock:schema"

COPIED: Final = (
    *(
        REVISION,
        KEYWORDS,
        SEEDED_KEYWORDS,
        SOURCES,
        RECORD_COUNTS,
        QUARANTINE,
        ENRICH_RETRIES,
        BACKFILL,
        BULK_LOADS,
    ),
    *(COMMUNITIES, MAILED_DIGESTS, WEBSUB_DIGESTS, "votes:*", "snapshot:*"),
)
REBUILT: Final = (
    *(
        "{[0-9][0-9]}*:*",
        MONTHS,
        PICKS,
        TERM_MONTHS,
        TERM_MONTHS_REVISION,
        TERM_MONTHS_EPOCH,
        VOCABULARY,
        UNDESCRIBED,
    ),
)
TRANSIENT: Final = (
    *(
        PENDING_INGESTS,
        DUE_TASKS,
        TASK_PROGRESS,
        VALIDATORS,
        ARXIV_RATE_LIMIT,
        "feed:*",
        "trial:*",
        CUSTOM_RESPONSES,
        "lease:*",
        "lock:*",
        SCHEMA,
    ),
)
"""Keys, or patterns of keys as `SCAN` takes them, by what a backup does with them."""


def month_papers(yymm: str) -> str:
    """The papers of a month."""
    return _year_tagged(yymm, "papers")


def paper_field(number: int) -> bytes:
    """The field of a paper in its month's hash."""
    return number.to_bytes(2, "big")


def month_votes(yymm: str) -> str:
    """How the votes of a month's papers grew."""
    return f"votes:{yymm}"


def segment_postings(segment: str) -> str:
    """The postings of a volume: of a month (`2503`) or of a closed year (`25`)."""
    return _year_tagged(segment, "terms")


def merge_output(year: str, token: str) -> str:
    """The postings that a year is to have, by whoever makes them."""
    return _year_tagged(year, f"next:{token}")


def segment_revision(segment: str) -> str:
    """The count of a volume's transactions; WATCHed by every writer."""
    return _year_tagged(segment, "rev")


def _year_tagged(segment: str, suffix: str) -> str:
    return f"{{{segment[:2]}}}{segment[2:]}:{suffix}"


def task_lock(task: str) -> str:
    """The lock of a task that a job runs."""
    return f"lock:task:{task}"


def feed_trial(id: str) -> str:
    """What a trial of a feed brought."""
    return f"trial:{id}"


def rendered_response(digest: str, coding: str) -> str:
    """A rendered answer in a coding (`br`, `gzip`), by the digest of its canonical request."""
    return f"feed:{digest}:{coding}"


def render_lock(digest: str) -> str:
    """The lock of whoever renders that answer."""
    return f"feed:{digest}:lock"


def response_validators(digest: str) -> str:
    """The validators of that answer, which outlive it."""
    return f"feed:{digest}:validators"


def archive_snapshot(slug: str, period: str) -> str:
    """A keyword's papers of a period, as they were when it was over."""
    return f"snapshot:{slug}:{period}"
