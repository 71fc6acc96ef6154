"""The same papers give the same bytes: in every process, in any order of ingest."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

from redis import Redis

from papers.model.arxiv_id import ArxivId
from papers.model.paper import Sighting
from papers.state.keywords import Keywords
from papers.store import Store
from tests.service.made import (
    DAY,
    FIRST_ANNOUNCED,
    NOW,
    make_description,
    make_pick,
    make_revision,
    make_sighting,
)
from tests.service.rendering import PATHS


def sightings_of_two_months() -> list[Sighting]:
    """Two months of papers with revisions, picks, votes and a withdrawal."""
    october = [
        make_sighting(n, id=ArxivId(202610, n), announced_at=NOW - (21 + n) * DAY)
        for n in range(1, 9)
    ]
    november = [make_sighting(n) for n in range(1, 9)]
    later = [
        make_revision(2, 2, abstract="A reward model, better."),
        make_revision(
            2, 3, title="Reward models, revised", categories=("cs.LG", "cs.CL", "stat.ML")
        ),
        make_revision(3, 2, withdrawn=True),
        make_description(5, 1),
        make_sighting(6, journal_ref="J. 6"),
        *(make_pick(n, "hf", votes=n) for n in (2, 4, 6)),
        *(make_pick(n, "ours", url="https://ours.example/p") for n in (4, 6)),
        *(make_pick(4, votes=n, counted_at=FIRST_ANNOUNCED + n * DAY) for n in range(10, 15)),
        make_sighting(7, title="Diffusion of rewards", source="arxiv", version=2),
    ]
    return [*october, *november, *later]


def render_in_subprocess(url: str, folder: Path, seed: str) -> list[str]:
    process = subprocess.run(
        [sys.executable, "-m", "tests.service.rendering"],
        env={
            **os.environ,
            "PYTHONHASHSEED": seed,
            "REDIS_URL": url,
            "PAPERWIRE_DATA_DIR": str(folder),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return process.stdout.splitlines()


def test_bytes_depend_on_neither_process_nor_hash_seed_nor_order_of_ingest(
    store_url: str, redis: Redis, tmp_path: Path
) -> None:
    seen = []
    for number, seed in enumerate(("0", "1", "4711")):
        redis.flushall()
        for name in ("Reward Model", "Diffusion"):
            Keywords(redis).add(name, name.lower(), now=NOW)
        sightings = sightings_of_two_months()
        random.Random(number).shuffle(sightings)
        for at in range(0, len(sightings), 3 + 5 * number):
            Store(redis).ingest(sightings[at : at + 3 + 5 * number], now=NOW)
        Store(redis).ingest(sightings[:: number + 1], now=NOW)
        seen.append(render_in_subprocess(store_url, tmp_path / seed, seed))
    for key in redis.scan_iter("feed:*"):
        redis.delete(key)
    seen.append(render_in_subprocess(store_url, tmp_path / "restarted", "2"))
    assert [line.split()[1] for line in seen[0]] == ["200"] * len(PATHS)
    assert len({line.split()[3] for line in seen[0]}) == len(PATHS)
    assert seen[1:] == [seen[0]] * 3
