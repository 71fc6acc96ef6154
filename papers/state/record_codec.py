"""Records of the state hashes as JSON: times in UTC, optional fields added later may be missing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, asdict, fields
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, Protocol, TypeVar

from papers.errors import StoreError


class StateRecord(Protocol):
    """Any dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


RecordT = TypeVar("RecordT", bound=StateRecord)
FieldDecoders = Mapping[str, Callable[[Any], Any]]
"""Field to how its JSON value is decoded."""

_TIME_FIELDS: Final = {
    "since",
    "attempted_at",
    "succeeded_at",
    "next_at",
    "started_at",
    "updated_at",
    "at",
}


def encode_record(record: StateRecord) -> bytes:
    """Encode a record as JSON, times as ISO 8601 in UTC; lone surrogates become `?`."""
    values = {
        name: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(record).items()
    }
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def decode_record(kind: type[RecordT], key: str, stored: bytes, decoders: FieldDecoders) -> RecordT:
    """Decode a record, perhaps one stored before an optional field was added.

    Fields that are not known are left out: a later release that writes beside this one added them.
    Raises StoreError, which names the key, for anything else.
    """
    try:
        values = json.loads(stored)
        is_required = {field.name: field.default is MISSING for field in fields(kind)}
        if missing := {name for name, needed in is_required.items() if needed} - set(values):
            raise ValueError(f"without {sorted(missing)}")
        return kind(
            **{
                name: _decode_value(name, value, decoders)
                for name, value in values.items()
                if name in is_required
            }
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise StoreError(
            f"{key}: {stored[:200]!r} is no {kind.__name__} ({error}); delete it to go on"
        ) from error


def _decode_value(name: str, value: Any, decoders: FieldDecoders) -> Any:
    if name in decoders:
        return decoders[name](value)
    if name not in _TIME_FIELDS or value is None:
        return value
    return datetime.fromisoformat(value)
