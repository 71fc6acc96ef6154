from __future__ import annotations

import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

from service.feeds import FORMATS
from service.feeds.entry_compression import TRAINING_ENTRIES, EntryCompression
from tests.service.feeds.made import CACHES, make_feed
from tests.service.made import make_paper

PAPERS = map(make_paper, range(1, 2 * TRAINING_ENTRIES))
BODIES = [*FORMATS["atom"].render_parts(make_feed(), make_feed(*PAPERS).entries, CACHES).entries]


def size(compression: EntryCompression) -> int:
    return sum(len(compression.compress(body)) for body in BODIES[TRAINING_ENTRIES:])


def test_entries_are_what_they_were() -> None:
    for compression in (EntryCompression(), EntryCompression.trained_on(BODIES[:TRAINING_ENTRIES])):
        compressed = [compression.compress(body) for body in (*BODIES, b"", bytes(100_000))]
        found = [compression.decompress(each) for each in compressed]
        assert found == [*BODIES, b"", bytes(100_000)]
        assert compression.decompress(memoryview(compressed[0])) == BODIES[0]


def test_entries_that_others_are_like_take_less() -> None:
    trained = EntryCompression.trained_on(BODIES[:TRAINING_ENTRIES])
    untrained = EntryCompression.trained_on(BODIES[: TRAINING_ENTRIES - 1])
    assert size(untrained) == size(EntryCompression())
    assert size(trained) < 0.7 * size(untrained)


def test_threads_share_a_dictionary_and_no_compressor() -> None:
    compression = EntryCompression.trained_on(BODIES[:TRAINING_ENTRIES])
    barrier = threading.Barrier(4)

    def compress_all(_: int) -> list[bytes]:
        barrier.wait()
        return [compression.decompress(compression.compress(body)) for body in BODIES * 5]

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(compress_all, range(4)):
            assert found == BODIES * 5


def test_compressed_entry_takes_no_more_memory_than_its_length() -> None:
    compression = EntryCompression()
    compression.compress(BODIES[0])
    tracemalloc.start()
    try:
        compressed = [compression.compress(body) for body in BODIES[:100]]
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < sum(map(len, compressed)) + 100 * 200
