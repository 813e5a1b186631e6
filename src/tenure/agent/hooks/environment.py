"""The environment of a hook (H9, H10): computed in full, nothing slips in from the agent's own.

What is absent matters as much: no variable names the leader, the controller or another unit (G10),
and no setting's value is among them (T10).

`TENURE_CHANGED_KEYS` holds one key per line, sorted, since keys may contain spaces. It is a hint:
absent means "not known", and so do keys that no environment can carry (too long, or with a
newline or a NUL in them).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tenure.core.relations import DEPARTED, RelationEvent
from tenure.names import split_unit

JUJU_VERSION = "3.6.12"
"""What charms are told they run under."""

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

MAX_KEYS = 64 * 1024
"""Bytes of TENURE_CHANGED_KEYS; Linux starts no program with a variable over 128 KiB."""


def environment(
    unit: str,
    hook: str,
    *,
    charm_dir: Path,
    tools: Path,
    context_id: str,
    socket: Path,
    reason: str | None,
    term: int | None,
    changed_keys: tuple[str, ...] | None,
    model_name: str,
    model_uuid: str,
    inherited: Mapping[str, str],
    juju_version: str = JUJU_VERSION,
    shims: Path | None = None,
    event: RelationEvent | None = None,
    action: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Every variable of one hook context; of `inherited` only PATH and HOME are used.

    `hook` is "" for a command that is no hook (`exec`) and for an action: the first has no dispatch
    path. `reason`, `term` and `changed_keys` are absent when None. `shims` is a folder that
    comes before all others but the tools'. `event` is what a relation's hook is about, `action` the
    variables of an action. Raises BadName for `unit`.
    """
    path = [tools, shims, inherited.get("PATH") or DEFAULT_PATH]
    fixed = {
        "JUJU_UNIT_NAME": unit,
        "JUJU_CHARM_DIR": str(charm_dir),
        "CHARM_DIR": str(charm_dir),
        "JUJU_HOOK_NAME": hook,
        "JUJU_CONTEXT_ID": context_id,
        "JUJU_AGENT_SOCKET_ADDRESS": str(socket),
        "JUJU_AGENT_SOCKET_NETWORK": "unix",
        "JUJU_MODEL_NAME": model_name,
        "JUJU_MODEL_UUID": model_uuid,
        "JUJU_VERSION": juju_version,
        "JUJU_MACHINE_ID": str(split_unit(unit)[1]),
        "JUJU_PRINCIPAL_UNIT": "",
        "JUJU_AVAILABILITY_ZONE": "",
        "JUJU_API_ADDRESSES": "",
        "LANG": "C.UTF-8",
        "TERM": "tmux-256color",
        "PATH": ":".join(str(each) for each in path if each is not None),
    }
    sometimes = {
        "HOME": inherited.get("HOME"),
        "JUJU_DISPATCH_PATH": _dispatch_path(hook, action),
        "TENURE_REASON": reason,
        "TENURE_TERM": None if term is None else str(term),
        "TENURE_CHANGED_KEYS": None if changed_keys is None else _one_per_line(changed_keys),
    }
    present = {name: value for name, value in sometimes.items() if value is not None}
    return fixed | present | _of_relation(unit, event) | dict(action or {})


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
