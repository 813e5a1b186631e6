"""The hook tools: each in a file of its own, loaded when it is first called.

Every call goes through `run_tool`, and no fault leaves it: what a tool did not foresee becomes one
line for the caller and one in the unit's log. Neither repeats the fault's own words, because those
may hold a setting's value (T10).
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import cast

from tenure.agent.tools.base import BagRefused, Context, ContextOver, ReadStdin, Tool
from tenure.agent.tools.flags import error
from tenure.agent.tools.output import quote
from tenure.errors import TenureError
from tenure.wire.tools import Call, ToolReply


def _load(module: str) -> Tool:
    return cast(Tool, import_module(f"tenure.agent.tools.{module}").run)


def _load_refusal(name: str) -> Tool:
    return cast(Tool, import_module("tenure.agent.tools.refused").refusal(name))


SUPPORTED = (
    "action-fail", "action-get", "action-log", "action-set", "application-version-set",
    "close-port", "config-get", "goal-state", "is-leader", "juju-log", "leader-get", "leader-set",
    "network-get", "open-port", "opened-ports", "relation-get", "relation-ids", "relation-list",
    "relation-model-get", "relation-set", "resource-get", "state-delete", "state-get", "state-set",
    "status-get", "status-set", "unit-get",
)  # fmt: skip
"""The tools, each with a module of its name."""

REFUSED = (
    "add-metric", "credential-get", "juju-reboot", "k8s-raw-get", "k8s-raw-set", "k8s-spec-get",
    "k8s-spec-set", "payload-register", "payload-status-set", "payload-unregister", "secret-add",
    "secret-get", "secret-grant", "secret-ids", "secret-info-get", "secret-remove",
    "secret-revoke", "secret-set", "storage-add", "storage-get", "storage-list",
)  # fmt: skip
"""What charms find as well, and what only says why there is no such thing."""

TOOLS: dict[str, Callable[[], Tool]] = {
    **{name: partial(_load, name.replace("-", "_")) for name in SUPPORTED},
    **{name: partial(_load_refusal, name) for name in REFUSED},
}
"""What a charm can call -> what loads it."""


def wrong_context(context_id: str) -> ToolReply:
    """The hook is over, or never was (T8)."""
    return error(f"bad request: wrong context ID; got {quote(context_id)}")


async def run_tool(context: Context, call: Call, read_stdin: ReadStdin) -> ToolReply:
    """Run the tool that the call names. Raises nothing but CancelledError."""
    load = TOOLS.get(call.tool)
    if load is None:
        return error(f"bad request: unknown command: {call.tool}")
    try:
        return await load()(context, call, read_stdin)
    except ContextOver:
        return wrong_context(call.context_id)
    except (BagRefused, TenureError) as fault:
        return error(str(fault))
    except Exception as fault:
        message = f"internal fault in {call.tool} ({_where(fault)}); please report it"
        with suppress(Exception):
            context.log("ERROR", message)
        return error(message)


def _where(fault: Exception) -> str:
    """The kind of the fault and where it arose, and nothing of what it says."""
    frames = traceback.extract_tb(fault.__traceback__)
    place = frames[-1]
    return f"{type(fault).__name__} in {place.name}, line {place.lineno}"
