"""A month's index under change: which fields an edit reads, and what they become.

An edit is decided here and written by `papers.store`. The same papers have the same postings,
whatever the batches were that brought them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Set
from typing import Final, Generic, NamedTuple, TypeVar

from pyroaring import BitMap

from papers import postings
from papers.postings import LARGEST_SMALL, Shape
from papers.terms import WORD, Terms

Fields = Mapping[bytes, bytes | None]
"""Fields of a month's hash to their values; None where there is none."""

Key = TypeVar("Key", bytes, int)


class Change(NamedTuple):
    """One paper's terms before and after."""

    number: int
    before: Terms
    after: Terms


class Edit:
    """What the changes of some papers do to their month's index of a given shape."""

    def __init__(self, shape: Shape, changes: Iterable[Change]) -> None:
        self._terms: _Side[bytes] = _Side(
            postings.term_field, shape.bucket, _unpack_terms, postings.pack
        )
        self._slots: _Side[int] = _Side(
            postings.slot_field, postings.slots_field, postings.unpack_slots, postings.pack_slots
        )
        for number, before, after in sorted(changes, key=lambda change: change.number):
            self._terms.note(number, before.terms, after.terms)
            self._slots.note(number, shape.slots(before.pairs), shape.slots(after.pairs))

    def __bool__(self) -> bool:
        return bool(self._terms.touched or self._slots.touched)

    @property
    def words(self) -> list[str]:
        """The words that gain papers."""
        gaining = (term for term in self._terms.gained if term.startswith(WORD))
        return [term[1:].decode() for term in gaining]

    def fields(self) -> list[bytes]:
        """The fields that `apply` needs the values of."""
        return [*self._terms.fields(), *self._slots.fields()]

    def apply(self, current: Fields) -> dict[bytes, bytes | None]:
        """The fields that change, with their new values; None where a field goes."""
        after = self._terms.apply(current) | self._slots.apply(current)
        return {field: value for field, value in after.items() if value != current.get(field)}


class _Side(Generic[Key]):
    """The terms of an edit, or its slots: both have small postings in buckets and large ones."""

    def __init__(
        self,
        own_field: Callable[[Key], bytes],
        bucket_field: Callable[[Key], bytes],
        unpack: Callable[[bytes, bytes | None], dict[Key, bytes]],
        pack: Callable[[Mapping[Key, bytes]], bytes],
    ) -> None:
        self._own_field: Callable[[Key], bytes] = own_field
        self._bucket_field: Callable[[Key], bytes] = bucket_field
        self._unpack: Callable[[bytes, bytes | None], dict[Key, bytes]] = unpack
        self._pack: Callable[[Mapping[Key, bytes]], bytes] = pack
        self.gained: dict[Key, list[int]] = defaultdict(list)
        self.lost: dict[Key, list[int]] = defaultdict(list)

    @property
    def touched(self) -> set[Key]:
        """The terms or slots that change."""
        return self.gained.keys() | self.lost.keys()

    def note(self, number: int, before: Set[Key], after: Set[Key]) -> None:
        """Take down what one paper gains and loses; papers come in ascending order."""
        gained = self.gained
        for key in after if not before else after - before:
            gained[key].append(number)
        for key in before - after if before else ():
            self.lost[key].append(number)

    def fields(self) -> list[bytes]:
        """The own fields and the buckets of all that changes."""
        names = {self._own_field(key): None for key in self.touched}
        names |= {self._bucket_field(key): None for key in self.touched}
        return list(names)

    def apply(self, current: Fields) -> dict[bytes, bytes | None]:
        """The new values of `fields()`."""
        after: dict[bytes, bytes | None] = {}
        buckets: dict[bytes, list[Key]] = defaultdict(list)
        for key in self.touched:
            buckets[self._bucket_field(key)].append(key)
        for field, members in buckets.items():
            small = self._unpack(field, current.get(field))
            for key in members:
                own = self._own_field(key)
                numbers, after[own] = self._posting(key, small.pop(key, b""), current.get(own))
                if numbers:
                    small[key] = numbers
            after[field] = self._pack(small) if small else None
        return after

    def _posting(self, key: Key, small: bytes, large: bytes | None) -> tuple[bytes, bytes | None]:
        """The new posting of a key, as a small one or as a large one."""
        gained, lost = self.gained.get(key, _NONE), self.lost.get(key, _NONE)
        if not small and not large and not lost and len(gained) <= LARGEST_SMALL:
            return postings.numbers_of(gained), None
        known = BitMap.deserialize(large) if large else postings.bitmap(small)
        merged = (known - BitMap(lost)) | BitMap(gained)
        if len(merged) <= LARGEST_SMALL:
            return postings.numbers_of(merged), None
        return b"", merged.serialize()


_NONE: Final[list[int]] = []


def _unpack_terms(field: bytes, bucket: bytes | None) -> dict[bytes, bytes]:
    return postings.unpack(bucket)
