"""Schema stamp: the value of the schema key. Which version the data has, and who may use it.

    6                       version 6 writes and reads it
    7 reader 6              version 7 writes it; web servers of version 6 may go on serving it
    6 writer 7 reader 6     version 7 is migrating it; the same, and nobody else writes
    5 writer 6              version 6 is migrating it; version 5 must not serve it meanwhile
    6 cluster TOKEN         the papers are in the cluster that has this token
    restoring               a backup is being restored

So in a rolling upgrade the web servers of the release before serve on, where the new release says
that they can, and its workers stop before the first step of a migration. Words of a later release
that are not known here are ignored: it would raise `reader` if they mattered.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from papers.command_name import command_line
from papers.errors import StoreError
from papers.redis_backend import keys

RESTORING_MARK: Final = b"restoring"
"""The value of the schema key while a backup is restored."""


class SchemaStamp(NamedTuple):
    """The version of the data, the version that writes it, and the oldest that may read it.

    `token` is that of a cluster, or `b""`.
    """

    version: int
    writer: int
    reader: int
    token: bytes = b""

    @classmethod
    def of_version(cls, version: int) -> SchemaStamp:
        """Return the stamp of data that one version writes and reads."""
        return cls(version, version, version)

    @classmethod
    def parse(cls, stored: bytes) -> SchemaStamp:
        """Parse a stored value. Raises StoreError."""
        if stored == RESTORING_MARK:
            raise StoreError(
                "a backup is being restored, or that was cut short; "
                f"wait for it, or run `{command_line('restore --replace FILE')}` again"
            )
        version, *words = stored.split(b" ")
        found = dict(zip(words[::2], words[1::2], strict=False))
        writer = found.get(b"writer", version)
        reader = found.get(b"reader", writer)
        if not (version.isdigit() and writer.isdigit() and reader.isdigit()):
            raise StoreError(f"{keys.SCHEMA} holds {stored[:50]!r}, which is no schema")
        return cls(int(version), int(writer), int(reader), found.get(b"cluster", b""))

    def encode(self) -> bytes:
        """Return the value to store."""
        words = [b"%d" % self.version]
        if self.writer != self.version:
            words.append(b"writer %d" % self.writer)
        if self.reader != self.writer:
            words.append(b"reader %d" % self.reader)
        if self.token:
            words.append(b"cluster " + self.token)
        return b" ".join(words)
