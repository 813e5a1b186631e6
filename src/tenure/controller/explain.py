"""`tenure why`: one plain answer to why a unit leads or does not, or why nobody does (O5)."""

from __future__ import annotations

from msgspec.structs import replace

from tenure.controller.agents import Seen
from tenure.controller.service import Service
from tenure.core.application import Application
from tenure.core.lease import Lease, is_held
from tenure.names import application_of, split_unit
from tenure.wire.messages import Report
from tenure.wire.operators import Why

HUNG_AFTER = 60.0
"""Seconds of running after which it is said how to end a hook."""

MOST_DOUBTS = 3
"""Files that are no hooks and that an answer names."""

MOST_IN_ERROR = 3
"""Units in error of which an application's answer gives the hook."""


def not_known(subject: str, cause: str) -> Why:
    """What is told while nobody can say what is durable."""
    return Why(
        subject=subject,
        answer=f"it is not known now: {cause}",
        next="ask again in a moment; if that goes on, see whether the disk of the store is well",
    )


def why_application(service: Service, now: float, application: Application) -> Why:
    """Why this one leads the application, or why nobody does; and which units are in error (H7)."""
    told = _with_errors(service, application, _why_led(service, now, application))
    reports = [service.agents.of(unit).report for unit in sorted(application.units, key=split_unit)]
    return _with_doubts(told, next(filter(None, reports), None))


def _why_led(service: Service, now: float, application: Application) -> Why:
    name, lease = application.name, application.lease
    if name in service.model.unsure:
        return Why(
            subject=name,
            answer=f"it is not known now: {service.model.unsure[name]}",
            next="the controller takes its store up again by itself once the cause is gone",
        )
    if lease.holder is not None and is_held(lease, now):
        leader = lease.holder.unit
        return _with_hook(service, now, leader, _led(service, now, name, lease, leader))
    if not application.units:
        return Why(
            subject=name,
            answer="nobody leads: it has no units",
            next=f"`tenure add-unit {name}` adds one",
        )
    if lease.offer is not None:
        return Why(
            subject=name,
            answer=f"nobody leads at this moment ({lease.freed_because}); "
            f"the lease is on offer to {lease.offer.unit}",
            next="wait a second; if that unit does not answer, the next in line is asked",
        )
    return Why(
        subject=name,
        answer=f"nobody leads ({lease.freed_because}), and no unit that could lead answers",
        next=_what_is_missing(service, application),
    )


def _led(service: Service, now: float, name: str, lease: Lease, leader: str) -> Why:
    left = lease.expires_at - now
    answer = f"{leader} leads, term {lease.term}: {_how_long(lease, left)}"
    trouble = service.controller.cannot_write()
    if trouble is not None:
        answer += f"; nothing can be written now: {trouble}"
    connected = leader in service.model.sessions
    silent = service.agents.silent_for(now, leader)
    answers = connected and silent is None
    if lease.handover is not None:
        answer += f"; it was asked to step down ({lease.handover.cause})"
    if lease.handover is not None and answers:
        return Why(
            subject=name,
            answer=answer,
            next="it gives the lease up when what it promised is over, "
            f"within {lease.guarantee:g} s",
        )
    if answers and left >= 0:
        return Why(subject=name, answer=f"{answer}, and its agent renews it")
    agent = "is connected but does not renew" if answers else "is not connected"
    if silent is not None:
        agent = f"has been silent for {silent:.0f} s"
    if lease.pins:
        return Why(
            subject=name,
            answer=f"{answer}; its agent {agent}, and the pin keeps the lease from running out",
            next=f"restart the agent, `tenure unpin {name} --reason ...`, or, unsafely, "
            f"`tenure revoke {name} --yes`",
        )
    back = "the agent is back before" if silent is None else "the agent answers before"
    step = f"another unit leads when the lease has run out, unless {back}"
    if silent is not None:
        step = f"{step}; {_look_at(service, leader)}"
    return Why(subject=name, answer=f"{answer}; its agent {agent}", next=step)


def _look_at(service: Service, unit: str) -> str:
    """What to do about an agent that does not answer, though its process is there."""
    pid = service.agents.of(unit).pid
    if pid is None:  # a member's program need not say
        return f"see what became of the agent of {unit}"
    return (
        f"`ps -o pid,stat,wchan -p {pid}` shows the agent of {unit}: T is stopped and "
        f"`kill -CONT {pid}` lets it go on, D waits for a disk; `kill -9 {pid}` ends it, "
        "and `tenure up` starts it again"
    )


