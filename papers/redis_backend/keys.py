"""Every key in Redis: name, type, content, lifetime, and the module that owns it.

The owner is the module that decides what a key contains; others may read or delete it.

| key | type | content | lifetime | owner | backup |
| --- | --- | --- | --- | --- | --- |
| `{25}03:papers` | hash | paper number in the month (2 bytes) → packed paper | permanent | papers.index.writing.month_writer | papers |
| `{25}03:terms` | hash | bucket or frequent term → packed postings of a month | permanent | papers.index.writing.month_writer | rebuilt |
| `{25}03:rev` | integer | number of transactions on the month | permanent | papers.index.writing.month_writer | rebuilt |
| `{25}:terms` | hash | the same postings, of the compacted months of a year | permanent | papers.index.compaction.compactor | rebuilt |
| `{25}:next:DIGEST` | hash | output of a running merge, which becomes `{25}:terms` | 10 min | papers.index.compaction.compactor | rebuilt |
| `{25}:rev` | integer | number of transactions on the year's postings | permanent | papers.index.compaction.compactor | rebuilt |
| `votes:2503` | hash | paper number in the month (2 bytes) → votes of each community by day, packed | permanent | papers.state.voting.votes | copied |
| `months` | sorted set | `2503`, scored by YYYYMM: months that may have papers | permanent | papers.index.writing.global_entries | rebuilt |
| `picks` | sorted set | paper id, scored by the second of its first pick | permanent | papers.index.writing.global_entries | rebuilt |
| `events:revised` | sorted set | versions from the second on, 6 bytes each (doc id, version), scored by the second of their announcement | permanent | papers.redis_backend.listings.event_sets | rebuilt |
| `events:withdrawn` | sorted set | withdrawn papers, 6 bytes each, scored by the second of the withdrawal | permanent | papers.redis_backend.listings.event_sets | rebuilt |
| `events:coded` | sorted set | papers with code, 6 bytes each, scored by the second it was first known | permanent | papers.redis_backend.listings.event_sets | rebuilt |
| `events:since` | integer | second from which on events are indexed: the day of the first ingest | permanent | papers.redis_backend.listings.event_sets | copied |
| `{lists}:NAME` | sorted set | papers that joined the list `picked`, `daily`, …, 6 bytes each, scored by the second they did | permanent | papers.state.voting.pick_lists | copied |
| `{lists}:evaluated` | hash | list → newest day, week or month that was evaluated | permanent | papers.state.voting.pick_lists | copied |
| `{words}:spread` | hash | term → months it occurs in, 2 bytes each; `*`: too many to list | permanent | papers.index.term_months | rebuilt |
| `{words}:rev` | integer | number of changes of `{words}:spread` and `{words}:vocabulary`; WATCHed by writers | permanent | papers.index.term_months | rebuilt |
| `{words}:era` | string | random token, replaced whenever something is removed from `{words}:spread` | permanent | papers.index.term_months | rebuilt |
| `{words}:vocabulary` | sorted set | folded words, score 0, for `prefix*` | permanent | papers.index.term_months | rebuilt |
| `{words}:home` | string | random token that the schema key has too: this cluster has the papers | permanent | papers.maintenance.store_home | no |
| `undescribed` | set | ids that a community named and arXiv has not described | until described | papers.index.writing.global_entries | rebuilt |
| `pending` | sorted set | tokens of running ingests, scored by the second they began | seconds | papers.store | no |
| `revision` | integer | increases whenever anything that a feed shows has changed | permanent | papers.redis_backend.revision | copied |
| `cluster:epoch` | integer | epoch of the cluster up to which readers know of its failovers | permanent | papers.redis_backend.revision | no |
| `changes` | sorted set | papers changed by each of the last 32 ingests and what they were before, scored by revision | permanent | papers.changes.change_log | no |
| `{changed}:papers` | sorted set | doc ids, 4 bytes each, of papers that changed, in order of their last change; 30 days, 1,000,000 at most | permanent | papers.redis_backend.listings.changed_papers | no |
| `{changed}:floor` | integer | score up to which `{changed}:papers` has dropped changes | permanent | papers.redis_backend.listings.changed_papers | no |
| `{changed}:pending` | hash | token of a running ingest → second it began and doc ids of its papers, 4 bytes each | seconds | papers.redis_backend.listings.changed_papers | no |
| `keywords` | hash | slug → saved keyword, JSON | permanent | papers.state.keywords | copied |
| `{keywords}:version` | string | random token, replaced with every change of `keywords`, and by a restore | permanent | papers.state.keywords | no |
| `{keywords}:former` | hash | former slug → the slug it redirects to, or the removed keyword, JSON | permanent | papers.state.former_names | copied |
| `communities` | hash | name → saved community feed, JSON | permanent | papers.state.communities | copied |
| `blocks` | hash | kind and subject → blocked paper, author, community or address, JSON | permanent | papers.blocks.saved_blocks | copied |
| `tokens` | hash | digest of a token → name, scopes and time it was made, JSON | permanent | papers.state.access.api_tokens | no |
| `{tokens}:used` | hash | digest of a token → time of its last use, to the minute | permanent | papers.state.access.api_tokens | no |
| `trial:ID` | string | result of a trial of a community feed, JSON | 15 min | papers.state.feed_trials | no |
| `seeded` | set | slugs of configured keywords that have been saved once | permanent | papers.state.keywords | copied |
| `sources` | hash | source → state, JSON | permanent | papers.state.task_states | copied |
| `{fills}:ok` | hash | initial fetch of a keyword → state, JSON, of those that are ok | permanent | papers.state.initial_fetch_states | copied |
| `{fills}:quiet` | hash | initial fetch of a keyword → state, JSON, of those that are quiet | permanent | papers.state.initial_fetch_states | copied |
| `{fills}:stale` | hash | initial fetch of a keyword → state, JSON, of those that are stale | permanent | papers.state.initial_fetch_states | copied |
| `{fills}:failing` | hash | initial fetch of a keyword → state, JSON, of those that are failing | permanent | papers.state.initial_fetch_states | copied |
| `{fills}:due` | sorted set | initial fetch, scored by the second it is due | until done | papers.state.initial_fetch_states | no |
| `due` | sorted set | task, scored by the second it is due | permanent | papers.state.task_states | no |
| `progress` | hash | task → progress of a long run, JSON | until done | papers.state.task_states | no |
| `counts` | hash | task → records per day of the last five weeks, JSON | permanent | workers.ingest.expected_volume | copied |
| `announcements` | hash | weekday → seconds from midnight to the last announcements, JSON; category → size of its last batch; the newest day; when one was missing last | permanent | workers.schedule.announcement_times | no |
| `quarantine` | list | quarantined records, newest first, JSON, 1,000 at most | permanent | papers.state.task_states | copied |
| `validators` | hash | task → URL with ETag and Last-Modified, JSON | permanent | workers.fetch.fetcher | no |
| `lane:arxiv` | hash | arXiv rate limit: who is next, earliest next request, back-off, last response | permanent | workers.fetch.arxiv_rate_limiter | no |
| `unknown` | hash | undescribed id → requests to arXiv so far and time of the next, JSON | until described | workers.tasks.enrich | copied |
| `lease:scheduler` | string | token of the active scheduler | 30 s | workers.schedule.scheduler | no |
| `lock:task:NAME` | string | token of the job that runs a task | its time-out | workers.jobs | no |
| `backfill` | string | plan and progress of a backfill, JSON | until done | workers.tasks.backfill | copied |
| `coverage` | string | span of which the store has all of arXiv, JSON | permanent | workers.tasks.coverage | copied |
| `abbreviations` | hash | folded term → other terms for it, each with the number of papers that define the pair, JSON, 20,000 at most | permanent | papers.suggestions.abbreviation_store | rebuilt |
| `dictionary` | hash | word → papers of a sample that have it; bucket → the words in it; joined word → open form; 300,000 fields at most | permanent | papers.suggestions.term_dictionary | rebuilt |
| `mailed` | hash | subscription → last period whose digest was mailed | permanent | workers.notify.delivery_log | copied |
| `websub` | hash | slug → digest of the feed last announced to the hub | permanent | workers.notify.delivery_log | copied |
| `notified:CHANNEL` | hash | subject → what a further notification channel last sent of it | permanent | workers.notify.delivery_log | copied |
| `loads` | hash | identity of a bulk file → progress of its load, JSON | permanent | workers.bulk.loader | copied |
| `feed:HASH:validators` | string | ETag and Last-Modified of the newest response, and digests of what it was rendered from | 30 days | service.cache.redis_tier | no |
| `feeds:custom` | sorted set | digests of responses to ad-hoc queries, scored by the second they were rendered | permanent | service.cache.redis_tier | no |
| `snapshot:SLUG:PERIOD` | string | packed papers of a keyword in a past month, week or day | 40 to 400 days after the last read | service.cache.archive_snapshots | copied |
| `feed:HASH:lock` | string | token of the process that renders the response | 10 s | service.cache.redis_tier | no |
| `metrics` | hash | metric, values of its labels, and bucket of a histogram → count of all processes | permanent | papers.telemetry.metric_recorder | no |
| `schema` | string | schema version of the data, the version that writes it, and the oldest reader that may serve it; or `restoring` | permanent | papers.maintenance.schema_stamp | no |
| `lock:schema` | string | token of the process that migrates the data | 60 s | papers.maintenance.migrations | no |

A transaction on several keys only uses keys that share a hash tag: of one year, of `{words}`, of
`{fills}`, of `{lists}`, of `{changed}`, or `keywords` with its version, `tokens` with their uses. With
`store_url` a Redis Cluster holds what grows with the papers, the keys of years and of `{words}`
(`is_in_cluster`), and the plain Redis all others; RQ's own keys begin with `rq:` and need a plain one.

The last column says what `papers.maintenance.backup` does with a key: `copied` as it is, `papers`
read one by one and merged again on restore, `rebuilt` from these, or `no`: caches, queues, leases,
keys whose loss only repeats a request to an upstream, and the tokens, which a restore leaves as they
are. The three tuples below say the same.
"""

