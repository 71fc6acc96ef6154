"""The errors that Paperwire raises on purpose, as one tree.

    PaperwireError
    ├── BadInput                 the request's fault: HTTP 400, never retried
    │   ├── BadId                a text that is not an arXiv id
    │   ├── BadQuery             a keyword that cannot be parsed (has a position)
    │   ├── BadParameter         an invalid parameter beside the keyword
    │   │   └── FormerNameTaken  a name that redirects to another keyword
    │   ├── BadSettings          an invalid setting, from TOML or the environment
    │   └── BadBackup            a file that is not a whole backup, or cannot be read or written
    ├── Unauthorized             HTTP 401: the token is missing or wrong
    ├── ScopeMissing             HTTP 403: the token is for something else
    ├── TooManyRequests          HTTP 429: a client exceeds its rate limit
    ├── NotFound                 HTTP 404
    │   ├── UnknownKeyword       no saved keyword of that name
    │   ├── KeywordGone          HTTP 410: a keyword that was removed for good
    │   ├── BlockedPaper         HTTP 410: a paper that the operator has taken out
    │   ├── CursorGone           HTTP 410: changes since a cursor are no longer known
    │   ├── UnknownPaper         a well-formed id of a paper that is not in the store
    │   ├── UnknownToken         no saved token of that name
    │   └── UnknownSource        no community feed, or trial of one, of that name
    ├── SourceError              an upstream's fault: the worker decides, never an HTTP 5xx here
    │   ├── SourceUnreachable    no connection, a time-out, a connection that was cut
    │   ├── SourceRefused        a refusal: 4xx, 5xx, "Rate exceeded."
    │   ├── SourceGarbled        a response in another format than requested
    │   ├── SourceIncomplete     a response with less than it declares
    │   ├── SourceOutcomeUnknown a connection that broke when data may have been accepted
    │   └── AddressForbidden     an address that must not be fetched
    └── StoreError               temporary, on our side: HTTP 503, retried
        ├── StoreUnavailable     Redis cannot be reached, or refuses every command
        ├── StoreBusy            a transaction that lost its race too often
        └── StoreTooNew          data of a later Paperwire

A message names the object, the reason and the remedy.
"""

from __future__ import annotations

from typing import Final

UNREACHABLE: Final = "unreachable"
TIMEOUT: Final = "timeout"
SILENT_CAUSES: Final = frozenset({"", UNREACHABLE, TIMEOUT})
"""The `cause` of a StoreError if the store says nothing itself."""


class PaperwireError(Exception):
    """The root: catches every error that Paperwire raises on purpose, and nothing else."""


class BadInput(PaperwireError):
    """A request that cannot be understood; repeating it does not help."""


class BadId(BadInput):
    """A text that is not an arXiv id."""


class BadQuery(BadInput):
    """A keyword that cannot be parsed.

    `position` is the offset of the offending character in `text`; `hint` says how to correct it.
    """

    def __init__(self, reason: str, *, text: str, position: int, hint: str) -> None:
        super().__init__(f"{reason} (at character {position + 1} of {text!r}): {hint}")
        self.reason, self.text, self.position, self.hint = reason, text, position, hint


class BadParameter(BadInput):
    """An invalid value of the parameter `name`."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name


class FormerNameTaken(BadParameter):
    """A name whose URLs redirect to another keyword, which had it before.

    `how` says how the caller takes the name over: by an option, or by a member of a request.
    """

    def __init__(self, name: str, successor: str, *, how: str = "") -> None:
        super().__init__(
            "name",
            f"{name!r} is a former name of {successor!r}, and its feeds redirect there; "
            f"choose another, or take it over{how and ' '}{how}",
        )
        self.former_name, self.successor = name, successor


class BadSettings(BadInput):
    """A setting that is unknown, missing or malformed."""


class BadBackup(BadInput):
    """A backup file that is damaged, truncated, of a later format, or cannot be read or written."""


class Unauthorized(PaperwireError):
    """A request that needs a token and has none, or a wrong one."""


class ScopeMissing(PaperwireError):
    """A request with a saved token that is for something else."""


class TooManyRequests(PaperwireError):
    """A client that exceeds its rate limit; `retry_after` is the time to wait, in seconds."""

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotFound(PaperwireError):
    """A resource that does not exist."""


class UnknownKeyword(NotFound):
    """A name that no saved keyword has; `slug` is what its URLs would begin with, if known."""

    def __init__(self, message: str, *, slug: str = "") -> None:
        super().__init__(message)
        self.slug = slug


class KeywordGone(NotFound):
    """A saved keyword that was removed for good."""


class BlockedPaper(NotFound):
    """A paper that the operator has taken out (`papers.blocks`)."""


class CursorGone(NotFound):
    """A cursor of changed papers since which not all changes are known any more."""


class UnknownPaper(NotFound):
    """A well-formed id of a paper that is not in the store."""


class UnknownToken(NotFound):
    """A name that no saved token has."""


class UnknownSource(NotFound):
    """A name that no community feed, or trial of one, has."""


class SourceError(PaperwireError):
    """An upstream that did not respond as it should.

    `retry_after` is the wait that the upstream requested, in seconds; None if it did not. `status`
    is the HTTP status of a refusal (429 also for a 200 that says "Rate exceeded.").
    """

    def __init__(
        self, message: str, *, retry_after: float | None = None, status: int | None = None
    ) -> None:
        super().__init__(message)
        self.retry_after, self.status = retry_after, status


class SourceUnreachable(SourceError):
    """No connection, a time-out, or a connection that was cut during the response."""


class SourceRefused(SourceError):
    """A refusal: an error status, or a 200 that says "Rate exceeded."."""


class SourceGarbled(SourceError):
    """A response that is not in the expected format."""


class SourceIncomplete(SourceError):
    """A response that holds less than it declares."""


class SourceOutcomeUnknown(SourceError):
    """A connection that broke while data was sent: whether it was accepted is unknown."""


class AddressForbidden(SourceError):
    """An address that Paperwire must not connect to."""


class StoreError(PaperwireError):
    """The store cannot serve this now; trying again later may help.

    If the store itself refuses, `cause` names why, for programs (`loading`, `clients`), `summary`
    says it in words to follow "the store", and `remedy` what to do; else all three are empty.
    """

    def __init__(
        self, message: str, *, cause: str = "", summary: str = "", remedy: str = ""
    ) -> None:
        super().__init__(message)
        self.cause, self.summary, self.remedy = cause, summary, remedy


class StoreUnavailable(StoreError):
    """Redis cannot be reached, or refuses every command."""


class StoreBusy(StoreError):
    """An optimistic transaction that lost its race too many times."""


class StoreTooNew(StoreError):
    """Data that a later Paperwire wrote, in a layout that this version does not know."""
