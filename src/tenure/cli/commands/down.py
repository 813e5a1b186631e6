"""`tenure down`: have the `up` that runs stop, and wait until it has."""

from __future__ import annotations

import os
import select
import signal

import click

from tenure.cli.words.options import with_folder
from tenure.errors import TenureError, Unreachable
from tenure.statefolder import StateFolder
from tenure.up.lock import running

PATIENCE = 20.0
"""Seconds. A clean stop takes up to 15."""


@click.command("down")
@with_folder
def command(folder: StateFolder) -> None:
    """Stop what `tenure up` runs, cleanly. The next `tenure up` carries on."""
    pid = running(folder)
    if pid is None:
        raise Unreachable(f"no `tenure up` runs on {folder.state}: nothing to stop")
    try:
        handle = os.pidfd_open(pid)
        if running(folder) == pid:  # Else it ended just now, and the number may be another's.
            signal.pidfd_send_signal(handle, signal.SIGTERM)
            _wait(handle, pid)
    except ProcessLookupError:
        pass
    click.echo(f"stopped what ran on {folder.state}")


def _wait(handle: int, pid: int) -> None:
    ended, _, _ = select.select([handle], [], [], PATIENCE)
    if not ended:
        raise TenureError(f"still stopping after {PATIENCE:.0f} s: `kill -9 {pid}` ends it at once")