from __future__ import annotations

from typing import Final

MONTHS: Final = "months"
PICKS: Final = "picks"
REVISED_EVENTS: Final = "events:revised"
WITHDRAWN_EVENTS: Final = "events:withdrawn"
CODED_EVENTS: Final = "events:coded"
EVENTS_SINCE: Final = "events:since"
PICK_LISTS: Final = "{lists}:[Ndmptw]*"
"""A pattern of the lists, not of what was evaluated."""
EVALUATED_LISTS: Final = "{lists}:evaluated"
VOCABULARY: Final = "{words}:vocabulary"
TERM_MONTHS: Final = "{words}:spread"
TERM_MONTHS_REVISION: Final = "{words}:rev"
TERM_MONTHS_EPOCH: Final = "{words}:era"
CLUSTER_TOKEN: Final = "{words}:home"
UNDESCRIBED: Final = "undescribed"
PENDING_INGESTS: Final = "pending"
REVISION: Final = "revision"
CLUSTER_EPOCH: Final = "cluster:epoch"
CHANGE_LOG: Final = "changes"
CHANGED_PAPERS: Final = "{changed}:papers"
CHANGES_FLOOR: Final = "{changed}:floor"
PENDING_CHANGES: Final = "{changed}:pending"
API_TOKENS: Final = "tokens"
API_TOKEN_USES: Final = "{tokens}:used"
KEYWORDS: Final = "keywords"
SEEDED_KEYWORDS: Final = "seeded"
KEYWORDS_VERSION: Final = "{keywords}:version"
FORMER_KEYWORDS: Final = "{keywords}:former"
COMMUNITIES: Final = "communities"
BLOCKS: Final = "blocks"
SOURCES: Final = "sources"
OK_INITIAL_FETCHES: Final = "{fills}:ok"
QUIET_INITIAL_FETCHES: Final = "{fills}:quiet"
STALE_INITIAL_FETCHES: Final = "{fills}:stale"
FAILING_INITIAL_FETCHES: Final = "{fills}:failing"
DUE_INITIAL_FETCHES: Final = "{fills}:due"
DUE_TASKS: Final = "due"
TASK_PROGRESS: Final = "progress"
RECORD_COUNTS: Final = "counts"
QUARANTINE: Final = "quarantine"
VALIDATORS: Final = "validators"
ARXIV_RATE_LIMIT: Final = "lane:arxiv"
ENRICH_RETRIES: Final = "unknown"
BACKFILL: Final = "backfill"
COVERAGE: Final = "coverage"
ABBREVIATIONS: Final = "abbreviations"
DICTIONARY: Final = "dictionary"
CUSTOM_RESPONSES: Final = "feeds:custom"
BULK_LOADS: Final = "loads"
METRICS: Final = "metrics"
ANNOUNCEMENT_TIMES: Final = "announcements"
SCHEDULER_LEASE: Final = "lease:scheduler"
SCHEMA: Final = "schema"
SCHEMA_LOCK: Final = "lock:schema"

