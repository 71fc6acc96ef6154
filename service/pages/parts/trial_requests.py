"""Has a worker try a feed: the one job that a web request sends, by its dotted name.

Nothing is fetched inside the request; what came is read from the store
(`papers.state.feed_trials`).
"""

from __future__ import annotations

from typing import Final

from papers.redis_backend.connection import translate_store_errors
from papers.state.feed_trials import FeedTrial, FeedTrials
from service.context import AppContext
from service.workload import QUEUE_NAME

TRIAL_JOB: Final = "workers.trial.run"
TRIAL_JOB_SECONDS: Final = 120
"""What a job may take; a fetch has its own deadline."""


def enqueue_trial(ctx: AppContext, name: str, url: str) -> FeedTrial:
    """A trial of a feed that the next free worker makes. Raises StoreAway."""
    from rq import Queue  # a tenth of a second and 10 MB that no other request spends
    from rq.serializers import JSONSerializer

    trial = FeedTrials(ctx.redis).create(name, url)
    with translate_store_errors(ctx.redis):
        queue = Queue(QUEUE_NAME, connection=ctx.redis, serializer=JSONSerializer)
        queue.enqueue_call(
            func=TRIAL_JOB,
            args=(trial.id,),
            timeout=TRIAL_JOB_SECONDS,
            result_ttl=0,
            failure_ttl=3600,
            description="a feed on trial",
        )
    return trial
