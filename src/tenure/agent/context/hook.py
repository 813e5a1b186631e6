"""A hook context: what the tools of one hook can see and do, until the hook has ended.

It holds the hook's one snapshot of the bucket (T4). It never outlives its hook: a tool that comes
later finds no context (T8).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol

from tenure.agent.context.charm import TOOL_PATIENCE, CharmHome, CharmSide
from tenure.agent.tools.base import (
    Action,
    ContextOver,
    LeadershipUnknown,
    ReadFailed,
    WorkloadStatus,
    WriteRefused,
)
from tenure.core.bucket import merge
from tenure.core.changes import Bucket
from tenure.core.relations import RelationEvent
from tenure.core.resolver import ACTIONS
from tenure.core.tracker import LeaderReply, Tracker
from tenure.errors import BucketFull, NotLeader, TenureError, Unreachable, Unsure
from tenure.names import application_of
from tenure.wire.codec import MAX_FRAME, encode
from tenure.wire.messages import Done, ReadSettings, Settings, WriteSettings

_LONGEST_ID = 2**63


class Home(CharmHome, Protocol):
    """What a context needs of its unit."""

    tracker: Tracker

    def want_claim(self) -> None:
        """Claim as soon as may be."""
        ...

    def saw_revision(self, revision: int) -> None: ...

    def workload_status(self, *, application: bool) -> WorkloadStatus: ...

    def keep_status(self, status: WorkloadStatus, *, application: bool) -> None: ...


class HookContext(CharmSide):
    """One hook's context. `hook` is "" for a command that an operator runs, `event` what a
    relation's hook is about, `action` the action that runs."""

    def __init__(
        self,
        home: Home,
        context_id: str,
        hook: str,
        target_revision: int = 0,
        *,
        event: RelationEvent | None = None,
        action: Action | None = None,
    ) -> None:
        super().__init__(home, event, action)
        self.context_id = context_id
        self.hook = hook
        self._source = hook or (f"{ACTIONS}{action.name}" if action else "exec")
        self._home = home
        self._target_revision = target_revision
        self._snapshot: Mapping[str, str] | None = None
        self.over = asyncio.Event()

    @property
    def unit(self) -> str:
        return self._home.unit

    # -- leadership

    async def is_leader(self) -> bool:
        """G3, U2, U3: nothing latches."""
        tracker = self._home.tracker
        give_up_at = self._home.now() + TOOL_PATIENCE
        while True:
            now = self._home.now()
            if self.over.is_set():
                raise LeadershipUnknown("the hook has ended")
            reply = tracker.ask(now)
            if reply is LeaderReply.YES:
                tracker.promise(self.context_id, now)
            if reply in (LeaderReply.YES, LeaderReply.NO):
                return reply is LeaderReply.YES
            if now >= give_up_at:
                raise LeadershipUnknown(self._home.why_unreachable())
            until = give_up_at if reply is LeaderReply.WAIT else min(give_up_at, tracker.sure_until)
            self._home.want_claim()
            await self._home.belief_changes(until - now)

    def still_sure(self) -> bool:
        """G3: looked at again just before printing."""
        return self._home.tracker.is_sure(self._home.now())

    # -- settings

    async def settings(self) -> Mapping[str, str]:
        """T4: one snapshot, from the controller itself; a failed read is not kept."""
        if self._snapshot is None:
            self._snapshot = await self._read()
        return self._snapshot

    async def _read(self) -> Mapping[str, str]:
        try:
            answer = await self._home.request(
                lambda number: ReadSettings(id=number, unit=self.unit), TOOL_PATIENCE
            )
        except TenureError as fault:
            raise ReadFailed(f"failed to call leadership api: {fault}") from fault
        assert isinstance(answer, Settings)
        if answer.revision < self._target_revision:
            raise ReadFailed(
                f"the controller is at revision {answer.revision}, behind {self._target_revision}"
            )
        return answer.settings

    async def write_settings(self, changes: Mapping[str, str]) -> None:
        """G6, G7: fenced by the term that this unit believes in now."""
        term = await self._believed_term()
        self._snapshot = None

        def write(number: int) -> WriteSettings:
            return WriteSettings(id=number, unit=self.unit, term=term, changes=changes)

        try:
            check_size(write(_LONGEST_ID))
            answer = await self._home.request(write, TOOL_PATIENCE)
        except (NotLeader, BucketFull) as refusal:
            self._home.want_claim()
            raise WriteRefused(f"failed to merge leadership settings: {refusal}") from refusal
        except Unsure as fault:
            raise WriteRefused(
                f"failed to call leadership api: {fault}: "
                "it is unknown whether the settings were written"
            ) from fault
        except Unreachable as fault:
            raise WriteRefused(
                f"failed to call leadership api: {fault}: nothing was sent"
            ) from fault
        except TenureError as fault:
            raise WriteRefused(f"failed to call leadership api: {fault}") from fault
        assert isinstance(answer, Done)
        self._home.saw_revision(answer.revision)

    async def _believed_term(self, *, ended: bool = False) -> int:
        tracker = self._home.tracker
        give_up_at = self._home.now() + TOOL_PATIENCE
        while not tracker.answered:
            left = give_up_at - self._home.now()
            if left <= 0:
                cause = self._home.why_unreachable()
                raise WriteRefused(f"failed to call leadership api: {cause}: nothing was sent")
            self._home.want_claim()
            await self._home.belief_changes(left)
        if self.over.is_set() and not ended:
            raise WriteRefused("the hook has ended")
        if not tracker.believes(self._home.now()) or tracker.term is None:
            raise WriteRefused("not the leader")
        return tracker.term

    def _check_open(self) -> None:
        if self.over.is_set():
            raise ContextOver

    # -- the rest

    def log(self, level: str, message: str) -> None:
        self._home.log(level, message, self._source)

    def status(self, *, application: bool) -> WorkloadStatus:
        return self._home.workload_status(application=application)

    async def set_status(self, status: WorkloadStatus, *, application: bool) -> None:
        """The application's status is the leader's to set."""
        if application:
            try:
                leads = await self.is_leader()
            except LeadershipUnknown as unknown:
                raise WriteRefused(f"leadership status unknown: {unknown}") from unknown
            if not leads:
                raise WriteRefused("this unit is not the leader")
        self._home.keep_status(status, application=application)


def check_size(write: WriteSettings) -> None:
    """Refuse what no bucket could ever hold, and what no frame could carry. Raises BucketFull (B6).

    The controller would say the first as well; but a text of 1 MiB may be 6 MiB in a frame, and one
    that is too long for a frame would never reach it, and cost the agent its connection.
    """
    merge(Bucket(), write.changes, application_of(write.unit))
    size = len(encode([write]))
    if size > MAX_FRAME:
        raise BucketFull(
            f"this write takes {size} bytes on its way to the controller, more than the limit of "
            f"{MAX_FRAME}: write it in parts"
        )