def _how_long(lease: Lease, left: float) -> str:
    pinned = f", pinned ({', '.join(sorted(lease.pins))})" if lease.pins else ""
    if left >= 0:
        grace = left - lease.duration
        beyond = f", and {grace:.0f} s of grace" if grace >= 0.5 else ""
        left = min(left, lease.duration)
        return f"its lease has {left:.0f} s of {lease.duration:g} s left{beyond}{pinned}"
    return f"its lease is over by {-left:.0f} s{pinned}"


def _with_hook(service: Service, now: float, unit: str, told: Why) -> Why:
    """What is told, and the hook that the unit runs: who waits for the unit waits for that (U4)."""
    seen = service.agents.of(unit)
    if seen.speaker is None or seen.report is None or seen.running_since is None:
        return told
    runs = f"its hook {seen.report.running} has been running"
    since = f"for at least {now - seen.running_since:.0f} s"
    answer = f"{told.answer}; {runs} {since}"
    if now - seen.running_since < HUNG_AFTER:
        return replace(told, answer=answer)
    step = (
        f"`tenure log {unit}` has what it writes, and `tenure kill-hook {unit}` ends it if it "
        "hangs: a hook has failed then, and is tried again"
    )
    return replace(told, answer=answer, next=f"{step}; {told.next}" if told.next else step)


def _with_failure(service: Service, now: float, unit: str, told: Why) -> Why:
    """What is told, and the hook that failed: until it ends well, the unit runs no other (H7)."""
    seen = service.agents.of(unit)
    if seen.report is None:
        return told
    if seen.report.error is None:
        fault = seen.report.charm_fault
        again = f"; its charm was copied again, as `tenure log {unit}` tells, because {fault}"
        return replace(told, answer=f"{told.answer}{again}") if fault else told
    if seen.speaker is None:
        return replace(told, answer=f"{told.answer}; it was in error: {seen.report.error}")
    detail = f" ({seen.report.detail})" if seen.report.detail else ""
    answer = f"{told.answer}; it is in error: {seen.report.error}{detail}{_retried(seen, now)}"
    if seen.report.charm_fault:
        step = (
            "the agent copies the charm again before the hook runs again; "
            f"`tenure refresh {application_of(unit)} CHARM` does it now, from a charm that is there"
        )
        answer = f"{answer}; {seen.report.charm_fault}"
        return replace(told, answer=answer, next=f"{step}; {told.next}" if told.next else step)
    step = (
        f"see `tenure log {unit}` for what the hook wrote, and mend it; `tenure resolve {unit}` "
        "runs it at once, and with --no-retry counts it as done"
    )
    return replace(told, answer=answer, next=f"{step}; {told.next}" if told.next else step)


def _with_kills(service: Service, now: float, unit: str, told: Why) -> Why:
    """What is told, and the hook that is killed again and again: that is no error (H8)."""
    seen = service.agents.of(unit)
    report = seen.report
    if report is None or seen.speaker is None or report.killed is None or report.kills < 2:
        return told
    what = f"its hook {report.killed} was killed {report.kills} times in a row"
    answer = f"{told.answer}; {what} ({report.killed_by}){_retried(seen, now)}"
    step = (
        f"find out who ends it: the kernel, if memory is short (`dmesg` says so), or somebody; "
        f"`tenure log {unit}` has what it wrote before"
    )
    return replace(told, answer=answer, next=f"{step}; {told.next}" if told.next else step)


def _with_refusal(service: Service, unit: str, told: Why) -> Why:
    """What is told, and the last tool that was refused: its hook may keep that to itself."""
    report = service.agents.of(unit).report
    if report is None or not report.refused_tool:
        return told
    refused = f"the last tool that was refused: {report.refused_tool}"
    return replace(told, answer=f"{told.answer}; {refused}")


def _retried(seen: Seen, now: float) -> str:
    """When the failed hook runs again, as far as is known."""
    report = seen.report
    if report is None or report.running is not None or report.retry_in is None:
        return ""
    left = report.retry_in - (now - seen.reported_at)
    return f", which runs again in {left:.0f} s" if left >= 0.5 else ", which runs again now"


