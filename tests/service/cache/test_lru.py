from __future__ import annotations

import threading

from service.cache.lru import ByteLRU


def cached_keys(cache: ByteLRU[str, int], keys: str) -> str:
    return "".join(key for key in keys if cache.get(key) is not None)


def test_least_recently_used_is_evicted() -> None:
    cache = ByteLRU[str, int](3)
    for key in "abc":
        cache.put(key, 1, 1)
    cache.get("a")
    cache.put("d", 1, 1)
    assert cached_keys(cache, "abcd") == "acd"
    cache.put("e", 1, 2)
    assert cached_keys(cache, "abcde") == "de"


def test_replaced_value_counts_once() -> None:
    cache = ByteLRU[str, int](3)
    for value in range(5):
        cache.put("a", value, 2)
    cache.put("b", 1, 1)
    assert (cache.get("a"), cache.get("b")) == (4, 1)


def test_too_large_value_is_not_stored() -> None:
    cache = ByteLRU[str, int](3)
    cache.put("a", 1, 4)
    assert cache.get("a") is None
    cache.put("b", 1, 3)
    assert cache.get("b") == 1


def test_too_large_value_drops_its_predecessor() -> None:
    cache = ByteLRU[str, int](3)
    cache.put("a", 1, 1)
    cache.put("a", 2, 4)
    assert cache.get("a") is None


def test_cleared_cache_is_empty() -> None:
    cache = ByteLRU[str, int](3)
    cache.put("a", 1, 1)
    cache.clear()
    assert cache.get("a") is None


def test_threads_share_one_cache() -> None:
    cache = ByteLRU[int, int](100)

    def use(first: int) -> None:
        for number in range(first, first + 2_000):
            cache.put(number, number, 1)
            assert cache.get(number) in (number, None)

    threads = [threading.Thread(target=use, args=(1_000 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(cache.get(number) is not None for number in range(6_000)) == 100
