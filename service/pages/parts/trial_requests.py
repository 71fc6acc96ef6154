"""Enqueues the trial of a community feed: the only job that a web request starts.

The job has its dotted name, as the service may not import workers. The request fetches nothing;
the result is in the store (`papers.state.feed_trials`).
"""

from __future__ import annotations

from typing import Final

from papers.redis_backend.connection import translate_store_errors
from papers.state.feed_trials import FeedTrial, FeedTrials
from service.context import AppContext
from service.workload import QUEUE_NAME

TRIAL_JOB: Final = "workers.trial.run"
TRIAL_JOB_SECONDS: Final = 240
"""Timeout of the job; a fetch has its own, and may wait for arXiv's rate limiter before it."""


def enqueue_trial(ctx: AppContext, name: str, url: str) -> FeedTrial:
    """Create a trial and enqueue its job. Raises StoreAway."""
    from rq import Queue  # 0.1 s and 10 MB that other requests do not need
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