_WORDS_TAG: Final = "{words}"

COPIED: Final = (
    REVISION,
    EVENTS_SINCE,
    KEYWORDS,
    FORMER_KEYWORDS,
    SEEDED_KEYWORDS,
    SOURCES,
    RECORD_COUNTS,
    QUARANTINE,
    ENRICH_RETRIES,
    BACKFILL,
    COVERAGE,
    BULK_LOADS,
    OK_INITIAL_FETCHES,
    QUIET_INITIAL_FETCHES,
    STALE_INITIAL_FETCHES,
    FAILING_INITIAL_FETCHES,
    BLOCKS,
    COMMUNITIES,
    PICK_LISTS,
    EVALUATED_LISTS,
    "mailed",
    "websub",
    "notified:*",
    "votes:*",
    "snapshot:*",
)
REBUILT: Final = (
    "{[0-9][0-9]}*:*",
    MONTHS,
    PICKS,
    REVISED_EVENTS,
    WITHDRAWN_EVENTS,
    CODED_EVENTS,
    TERM_MONTHS,
    TERM_MONTHS_REVISION,
    TERM_MONTHS_EPOCH,
    VOCABULARY,
    UNDESCRIBED,
    ABBREVIATIONS,
    DICTIONARY,
)
TRANSIENT: Final = (
    PENDING_INGESTS,
    CHANGE_LOG,
    CLUSTER_TOKEN,
    CLUSTER_EPOCH,
    CHANGED_PAPERS,
    CHANGES_FLOOR,
    PENDING_CHANGES,
    API_TOKENS,
    API_TOKEN_USES,
    KEYWORDS_VERSION,
    DUE_INITIAL_FETCHES,
    DUE_TASKS,
    TASK_PROGRESS,
    VALIDATORS,
    ARXIV_RATE_LIMIT,
    "feed:*",
    "trial:*",
    CUSTOM_RESPONSES,
    METRICS,
    ANNOUNCEMENT_TIMES,
    "lease:*",
    "lock:*",
    SCHEMA,
)
"""Keys, or patterns of keys as in `SCAN`, by what a backup does with them."""


