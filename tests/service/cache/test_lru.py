from __future__ import annotations

import threading

from service.cache.lru import ByteLRU


def kept(memory: ByteLRU[str, int], names: str) -> str:
    return "".join(name for name in names if memory.get(name) is not None)


def test_of_too_many_those_go_that_were_asked_for_longest_ago() -> None:
    memory = ByteLRU[str, int](3)
    for name in "abc":
        memory.put(name, 1, 1)
    memory.get("a")
    memory.put("d", 1, 1)
    assert kept(memory, "abcd") == "acd"
    memory.put("e", 1, 2)
    assert kept(memory, "abcde") == "de"


def test_a_value_kept_again_counts_once() -> None:
    memory = ByteLRU[str, int](3)
    for value in range(5):
        memory.put("a", value, 2)
    memory.put("b", 1, 1)
    assert (memory.get("a"), memory.get("b")) == (4, 1)


def test_what_is_too_large_is_not_kept() -> None:
    memory = ByteLRU[str, int](3)
    memory.put("a", 1, 4)
    assert memory.get("a") is None
    memory.put("b", 1, 3)
    assert memory.get("b") == 1


def test_threads_share_it() -> None:
    memory = ByteLRU[int, int](100)

    def use(first: int) -> None:
        for number in range(first, first + 2_000):
            memory.put(number, number, 1)
            assert memory.get(number) in (number, None)

    threads = [threading.Thread(target=use, args=(1_000 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(memory.get(number) is not None for number in range(6_000)) == 100