def _with_errors(service: Service, application: Application, told: Why) -> Why:
    """What is told, and which units of the application are in error."""
    reports = {unit: service.agents.of(unit).report for unit in application.units}
    failed = [
        f"{unit} ({report.error})"
        for unit, report in sorted(reports.items(), key=lambda each: split_unit(each[0]))
        if report is not None and report.error is not None
    ]
    if not failed:
        return told
    more = f" and {len(failed) - MOST_IN_ERROR} more" if len(failed) > MOST_IN_ERROR else ""
    answer = f"{told.answer}; in error: {', '.join(failed[:MOST_IN_ERROR])}{more}"
    step = f"`tenure why {failed[0].partition(' ')[0]}` says what to do about the hook"
    return replace(told, answer=answer, next=f"{told.next}; {step}" if told.next else step)


def _with_doubts(told: Why, report: Report | None) -> Why:
    """What is told, and which files of the charm look like hooks and never run."""
    if report is None or not report.doubts:
        return told
    more = len(report.doubts) - MOST_DOUBTS
    shown = [*report.doubts[:MOST_DOUBTS], *([f"and {more} more"] if more > 0 else [])]
    step = "name the hook right in the charm, and `tenure refresh` it"
    answer = f"{told.answer}; {'; '.join(shown)}"
    return replace(told, answer=answer, next=f"{told.next}; {step}" if told.next else step)


def _what_is_missing(service: Service, application: Application) -> str:
    units, name = application.units, application.name
    trouble = service.controller.cannot_write()
    if trouble is not None:
        return f"nothing can be written now: {trouble}"
    if any(service.model.leases.can_take(unit) for unit in units):
        return "a unit is about to claim the lease: look again in a moment"
    for unit in units:
        if service.model.leases.can_lead(unit):
            return f"the units that are connected are silent: {_look_at(service, unit)}"
    if application.removing:
        return (
            f"nothing: it is being removed; `tenure remove-application {name} --force` does it now"
        )
    if not any(service.agents.of(unit).speaker for unit in units):
        return "start the units' agents: `tenure up` does, see `tenure log` for why they are not"
    return f"the units that are connected are leaving: `tenure add-unit {name}`"


def why_unit(service: Service, now: float, application: Application, unit: str) -> Why:
    """Why this unit leads or does not, and what would change that."""
    lease = application.lease
    leader = lease.holder.unit if lease.holder and is_held(lease, now) else None
    if leader == unit:
        told = replace(_why_led(service, now, application), subject=unit)
    else:
        told = _with_hook(service, now, unit, _why_not(service, now, application, unit, leader))
    told = _with_failure(service, now, unit, _with_kills(service, now, unit, told))
    told = _with_refusal(service, unit, told)
    return _with_doubts(told, service.agents.of(unit).report)


def _why_not(
    service: Service, now: float, application: Application, unit: str, leader: str | None
) -> Why:
    lease = application.lease
    seen = service.agents.of(unit)
    if application.units[unit].removing:
        return Why(
            subject=unit,
            answer="it is being removed, so it cannot lead",
            next=f"`tenure remove-unit {unit} --force` drops it if its agent is gone for good"
            if seen.speaker is None
            else "it is gone when its last hooks have ended well",
        )
    if seen.speaker is None:
        known = "was lost" if seen.ever else "has not come yet"
        refused = f"; {seen.refused}" if seen.refused else ""
        step = f"see `tenure log {unit}` for what happened to the agent"
        silent = service.agents.silent_for(now, unit)
        if silent is not None:
            known = f"was given up, and has been silent for {silent:.0f} s"
            step = f"if its process is still there, {_look_at(service, unit)}; {step}"
        return Why(
            subject=unit,
            answer=f"its agent {known}, and who is not connected cannot be elected{refused}",
            next=step,
        )
    silent = service.agents.silent_for(now, unit)
    if silent is not None:
        return Why(
            subject=unit,
            answer=f"its agent has been silent for {silent:.0f} s, and who is silent cannot be "
            "elected, though it is connected",
            next=_look_at(service, unit),
        )
    if not service.model.leases.can_lead(unit):
        return Why(subject=unit, answer="its agent is stopping, so it seeks no leadership")
    if leader is None:
        told = _why_led(service, now, application)
        return Why(subject=unit, answer=f"it does not lead: {told.answer}", next=told.next)
    explained = _why_led(service, now, application)
    place = lease.line.index(unit) + 1 if unit in lease.line else None
    line = f"it is number {place} of {len(lease.line)} in line" if place else "it is about to claim"
    return Why(
        subject=unit,
        answer=f"{leader} holds the lease; {line}",
        next=f"`tenure elect {unit}` hands leadership to it"
        if leader in service.model.sessions or not lease.pins
        else explained.next,
    )
