"""What is decided and not durable yet, and whoever waits for it (L7)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tenure.controller.inputs import Answer, Waiting
from tenure.core.application import Application
from tenure.core.model import Model
from tenure.core.staging import Batch
from tenure.errors import TenureError


class Pending:
    """The one commit under way, what gathers behind it, and the answers of both."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._held: list[tuple[Answer, Any]] = []
        self.committing: Waiting | None = None

    def answer(self, names: Iterable[str], answer: Answer, result: Any) -> None:
        """Answer now if all of these applications are clean, else with the batch they wait for."""
        names = tuple(names)
        committing = self.committing
        if any(name in self._model.gathering() for name in names):
            self._held.append((answer, result))
        elif committing is not None and any(name in committing.batch.before for name in names):
            committing.answers.append((answer, result))
        else:
            answer(result)

    def forget(self, answer: Answer) -> None:
        """Nobody waits for it any more, and that of a look may be large."""
        committing = self.committing.answers if self.committing else []
        for held in (self._held, committing):
            held[:] = [pair for pair in held if pair[0] is not answer]

    def before(self) -> dict[str, Application | None]:
        """The applications that something is decided about, as they were before all of it."""
        committing = self.committing.batch.before if self.committing else {}
        return {**self._model.gathering(), **committing}

    def batch(self) -> Batch | None:
        """The one that is being committed."""
        return self.committing.batch if self.committing else None

    def take(self) -> Waiting | None:
        """What has gathered is to be committed now, if there is anything."""
        batch = self._model.take_batch()
        if batch is not None:
            self.committing = Waiting(batch, self._held)
            self._held = []
        return self.committing

    def refuse(self, refusal: TenureError) -> Batch | None:
        """Nothing that has gathered is tried: refuse its answers; the batch to be rolled back."""
        batch = self._model.take_batch()
        held, self._held = self._held, []
        answer_all(held, refusal)
        return batch


def answer_all(answers: Iterable[tuple[Answer, Any]], fault: TenureError) -> None:
    """The same fault to everybody who waited."""
    for answer, _ in answers:
        answer(fault)
