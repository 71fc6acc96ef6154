"""Request every kind of cached response: `python -m tests.service.rendering`.

Prints path, status, ETag and a digest of the body, one line each. REDIS_URL is the URL of the
store, PAPERWIRE_DATA_DIR the data folder.
"""

from __future__ import annotations

import hashlib
import os
from typing import Final
from unittest.mock import patch

from papers.config.settings import Settings
from service import create_app
from service.context import AppContext
from service.feeds import FORMATS
from tests.service.made import NOW

SITE: Final = "https://wire.example"
PATHS: Final = (
    *(f"/feeds/reward-model.{suffix}" for suffix in FORMATS),
    *(f"/feeds/search.{suffix}?k=diffusion&k=reward-model" for suffix in FORMATS),
    *(f"/feeds/reward-model.{suffix}?n=3&when=picked" for suffix in FORMATS),
    *(f"/feeds/reward-model.{suffix}?digest=day" for suffix in FORMATS),
    *(f"/feeds/reward-model/2026-10.{suffix}" for suffix in FORMATS),
    "/feeds/search.atom?before=2611.00005&n=2&q=reward",
    "/api/v1/papers?q=reward",
    "/k/reward-model",
)


def main() -> None:
    """Request all paths at a fixed time."""
    settings = Settings(
        redis_url=os.environ["REDIS_URL"],
        data_dir=os.environ["PAPERWIRE_DATA_DIR"],
        public_url=SITE,
        questions_per_minute=0,
    )
    with patch.object(AppContext, "now", lambda _: NOW):
        client = create_app(settings).test_client()
        for path in PATHS:
            response = client.get(path)
            body = hashlib.sha256(response.data).hexdigest()
            print(path, response.status_code, response.headers["ETag"], body)


if __name__ == "__main__":
    main()
