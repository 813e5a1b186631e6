"""Reaping what nobody else reaps, as process 1 must."""

from __future__ import annotations

import subprocess
import sys

from tests.support.patience import HANG

PROGRAM = """
import asyncio, ctypes, os, subprocess, sys
from pathlib import Path
from tenure.up.orphans import Orphans

SUBREAPER = 36  # from here on this process is the parent of orphans, as process 1 is
assert ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0) == 0

def children():
    return {int(pid) for pid in Path("/proc/thread-self/children").read_text().split()}

async def until(holds):
    async with asyncio.timeout(%r):
        while not holds():
            await asyncio.sleep(0.01)

async def main():
    early = subprocess.Popen(["sh", "-c", "sleep 0.1 & exit 0"])
    early.wait()
    ours = [subprocess.Popen(["sh", "-c", f"exit {code}"]) for code in (3, 4)]
    ours.append(subprocess.Popen(["sh", "-c", "sleep 0.1 & setsid sleep 0.2 & exit 5"]))
    known = {each.pid for each in ours}
    orphans = Orphans(lambda: {each.pid for each in ours if each.returncode is None})
    orphans.begin()
    await asyncio.sleep(0.5)
    assert known <= children(), "not one of ours was reaped"
    assert [each.wait() for each in ours] == [3, 4, 5]
    await until(lambda: not children())
    late = subprocess.Popen(["sh", "-c", "sleep 0.1 & sleep 0.3 & exit 6"])
    ours.append(late)
    assert await asyncio.to_thread(late.wait) == 6
    await until(lambda: not children())
    orphans.close()

asyncio.run(main())
print("fine")
"""


def test_orphans_are_reaped_and_no_status_is_taken_from_who_waits_for_it() -> None:
    argv = [sys.executable, "-c", PROGRAM % HANG]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=HANG, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "fine\n", "")
