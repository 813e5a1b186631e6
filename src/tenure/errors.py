"""Every error Tenure raises, and what the one who meets it may conclude.

The tree is cut by conclusion, not by place of origin. `Refused` and its children mean *surely not,
and nothing changed* (G7). `Unsure` means *nothing can be concluded*. `Unreachable` means nobody was
asked. Foreign errors (OSError, sqlite3.Error, aiohttp's) are translated where they enter.

`exit_code` is the command line's exit code for the error.
"""

from __future__ import annotations


class TenureError(Exception):
    """The root: `str()` is one line, in lower case: the thing, the reason, the next step."""

    exit_code = 1
    code = "failed"


class BadRequest(TenureError):
    """The words of the request are wrong; nothing was tried."""

    exit_code = 2
    code = "bad-request"


class BadName(BadRequest):
    """An application's or a unit's name is not well formed."""

    code = "bad-name"


class Refused(TenureError):
    """Surely refused; nothing changed (G7)."""

    code = "refused"


class NotFound(Refused):
    """The application or unit that was named does not exist."""

    code = "not-found"


class NotLeader(Refused):
    """A write by a unit that does not hold the lease under the term it named (G6, B2)."""

    code = "not-leader"


class BucketFull(Refused):
    """The write would make the bucket larger than its limit (B6)."""

    code = "bucket-full"


class InstanceRefused(Refused):
    """Another instance of the unit is connected or may still believe it leads (L9)."""

    code = "instance-refused"


class StoreRefused(Refused):
    """The store refused a commit before it began to be durable; it was rolled back."""

    code = "store-refused"


class StoreUnusable(TenureError):
    """The store's file is corrupt, foreign, missing or of another version; it was not touched."""

    code = "store-unusable"


class SeatTaken(TenureError):
    """Another controller holds the seat of this store (L8)."""

    code = "seat-taken"


class SeatLost(TenureError):
    """The seat is not ours any more: nothing was written, and nothing may be decided (L8)."""

    code = "seat-lost"


class Unreachable(TenureError):
    """No controller could be reached; nothing was asked of it."""

    exit_code = 3
    code = "unreachable"


class Unsure(TenureError):
    """The outcome is unknown: it may or may not have happened (G7)."""

    exit_code = 4
    code = "unsure"


class StateFolderUnusable(TenureError):
    """The state folder cannot be read or written, or what it holds is not ours."""

    code = "state-folder-unusable"


class ProtocolError(TenureError):
    """The other side sent something that is not the protocol; the connection is of no use."""

    code = "protocol-error"


BY_CODE: dict[str, type[TenureError]] = {
    kind.code: kind
    for kind in (
        TenureError,
        BadRequest,
        BadName,
        Refused,
        NotFound,
        NotLeader,
        BucketFull,
        InstanceRefused,
        StoreRefused,
        StoreUnusable,
        SeatTaken,
        SeatLost,
        Unreachable,
        Unsure,
        ProtocolError,
    )
}


def from_code(code: str, message: str) -> TenureError:
    """The error that a peer named by its code; unknown codes become plain `TenureError`."""
    return BY_CODE.get(code, TenureError)(message)
