"""What the controller's loop is given to step, and what waits for its commit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tenure.core.staging import Batch

Answer = Callable[[Any], None]
"""Takes what a step returned, or the TenureError that it raised or that its commit met."""


class Input:
    """Something to step: about which application or applications, how, and who hears of it.

    Who only `looks` is answered about what is unsure, too, and as durably as all others; about
    everything, if no application is named.
    """

    __slots__ = ("answer", "applications", "looks", "step")

    def __init__(
        self,
        application: str | tuple[str, ...] | None,
        step: Callable[[float], Any],
        answer: Answer,
        *,
        looks: bool = False,
    ) -> None:
        self.looks = looks
        named = (application,) if isinstance(application, str) else application
        self.applications: tuple[str, ...] = named or ()
        self.step = step
        self.answer = answer


class Waiting:
    """A batch with the answers that must not leave before it is durable."""

    def __init__(self, batch: Batch, answers: list[tuple[Answer, Any]]) -> None:
        self.batch = batch
        self.answers = answers
