"""Has a worker try a feed: the one job that a web request sends, by its dotted name.

Nothing is fetched inside the request; what came is read from the store
(`papers.state.feed_trials`).
"""

from __future__ import annotations

from typing import Final

from papers.redis_backend.connection import store_errors
from papers.state.feed_trials import Trial, Trials
from service.context import Desk

JOB: Final = "workers.trial.run"
QUEUE: Final = "paperwire"
SECONDS: Final = 120
"""What a job may take; a fetch has its own deadline."""


def begin(at: Desk, name: str, url: str) -> Trial:
    """A trial of a feed that the next free worker makes. Raises StoreAway."""
    from rq import Queue  # a tenth of a second and 10 MB that no other request spends
    from rq.serializers import JSONSerializer

    trial = Trials(at.redis).begin(name, url)
    with store_errors(at.redis):
        queue = Queue(QUEUE, connection=at.redis, serializer=JSONSerializer)
        queue.enqueue_call(
            func=JOB,
            args=(trial.id,),
            timeout=SECONDS,
            result_ttl=0,
            failure_ttl=3600,
            description="a feed on trial",
        )
    return trial
