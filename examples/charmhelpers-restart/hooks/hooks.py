#!/usr/bin/env python3
"""Every hook is a link to this file: charmhelpers tells them apart by the name that was called."""

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, f"{os.environ['CHARM_DIR']}/lib")

from charmhelpers import coordinator
from charmhelpers.core import hookenv

hooks = hookenv.Hooks()


class OneAtATime(coordinator.Serial):
    """Serial, but the leader goes last: the README says why."""

    def grant_restart(self, lock, unit, granted, queue):
        """Called on the leader only, for each unit that waits."""
        others = [name for name in queue if name != hookenv.local_unit()]
        return not granted and unit == (others or queue)[0]


serial = OneAtATime()  # before hooks.execute, which has it load and save what it knows


def request():
    """What operators asked for last, if anything."""
    return hookenv.config("restart") or ""


def last_request():
    """The last request that this unit has met, kept in the charm's folder."""
    stamp = Path("restarted")
    return stamp.read_text() if stamp.exists() else ""


def needs_restart():
    """Guards each request for the lock: who asks for nothing keeps the others waiting."""
    return request() != last_request()


@serial.require("restart", needs_restart)
def maybe_restart():
    """Runs under the lock, which charmhelpers gives back when the hook has succeeded."""
    write_trace("begin")
    time.sleep(hookenv.config("seconds"))
    write_trace("end")
    Path("restarted").write_text(request())


def write_trace(what):
    """One line, written whole. CLOCK_BOOTTIME is the same for all units of a machine."""
    if path := hookenv.config("trace"):
        at = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        with open(path, "a") as file:
            file.write(f"{at} {hookenv.local_unit()} {what} {request()}\n")


@hooks.hook(
    "install",
    "start",
    "config-changed",
    "upgrade-charm",
    "update-status",
    "leader-elected",
    "leader-settings-changed",
    "cluster-relation-joined",
    "cluster-relation-changed",
    "cluster-relation-departed",
)
def any_hook():
    """The same in every hook, because the lock may be granted in any of them."""
    maybe_restart()
    if needs_restart():
        hookenv.status_set("waiting", "for its turn to restart")
    else:
        hookenv.status_set("active", f"restarted for {last_request() or 'nothing yet'}")


if __name__ == "__main__":
    hooks.execute(sys.argv)
