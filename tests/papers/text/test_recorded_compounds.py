"""Over the recorded papers: what joined words gain, and how little of it is false."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Final

import pytest

from papers.text.compounds import may_join

EVERY: Final = 4
"""One paper in so many: the command `python -m benchmarks.list_compounds` reads all."""
MAX_FALSE_SHARE: Final = 0.01
KNOWN_FALSE: Final = (
    "ad-m ai-led b-sr d-ts er-k ok-vqa on-text os-r r-f s-ir se-m st-ed t-pr tree-search ti-reid"
).split()
"""Pairs that were found to mean something else than the closed form, and are joined."""


@pytest.mark.timeout(600)  # 10 s of processor time
def test_false_joins_are_few_of_what_is_gained(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks.corpus import read_sightings
    from benchmarks.list_compounds import find_compounds

    sightings = islice(read_sightings(recorded / "papers.jsonl.gz"), 0, None, EVERY)
    papers = [(sighting.title, sighting.abstract) for sighting in sightings]
    compounds = find_compounds(papers)
    gains = [gain for joined, use in compounds.items() for gain in use.gains(joined)]
    false = [gain for gain in gains if "-".join(compounds[gain.joined].pair) in KNOWN_FALSE]
    closed = sum(gain.keyword == gain.joined for gain in gains)
    with capsys.disabled():
        print(
            f"\n{len(papers):,} papers, {len(compounds):,} words in either form; gained:"
            f" {closed:,} by closed keywords, {len(gains) - closed:,} by hyphenated ones;"
            f" known to be false: {len(false):,} ({len(false) / len(gains):.2%})"
        )
    assert len(false) <= MAX_FALSE_SHARE * len(gains)
    assert {"multimodal", "finetuning", "unet"} <= compounds.keys()
    assert all(may_join(*use.pair) for use in compounds.values())
