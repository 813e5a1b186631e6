"""A hook context: what the tools of one hook can see and do, until the hook has ended.

It holds the hook's one snapshot of the bucket (T4). It never outlives its hook: a tool that comes
later finds no context (T8).
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from tenure.agent.context.charm import TOOL_PATIENCE, CharmContext
from tenure.agent.context.writing import writes
from tenure.agent.parts import UnitParts
from tenure.agent.tools.base import (
    Action,
    ApplicationStatus,
    ReadFailed,
    WorkloadStatus,
    WriteRefused,
)
from tenure.core.bucket import merge
from tenure.core.changes import Bucket
from tenure.core.localstate import ACTIONS
from tenure.core.relations import RelationEvent, in_order
from tenure.core.status import Said, shortened, worst_of
from tenure.errors import BucketFull, NotLeader, TenureError, Unreachable, Unsure
from tenure.leadership.claimant import LeadershipUnknown
from tenure.names import application_of
from tenure.wire.codec import MAX_FRAME, encode
from tenure.wire.messages import (
    Done,
    ReadSettings,
    ReadStatus,
    SetStatus,
    Settings,
    Statuses,
    WriteSettings,
)

_LONGEST_ID = 2**63
_NO_LEADER = "this unit is not the leader"
_CANNOT_SET = "cannot set application status"


class HookContext(CharmContext):
    """One hook's context. `hook` is "" for a command that an operator runs, `event` what a
    relation's hook is about, `action` the action that runs."""

    def __init__(
        self,
        parts: UnitParts,
        context_id: str,
        hook: str,
        target_revision: int = 0,
        *,
        event: RelationEvent | None = None,
        action: Action | None = None,
    ) -> None:
        super().__init__(parts, event, action)
        self.context_id = context_id
        self.hook = hook
        self._source = hook or (f"{ACTIONS}{action.name}" if action else "exec")
        self._target_revision = target_revision
        self._snapshot: Mapping[str, str] | None = None

    @property
    def unit(self) -> str:
        return self._parts.unit

    # -- leadership

    async def is_leader(self) -> bool:
        """G3, U2, U3: nothing latches."""
        claimant = self._parts.claimant
        return await claimant.leads(self.context_id, TOOL_PATIENCE, self.over.is_set)

    def still_sure(self) -> bool:
        """G3: looked at again just before printing."""
        return self._parts.claimant.is_sure()

    # -- settings

    async def settings(self) -> Mapping[str, str]:
        """T4: one snapshot, from the controller itself; a failed read is not kept."""
        if self._snapshot is None:
            self._snapshot = await self._read()
        return self._snapshot

    async def _read(self) -> Mapping[str, str]:
        try:
            answer = await self._parts.connection.request(
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

    @writes
    async def write_settings(self, changes: Mapping[str, str]) -> None:
        """G6, G7: fenced by the term that this unit believes in now."""
        term = await self._believed_term()
        self._snapshot = None

        def write(number: int) -> WriteSettings:
            return WriteSettings(id=number, unit=self.unit, term=term, changes=changes)

        try:
            check_size(write(_LONGEST_ID))
            answer = await self._parts.connection.request(write, TOOL_PATIENCE)
        except (NotLeader, BucketFull) as refusal:
            self._parts.claimant.want_claim()
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
        self._parts.remote.revisions.wrote(answer.revision)

    # -- the rest

    def log(self, level: str, message: str) -> None:
        self._parts.log.log(level, message, self._source)

    def status(self) -> WorkloadStatus:
        return WorkloadStatus(*self._parts.record.state.status)

    async def application_status(self) -> ApplicationStatus:
        """See tools.base.Context. What this unit says of itself may not have been reported yet."""
        try:
            term = await self._believed_term()
            answer = await self._parts.connection.request(
                lambda number: ReadStatus(id=number, unit=self.unit, term=term), TOOL_PATIENCE
            )
        except NotLeader:
            raise ReadFailed(_NO_LEADER) from None
        except (WriteRefused, TenureError) as fault:
            raise ReadFailed(str(fault)) from fault
        assert isinstance(answer, Statuses)
        units = {**answer.units, self.unit: Said(*self._parts.record.state.status)}
        own = answer.application or worst_of(units[unit] for unit in in_order(units))
        return ApplicationStatus(
            WorkloadStatus(own.current, own.message),
            {unit: WorkloadStatus(said.current, said.message) for unit, said in units.items()},
        )

    @writes
    async def set_status(self, status: WorkloadStatus, *, application: bool) -> None:
        """The application's status is the leader's to set."""
        if application:
            await self._set_application_status(status)
            return
        record, kept = self._parts.record, (status.current, status.message)
        if kept == record.state.status:
            return
        said = replace(record.state, status=kept, status_since=self._parts.clock.wall())
        record.remember(said, durable=False)
        self._parts.wake()

    async def _set_application_status(self, status: WorkloadStatus) -> None:
        """Kept by the controller, fenced by the term (P4). Raises WriteRefused."""
        try:
            if not await self.is_leader():
                raise WriteRefused(_NO_LEADER)
            term = await self._believed_term()
            message = shortened(status.message)
            await self._parts.connection.request(
                lambda number: SetStatus(
                    id=number, unit=self.unit, term=term, current=status.current, message=message
                ),
                TOOL_PATIENCE,
            )
        except LeadershipUnknown as unknown:
            raise WriteRefused(f"leadership status unknown: {unknown}") from unknown
        except NotLeader as refusal:
            self._parts.claimant.want_claim()
            raise WriteRefused(_NO_LEADER) from refusal
        except Unsure as fault:
            raise WriteRefused(
                f"{_CANNOT_SET}: {fault}: it is unknown whether it was set"
            ) from fault
        except TenureError as fault:
            raise WriteRefused(f"{_CANNOT_SET}: {fault}: nothing was set") from fault


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
