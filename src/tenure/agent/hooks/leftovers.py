"""Ending what should have ended: processes of a hook whose agent is gone, of a command whose
`tenure exec` is.

What ran in a context has that context's id in its environment, and no other. So it is found
whatever its parent is by now. What moved into a session of its own is the charm's (H8).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from tenure.agent.hooks import warden
from tenure.errors import TenureError

GONE_WITHIN = 5.0
"""Seconds for killed processes to be gone; only one stuck in the kernel takes long."""

LOOK_EVERY = 0.005


class LeftoverStuck(TenureError):
    """A process of an earlier hook was killed and is still there; no hook may run beside it."""

    code = "leftover-stuck"


def end_command(session: int, context_id: str) -> None:
    """End what is left in a session of a command that ran in a context; may block.

    Only what carries the context's id: the session is that of whoever typed `tenure exec`, and all
    else in it is theirs. It is 0 where its leader is outside of this container; what the command
    moved into a session of its own has another number there too. Raises LeftoverStuck.
    """
    _end_all(
        lambda each: each.session == session and warden.carries(each.pid, context_id), context_id
    )


def end_leftovers(pid: int | None, context_id: str) -> None:
    """End what is left of a hook that an earlier agent recorded in this boot (H5); may block.

    With its pid known, that is whatever of its session carries the context id, and its whole group
    if some member does; a service that the charm moved into a session of its own is left alone
    (H8). Without, the hook was killed while it was being recorded: all that carries the id.
    Raises LeftoverStuck if something is still there after GONE_WITHIN seconds.
    """
    processes = warden.living()
    carriers = {each.pid for each in processes if warden.carries(each.pid, context_id)}
    group = (
        pid if any(each.of_group(pid or 0) and each.pid in carriers for each in processes) else None
    )
    _end_all(lambda each: _is_left(each, pid, group, context_id), context_id, group)


def _is_left(process: warden.Stat, pid: int | None, group: int | None, context_id: str) -> bool:
    if group is not None and process.of_group(group):
        return True
    return pid in (None, process.session) and warden.carries(process.pid, context_id)


def _end_all(
    is_left: Callable[[warden.Stat], bool], context_id: str, group: int | None = None
) -> None:
    """Kill until nothing is left: what is killed may have begun others meanwhile."""
    for _ in range(int(GONE_WITHIN / LOOK_EVERY)):
        left = [each for each in warden.living() if is_left(each)]
        if not left:
            return
        if group is not None:
            warden.kill_group(group)
        for process in left:
            warden.kill(process.pid)
        time.sleep(LOOK_EVERY)
    raise LeftoverStuck(
        f"process {left[0].pid} of an earlier hook ({context_id}) was killed but does not end: "
        "it is stuck in the kernel; look at its disk or network file system"
    )
