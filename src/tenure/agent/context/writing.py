"""How a context says that it is writing: its tool is then not stopped though its caller is gone.

A write that was sent may happen or not (G7). Who stops waiting for it would not know, and would let
the next tool of the context read before the write is done (T9).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar


class Writer:
    """Says when one of its methods that `writes` is under way."""

    _writes_under_way = 0

    @property
    def writing(self) -> bool:
        """See tools.base.Context."""
        return self._writes_under_way > 0


Given = ParamSpec("Given")
Found = TypeVar("Found")
Some = TypeVar("Some", bound=Writer)


def writes(
    method: Callable[Concatenate[Some, Given], Awaitable[Found]],
) -> Callable[Concatenate[Some, Given], Coroutine[Any, Any, Found]]:
    """Says of a method that it writes, for as long as it runs."""

    @wraps(method)
    async def saying(self: Some, /, *args: Given.args, **kwargs: Given.kwargs) -> Found:
        self._writes_under_way += 1
        try:
            return await method(self, *args, **kwargs)
        finally:
            self._writes_under_way -= 1

    return saying
