"""When hooks are due by time alone: a retry, a pause after a kill, the next `update-status`. Pure.

Instants are of the agent's clock and handed in; so is the luck in them (`jitter`, a factor).
"""

from __future__ import annotations

from msgspec import Struct

FIRST_RETRY = 5.0
"""Seconds until a failed hook is tried again for the first time; doubled each time (H7)."""

LAST_RETRY = 300.0

_NEVER = float("inf")
_NOW = float("-inf")


class Kills(Struct, frozen=True):
    """How often a hook was killed since it last came to an end of its own; `detail` is the last."""

    hook: str
    detail: str
    times: int


class Schedule:
    """The instants of one unit's hooks."""

    def __init__(self) -> None:
        self.retry_at = _NOW
        self.update_at = _NEVER
        self.hold_until = _NOW
        """No hook begins before: one was killed."""
        self._retry_now = False
        self.last_kill: Kills | None = None
        """The latest, until a hook ends well: what is told, as the unit is in no error by it."""
        self._kills: dict[str, Kills] = {}

    # -- what happened

    def began(self) -> None:
        """A hook begins: an operator's wish to retry is granted by that."""
        self._retry_now = False

    def done(self, hook: str) -> None:
        """A hook ended well."""
        self._kills.pop(hook, None)
        self.last_kill = None

    def failed(self, now: float, hook: str, attempts: int, jitter: float) -> None:
        """A hook failed for the `attempts`th time in a row: 5 s, doubling to 5 min (H7)."""
        self._kills.pop(hook, None)
        self.last_kill = None
        self.retry_at = now + min(retry_after(attempts - 1), LAST_RETRY) * jitter

    def killed(self, now: float, hook: str, detail: str) -> float:
        """A hook was killed: again at once, and after a pause if that goes on (H8). The pause, in
        seconds. It is each hook's own: that others end well meanwhile shortens it for none."""
        before = self._kills[hook].times if hook in self._kills else 0
        pause = 2.0 ** min(before - 1, 8) if before else 0.0
        self.hold_until = now + pause
        self.last_kill = self._kills[hook] = Kills(hook, detail, before + 1)
        return pause

    def retry_now(self) -> None:
        """An operator wants the failed hook tried again, or a new charm may mend it (H7)."""
        self._retry_now = True

    def forget_retry(self) -> None:
        """The failed hook is not owed any more."""
        self._retry_now = False

    def update_after(self, now: float, seconds: float) -> None:
        """The next `update-status` is due then (H1)."""
        self.update_at = now + seconds

    # -- what is due

    def may_retry(self, now: float) -> bool:
        return self._retry_now or now >= self.retry_at

    def update_due(self, now: float) -> bool:
        return now >= self.update_at

    def next_wake(self, now: float, *, failing: bool) -> tuple[float, ...]:
        """The instants at which time alone makes a hook due; those that are past may be among
        them."""
        held = (self.hold_until,) if self.hold_until > now else ()
        return (*held, self.retry_at if failing else self.update_at)


def retry_after(failures: int) -> float:
    """Seconds until the next try after so many failures before this one."""
    return FIRST_RETRY * 2.0 ** min(failures, 10)
