"""Which methods of a context write, and that each of them says so while it does (T9, G7)."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping

import pytest

from tenure.agent.context.hook import HookContext
from tenure.agent.context.writing import Writer, writes
from tenure.agent.tools.base import Context
from tests.support.tool_world import BucketContext

READS = {"is_leader", "settings", "config", "bag", "application_status", "goal", "resource"}
"""What a tool may be stopped in when its caller is gone."""


class Book(Writer):
    """Writes until it is told to go on."""

    def __init__(self) -> None:
        self.goes_on = asyncio.Event()

    @writes
    async def write(self, words: str) -> str:
        await self.goes_on.wait()
        if not words:
            raise ValueError
        return words


SAYING = Book.write.__code__
"""What all methods have in common that say when they write."""


def forgotten(kind: type, promised: type = Context) -> set[str]:
    """The methods that tools wait for and that neither read nor say that they write."""
    waited_for = {name for name, _ in inspect.getmembers(promised, inspect.iscoroutinefunction)}
    return {name for name in waited_for - READS if getattr(kind, name).__code__ is not SAYING}


@pytest.mark.parametrize("kind", [HookContext, BucketContext])
def test_whatever_a_tool_waits_for_reads_or_says_that_it_writes(kind: type) -> None:
    """T9, G7"""
    assert forgotten(kind) == set()


def test_a_context_that_does_not_say_that_it_writes_is_found() -> None:
    """A planted bug: of the methods that there are one is silent, or a new one is."""

    class Silent(HookContext):
        async def write_settings(self, changes: Mapping[str, str]) -> None: ...

        async def erase(self) -> None: ...

    assert forgotten(Silent) == {"write_settings"}
    assert forgotten(Silent, promised=Silent) >= {"write_settings", "erase"}


@pytest.mark.parametrize("how", ["well", "badly", "cancelled"])
async def test_a_context_writes_from_the_beginning_of_a_write_to_its_end(how: str) -> None:
    """T9"""
    book = Book()
    assert not book.writing
    writing = asyncio.ensure_future(book.write("" if how == "badly" else "a"))
    await asyncio.sleep(0)
    assert book.writing
    if how == "cancelled":
        writing.cancel()
    book.goes_on.set()
    await asyncio.wait({writing})
    assert not book.writing
