"""Tools of Juju's that Tenure has not: each says so, and what to do instead.

They are here so that a charm fails with a reason instead of `command not found`. Their arguments
are not looked at, but for `--help`.
"""

from __future__ import annotations

from tenure.agent.tools.base import Context, ReadStdin, Tool
from tenure.agent.tools.flags import Usage, error, help_text
from tenure.wire.tools import Call, ToolReply

_STORAGE = "units have no storage of their own; keep files in the charm's folder, which stays"
_SECRETS = "it keeps no secrets; hand them to the charm in a resource"
_PAYLOADS = "it tracks no payloads; leave the call out"
_PODS = "units are no pods; deploy a charm for machines"

REASONS = {
    "add-metric": "it collects no metrics; leave the call out",
    "credential-get": "there is no cloud; hand credentials to the charm in a resource",
    "juju-reboot": "the machine is not its own; ask the operator to reboot it",
    **dict.fromkeys(("k8s-raw-get", "k8s-raw-set", "k8s-spec-get", "k8s-spec-set"), _PODS),
    **dict.fromkeys(("payload-register", "payload-status-set", "payload-unregister"), _PAYLOADS),
    **dict.fromkeys(
        (
            "secret-add", "secret-get", "secret-grant", "secret-ids", "secret-info-get",
            "secret-remove", "secret-revoke", "secret-set",
        ),
        _SECRETS,
    ),
    **dict.fromkeys(("storage-add", "storage-get", "storage-list"), _STORAGE),
}  # fmt: skip
"""Each tool, and why there is none."""

_JUJUS_WORDS = {"credential-get": "cannot access cloud credentials: "}
"""What charms look for in the error."""


def refusal(name: str) -> Tool:
    """The tool of that name."""
    words = f"{name} is not supported by Tenure: {REASONS[name]}"

    async def run(context: Context, call: Call, read_stdin: ReadStdin) -> ToolReply:
        if any(arg in ("--help", "-h") for arg in call.args):
            usage = Usage(name=name, arguments="[...]", summary="Always fails.", details=words)
            return ToolReply(stdout=help_text(usage).encode())
        return error(_JUJUS_WORDS.get(name, "") + words)

    return run
