"""`network-get`: at which address to listen, and which one to tell others."""

from __future__ import annotations

from ipaddress import ip_address

from tenure.agent.tools.base import Context, Network, ReadFailed
from tenure.agent.tools.flags import (
    FORMAT_FLAGS,
    Arguments,
    Flag,
    ToolFailed,
    Usage,
    WrongArguments,
    no_more,
    printed,
    tool,
)
from tenure.agent.tools.output import quote
from tenure.agent.tools.relation import RELATION_FLAG
from tenure.jujuyaml.writer import Fields, Node
from tenure.wire.tools import Call, ToolReply

NAME = "network-get"

_ONE = ("bind-address", "egress-subnets", "ingress-address")
_ALL_CHARMS = "juju-info"
"""An endpoint that every charm has, without naming it."""

USAGE = Usage(
    name=NAME,
    arguments="<endpoint>",
    summary="Print the network of an endpoint.",
    details="""
All endpoints of a unit have one address, on which it listens and which it tells others.
With one of --bind-address, --ingress-address and --egress-subnets only that is printed,
with several a map of them.
""",
    flags=(
        Flag(names=("bind-address",), does="print the address to listen on", kind="bool"),
        Flag(names=("egress-subnets",), does="print where connections come from", kind="bool"),
        *FORMAT_FLAGS,
        Flag(names=("ingress-address",), does="print the address to tell others", kind="bool"),
        Flag(names=("primary-address",), does="the same as --bind-address", kind="bool"),
        RELATION_FLAG,
    ),
)


@tool(USAGE)
async def run(context: Context, call: Call, flags: Arguments) -> ToolReply:
    """Print everything, or what was asked for."""
    binding = _binding(flags.rest)
    if binding not in (*context.endpoints(), _ALL_CHARMS):
        raise ToolFailed(f"no network config found for binding {quote(binding)}")
    asked = [name for name in _ONE if flags.on(name)]
    network = await network_of(context)
    if flags.on("primary-address"):
        if asked:
            raise ToolFailed("--primary-address must be the only flag specified")
        return printed(call, flags, network.address)
    if not asked:
        return printed(call, flags, _everything(network, json=flags.text("format") == "json"))
    parts = _parts(network)
    if len(asked) == 1:
        return printed(call, flags, parts[asked[0]])
    return printed(call, flags, {name: parts[name] for name in asked})


async def network_of(context: Context) -> Network:
    """The unit's network. Raises ToolFailed."""
    try:
        return await context.network()
    except ReadFailed as failed:
        raise ToolFailed(f"cannot read the unit's address: {failed}") from None


def _binding(args: tuple[str, ...]) -> str:
    if not args:
        raise WrongArguments("no arguments specified")
    if not args[0]:
        raise WrongArguments("no binding name specified")
    no_more(args[1:])
    return args[0]


def _parts(network: Network) -> dict[str, Node]:
    address = network.address
    return {
        "bind-address": address,
        "egress-subnets": [egress_of(address)],
        "ingress-address": address,
    }


def egress_of(address: str) -> str:
    """The subnet that holds the address alone: `10.0.0.1/32`."""
    return f"{address}/{ip_address(address).max_prefixlen}"


def _everything(network: Network, *, json: bool) -> Fields:
    """All of it. Two names of yaml's are older ones, which json does not have."""
    address = Fields(hostname="", value=network.address, cidr=network.cidr)
    interface = Fields(
        {"mac-address": network.mac, "interface-name": network.interface, "addresses": [address]}
    )
    if not json:
        address["address"] = network.address
        interface |= {"macaddress": network.mac, "interfacename": network.interface}
    return Fields(
        {
            "bind-addresses": [interface],
            "egress-subnets": [egress_of(network.address)],
            "ingress-addresses": [network.address],
        }
    )
