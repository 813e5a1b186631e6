"""The environment of a hook (H9, H10): computed in full, nothing slips in from the agent's own.

What is absent matters as much: no variable names the leader, the controller or another unit (G10),
and no setting's value is among them (T10).

`TENURE_CHANGED_KEYS` holds one key per line, sorted, since keys may contain spaces. It is a hint:
absent means "not known", and so do keys that no environment can carry (too long, or with a
newline or a NUL in them).
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from tenure.agent.config import UnitConfig
from tenure.core.localstate import LocalState, RunHook
from tenure.core.relations import DEPARTED, RelationEvent
from tenure.core.remote import Remote
from tenure.names import split_unit

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

MAX_KEYS = 64 * 1024
"""Bytes of TENURE_CHANGED_KEYS; Linux starts no program with a variable over 128 KiB."""


class Occasion(Struct, frozen=True, kw_only=True):
    """What one context is opened for.

    `hook` is "" for a command that is no hook (`exec`) and for an action: the first has no dispatch
    path. What is None is absent. `event` is what a relation's hook is about, `action` the variables
    of an action.
    """

    context_id: str
    hook: str = ""
    reason: str | None = None
    term: int | None = None
    changed_keys: tuple[str, ...] | None = None
    event: RelationEvent | None = None
    action: Mapping[str, str] | None = None


def occasion_of(hook: RunHook, context_id: str, state: LocalState, remote: Remote) -> Occasion:
    """What a hook is run for, as far as its environment tells."""
    keys = None
    if hook.reason == "settings":
        keys = remote.revisions.changed(state.seen_revision, hook.target_revision)
    return Occasion(
        context_id=context_id, hook=hook.hook, reason=hook.reason or None, term=hook.term,
        changed_keys=keys, event=hook.event,
    )  # fmt: skip


def environment(config: UnitConfig, occasion: Occasion, *, may_change_host: bool) -> dict[str, str]:
    """Every variable of one hook context; of what the agent inherited only PATH and HOME are used.

    Where the host may not be changed, the folder of shims comes before all others but the tools'.
    Raises BadName for the unit.
    """
    shims = None if may_change_host else config.shims
    path = [config.tools, shims, config.inherited.get("PATH") or DEFAULT_PATH]
    term, keys = occasion.term, occasion.changed_keys
    fixed = {
        "JUJU_UNIT_NAME": config.unit,
        "JUJU_CHARM_DIR": str(config.charm),
        "CHARM_DIR": str(config.charm),
        "JUJU_HOOK_NAME": occasion.hook,
        "JUJU_CONTEXT_ID": occasion.context_id,
        "JUJU_AGENT_SOCKET_ADDRESS": str(config.socket),
        "JUJU_AGENT_SOCKET_NETWORK": "unix",
        "JUJU_MODEL_NAME": config.model_name,
        "JUJU_MODEL_UUID": config.model_uuid,
        "JUJU_VERSION": config.juju_version,
        "JUJU_MACHINE_ID": str(split_unit(config.unit)[1]),
        "JUJU_PRINCIPAL_UNIT": "",
        "JUJU_AVAILABILITY_ZONE": "",
        "JUJU_API_ADDRESSES": "",
        "LANG": "C.UTF-8",
        "TERM": "tmux-256color",
        "PATH": ":".join(str(each) for each in path if each is not None),
    }
    sometimes = {
        "HOME": config.inherited.get("HOME"),
        "JUJU_DISPATCH_PATH": _dispatch_path(occasion.hook, occasion.action),
        "TENURE_REASON": occasion.reason,
        "TENURE_TERM": None if term is None else str(term),
        "TENURE_CHANGED_KEYS": None if keys is None else _one_per_line(keys),
    }
    present = {name: value for name, value in sometimes.items() if value is not None}
    about = _of_relation(config.unit, occasion.event)
    return fixed | present | about | dict(occasion.action or {})


def _dispatch_path(hook: str, action: Mapping[str, str] | None) -> str | None:
    if action is not None:
        return f"actions/{action['JUJU_ACTION_NAME']}"
    return f"hooks/{hook}" if hook else None


def _of_relation(unit: str, event: RelationEvent | None) -> dict[str, str]:
    if event is None:
        return {}
    variables = {
        "JUJU_RELATION": event.endpoint,
        "JUJU_RELATION_ID": f"{event.endpoint}:{event.number}",
        "JUJU_REMOTE_APP": split_unit(unit)[0],
        "JUJU_REMOTE_UNIT": event.remote,
    }
    if event.kind == DEPARTED:
        variables["JUJU_DEPARTING_UNIT"] = unit if event.leaving else event.remote
    return variables


def _one_per_line(keys: tuple[str, ...]) -> str | None:
    listed = "\n".join(sorted(keys))
    if "\0" in listed or listed.count("\n") >= max(len(keys), 1):
        return None
    try:
        return listed if len(listed.encode("utf-8", "surrogateescape")) <= MAX_KEYS else None
    except UnicodeEncodeError:
        return None