def is_in_cluster(key: bytes | str) -> bool:
    """Return whether a key lives in the cluster, if there is one: of a year, or of `{words}`."""
    text = key if isinstance(key, str) else key.decode("latin-1")
    is_of_year = text[:1] == "{" and text[1:3].isdigit() and text[3:4] == "}"
    return is_of_year or text.startswith(_WORDS_TAG)


def month_papers(yymm: str) -> str:
    """Return the key of a month's papers (`2503`)."""
    return _year_tagged(yymm, "papers")


def paper_field(number: int) -> bytes:
    """Return the field of a paper in the hashes of its month."""
    return number.to_bytes(2, "big")


def paper_number(field: bytes) -> int:
    """Return the number of a paper from its field in the hashes of its month."""
    return int.from_bytes(field, "big")


def month_votes(yymm: str) -> str:
    """Return the key of the daily votes of a month's papers."""
    return f"votes:{yymm}"


def pick_list(name: str) -> str:
    """Return the key of the papers of a pick list."""
    return f"{{lists}}:{name}"


def segment_postings(segment: str) -> str:
    """Return the key of a segment's postings: a month (`2503`) or a compacted year (`25`)."""
    return _year_tagged(segment, "terms")


def merge_output(year: str, digest: str) -> str:
    """Return the key of the output of a merge, by the digest of what it is merged from."""
    return _year_tagged(year, f"next:{digest}")


def segment_revision(segment: str) -> str:
    """Return the key of a segment's transaction count, which every writer WATCHes."""
    return _year_tagged(segment, "rev")


def _year_tagged(segment: str, suffix: str) -> str:
    return f"{{{segment[:2]}}}{segment[2:]}:{suffix}"


def task_lock(task: str) -> str:
    """Return the key of the lock of a running task."""
    return f"lock:task:{task}"


def delivery_log(channel: str) -> str:
    """Return the key of what a notification channel last sent.

    The two oldest channels keep their keys: a worker of an older release must see what was sent.
    """
    older = {"mail": "mailed", "websub": "websub"}
    return older.get(channel, f"notified:{channel}")


def feed_trial(id: str) -> str:
    """Return the key of the result of a feed trial."""
    return f"trial:{id}"


def render_lock(digest: str) -> str:
    """Return the key of the lock held while a response is rendered, by its request's digest."""
    return f"feed:{digest}:lock"


def response_validators(digest: str) -> str:
    """Return the key of that response's validators, which outlive it."""
    return f"feed:{digest}:validators"


def archive_snapshot(slug: str, period: str) -> str:
    """Return the key of a keyword's papers of a past period, as they were at its end."""
    return f"snapshot:{slug}:{period}"
