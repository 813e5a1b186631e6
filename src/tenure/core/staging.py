"""What is decided and what is committed, and the way back between the two. Pure.

The core works on the newest decided state. An application is *dirty* while something decided about
it is not durable yet; whatever is answered about a dirty application must wait for the commit, and
the controller's loop sees to that. A batch of changes is taken, committed, and then confirmed; or
it is rolled back: the applications become what they were before it. Since nothing about them was
answered in between, nobody can have believed in what is thrown away (G7, L7).

Renewals change memory only and make nothing dirty.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tenure.core.application import Application
from tenure.core.changes import Change
from tenure.errors import NotFound
from tenure.names import check_application


class Batch:
    """Changes decided together, and the applications as they were before."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.before: dict[str, Application | None] = {}

    @property
    def applications(self) -> tuple[str, ...]:
        """The names of the applications that it changes."""
        return tuple(self.before)


class Staging:
    """All applications, and the batch that is being gathered."""

    def __init__(self, applications: Iterable[Application] = ()) -> None:
        self.applications: dict[str, Application] = {a.name: a for a in applications}
        self.gathering = Batch()

    def living(self, name: str) -> Application:
        """An application that is there. Raises BadName, NotFound."""
        check_application(name)
        found = self.applications.get(name)
        if found is None or not found.alive:
            raise NotFound(f'there is no application "{name}": see `tenure status`')
        return found

    def touch(self, application: Application) -> None:
        """A new state that nobody needs to remember: a renewal, a place in the line."""
        self.applications[application.name] = application

    def put(self, application: Application, changes: Iterable[Change]) -> None:
        """A new state with facts that must be durable before anybody hears of them."""
        name = application.name
        self.gathering.before.setdefault(name, self.applications.get(name))
        self.gathering.changes.extend(changes)
        self.applications[name] = application

    def take(self) -> Batch | None:
        """What was gathered since the last time, if anything."""
        batch = self.gathering
        if not batch.changes:
            return None
        self.gathering = Batch()
        return batch

    def roll_back(self, batch: Batch) -> None:
        """The batch surely never happened. Younger batches must be rolled back before it."""
        for name, before in batch.before.items():
            if before is None:
                self.applications.pop(name, None)
            else:
                self.applications[name] = before

    def reload(self, names: Iterable[str], loaded: Mapping[str, Application]) -> None:
        """Take the store's word for these applications (L8)."""
        for name in names:
            if name in loaded:
                self.applications[name] = loaded[name]
            else:
                self.applications.pop(name, None)
