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
from papers.terms import Terms

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
        self._terms: _Side[bytes] = _Side(_TERM_FORM, shape.bucket)
        self._slots: _Side[int] = _Side(_SLOT_FORM, postings.bucket_of_slot)
        for number, before, after in sorted(changes, key=lambda change: change.number):
            self._terms.note(number, before.terms, after.terms)
            self._slots.note(number, shape.slots(before.pairs), shape.slots(after.pairs))

    @property
    def gaining(self) -> Set[bytes]:
        """The terms that gain papers."""
        return self._terms.gained.keys()

    def fields(self) -> list[bytes]:
        """The fields that `apply` needs the values of."""
        return [*self._terms.fields(), *self._slots.fields()]

    def apply(self, current: Fields) -> dict[bytes, bytes | None]:
        """The fields that change, with their new values; None where a field goes."""
        after = self._terms.apply(current) | self._slots.apply(current)
        return {field: value for field, value in after.items() if value != current.get(field)}


class _Form(NamedTuple, Generic[Key]):
    """How terms, or slots, lie in fields: large postings in own fields, small ones in buckets."""

    own_field: Callable[[Key], bytes]
    bucket_field: Callable[[int], bytes]
    unpack: Callable[[int, bytes | None], dict[Key, bytes]]
    pack: Callable[[Mapping[Key, bytes]], bytes]


_TERM_FORM: Final[_Form[bytes]] = _Form(
    own_field=postings.term_field,
    bucket_field=postings.bucket_field,
    unpack=lambda _, packed: postings.unpack(packed),
    pack=postings.pack,
)
_SLOT_FORM: Final[_Form[int]] = _Form(
    own_field=postings.slot_field,
    bucket_field=postings.slots_field,
    unpack=postings.unpack_slots,
    pack=postings.pack_slots,
)


class _Side(Generic[Key]):
    """The terms of an edit, or its slots."""

    def __init__(self, form: _Form[Key], bucket_of: Callable[[Key], int]) -> None:
        self._form: _Form[Key] = form
        self._bucket_of: Callable[[Key], int] = bucket_of
        self.gained: dict[Key, list[int]] = defaultdict(list)
        self._lost: dict[Key, list[int]] = defaultdict(list)

    def note(self, number: int, before: Set[Key], after: Set[Key]) -> None:
        """Take down what one paper gains and loses; papers come in ascending order."""
        gained = self.gained
        for key in after if not before else after - before:
            gained[key].append(number)
        for key in before - after if before else ():
            self._lost[key].append(number)

    def fields(self) -> list[bytes]:
        """The own fields and the buckets of all that changes."""
        touched: set[Key] = self.gained.keys() | self._lost.keys()
        buckets: set[int] = {self._bucket_of(key) for key in touched}
        return [*map(self._form.own_field, touched), *map(self._form.bucket_field, buckets)]

    def apply(self, current: Fields) -> dict[bytes, bytes | None]:
        """The new values of what changes."""
        after: dict[bytes, bytes | None] = {}
        for bucket, members in self._by_bucket().items():
            field = self._form.bucket_field(bucket)
            small = self._form.unpack(bucket, current.get(field))
            for key in members:
                if current or key in self._lost or len(self.gained[key]) > LARGEST_SMALL:
                    self._move(key, small, current, after)
                else:
                    small[key] = postings.numbers_of(self.gained[key])
            after[field] = self._form.pack(small) if small else None
        return after

    def _by_bucket(self) -> dict[int, list[Key]]:
        buckets: dict[int, list[Key]] = defaultdict(list)
        for key in self.gained.keys() | self._lost.keys() if self._lost else self.gained:
            buckets[self._bucket_of(key)].append(key)
        return buckets

    def _move(
        self, key: Key, small: dict[Key, bytes], current: Fields, after: dict[bytes, bytes | None]
    ) -> None:
        """Change one posting, which may pass from its bucket to a field of its own or back."""
        own = self._form.own_field(key)
        large = current.get(own)
        known = BitMap.deserialize(large) if large else postings.bitmap(small.pop(key, b""))
        merged = (known - BitMap(self._lost.get(key, ()))) | BitMap(self.gained.get(key, ()))
        after[own] = merged.serialize() if len(merged) > LARGEST_SMALL else None
        if 0 < len(merged) <= LARGEST_SMALL:
            small[key] = postings.numbers_of(merged)
