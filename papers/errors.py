"""Every error Paperwire raises on purpose, as one tree.

    PaperwireError
    ├── BadInput                 whoever asked: HTTP 400, never retried
    │   ├── BadId                a text that is no arXiv id
    │   ├── BadQuery             a keyword that cannot be parsed (has a position)
    │   ├── BadParameter         a parameter beside the keyword
    │   ├── BadSettings          a setting, from TOML or the environment
    │   └── BadBackup            a file that is no whole backup, or cannot be written
    ├── NotAllowed               whoever asked: HTTP 401, without the token that this needs
    ├── TooMany                  whoever asked: HTTP 429, new questions faster than one client may
    ├── NotFound                 whoever asked: HTTP 404
    │   ├── UnknownKeyword       no saved keyword of that name
    │   ├── UnknownPaper         a well-formed id that the store does not hold
    │   └── UnknownSource        no community feed, or trial of one, of that name
    ├── SourceError              an upstream's fault: the worker decides, never a 5xx of ours
    │   ├── SourceUnreachable    no connection, time-out, cut off
    │   ├── SourceRefused        an answer that says no: 4xx, 5xx, "Rate exceeded."
    │   ├── SourceGarbled        an answer that is not what was asked for
    │   ├── SourceIncomplete     an answer with less than it declares
    │   ├── SourceInDoubt        a connection that broke when what we sent may have been taken
    │   └── AddressForbidden     an address that must not be fetched
    └── StoreError               ours, passing: HTTP 503, retried
        ├── StoreAway            Redis is not there
        ├── StoreBusy            a transaction that lost its race too often
        └── StoreNewer           data of a later Paperwire

A message names the thing, the reason and the mend.
"""

from __future__ import annotations


class PaperwireError(Exception):
    """The root: catching it catches what Paperwire itself says, and nothing else."""


class BadInput(PaperwireError):
    """The request cannot be understood; repeating it will not help."""


class BadId(BadInput):
    """A text that names no arXiv paper."""


class BadQuery(BadInput):
    """A keyword that cannot be parsed.

    `position` is the offset of the offending character in `text`, `mend` a hint in words.
    """

    def __init__(self, reason: str, *, text: str, position: int, hint: str) -> None:
        super().__init__(f"{reason} (at character {position + 1} of {text!r}): {hint}")
        self.reason, self.text, self.position, self.hint = reason, text, position, hint


class BadParameter(BadInput):
    """A parameter with a value it cannot have; `name` is the parameter's."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name


class BadSettings(BadInput):
    """A setting that is unknown, missing or of the wrong form."""


class BadBackup(BadInput):
    """A backup file that is damaged, cut, of a later form, or cannot be read or written."""


class Unauthorized(PaperwireError):
    """What was asked for needs a token, and none or another came."""


class TooManyRequests(PaperwireError):
    """One client asks new questions too fast; `retry_after` is how long to wait, in seconds."""

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotFound(PaperwireError):
    """The thing asked for is not here."""


class UnknownKeyword(NotFound):
    """No saved keyword has that name."""


class UnknownPaper(NotFound):
    """The id is well formed; the store holds no such paper."""


class UnknownSource(NotFound):
    """No community feed, or trial of one, has that name."""


class SourceError(PaperwireError):
    """An upstream did not answer as it should.

    `retry_after` is what the upstream asked for, in seconds, where it did; `status` the HTTP
    status it refused with (429 also for a 200 that says "Rate exceeded.").
    """

    def __init__(
        self, message: str, *, retry_after: float | None = None, status: int | None = None
    ) -> None:
        super().__init__(message)
        self.retry_after, self.status = retry_after, status


class SourceUnreachable(SourceError):
    """No connection, a time-out, or a connection cut in mid-answer."""


class SourceRefused(SourceError):
    """The upstream said no: an error status, or a 200 that says "Rate exceeded."."""


class SourceGarbled(SourceError):
    """The answer is not of the form that was asked for."""


class SourceIncomplete(SourceError):
    """The answer holds less than it declares."""


class SourceOutcomeUnknown(SourceError):
    """The connection broke while something was handed over: nobody knows whether it was taken."""


class AddressForbidden(SourceError):
    """The address is not one Paperwire may connect to."""


class StoreError(PaperwireError):
    """The store cannot serve this now; trying again later may help."""


class StoreUnavailable(StoreError):
    """Redis is not reachable."""


class StoreBusy(StoreError):
    """An optimistic transaction lost its race too many times."""


class StoreTooNew(StoreError):
    """The data was written by a later Paperwire, in a layout that this one does not know."""
