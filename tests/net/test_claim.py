"""A name that one process has: and who that is."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys

import pytest

from tenure.net.claim import MAX_TOLD, claim, who_has
from tests.support.patience import ending


@pytest.fixture
def name() -> str:
    """One that nobody else on this machine uses."""
    return f"tenure test {secrets.token_hex(8)}"


def test_a_name_is_had_by_one_until_it_is_given_back(name: str) -> None:
    first = claim(name)
    assert first is not None
    assert claim(name) is None
    first.close()
    second = claim(name)
    assert second is not None
    second.close()


async def test_who_has_it_tells_as_often_as_it_is_asked(name: str) -> None:
    ours = claim(name)
    assert ours is not None
    await ours.tell(b"/a/state \xff folder")
    for _ in range(3):
        assert await asyncio.to_thread(who_has, name) == (b"/a/state \xff folder", os.getpid())
    ours.close()
    assert await asyncio.to_thread(who_has, name) == (b"", None)


async def test_what_is_told_is_bounded(name: str) -> None:
    ours = claim(name)
    assert ours is not None
    await ours.tell(b"x" * 10 * MAX_TOLD)
    told, _ = await asyncio.to_thread(who_has, name)
    assert told == b"x" * MAX_TOLD
    ours.close()


def test_who_does_not_answer_is_known_by_its_pid(name: str) -> None:
    ours = claim(name)
    assert ours is not None
    assert who_has(name) == (b"", os.getpid())
    ours.close()


def test_a_name_is_free_when_its_process_was_killed(name: str) -> None:
    """Nothing is left behind that somebody would have to clean up"""
    program = (
        "import sys, time; from tenure.net.claim import claim; "
        f"kept = claim({name!r}); print(kept is not None, flush=True); time.sleep(60)"
    )
    begun = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    with ending(begun) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"True\n"
        assert claim(name) is None
        other.kill()
    ours = claim(name)
    assert ours is not None
    ours.close()
