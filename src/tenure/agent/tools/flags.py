"""Flags as Juju's tools take them: gnuflag's parsing and its words (T0, T1).

A flag may stand anywhere before `--`; its value follows it or is attached (`--format=json`,
`-ofile`). `-` alone is an argument. A bool takes a value only when attached with `=`. The first
fault found ends the parsing, and `--help` before it wins.

`tool` is the frame of every tool: parse, run, and turn the three ways out into a reply:

| raised | exit | printed |
|---|---|---|
| `HelpWanted` | 0 | the help, on stdout |
| `WrongArguments` | 2 | `ERROR ...` |
| `ToolFailed` | 1 | `ERROR ...` |

`reading_tool` is the same for a tool that may ask for the client's stdin or for one of its files.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Container, Iterator, Mapping
from functools import wraps
from typing import Literal, NamedTuple, TypeAlias

from msgspec import Struct

from tenure.agent.tools.base import Context, ReadStdin, Tool
from tenure.agent.tools.output import FORMATS, Value, answer, quote, quote_all
from tenure.wire.tools import Call, ToolReply, to_bytes

_TRUE = ("1", "t", "T", "TRUE", "true", "True")
_FALSE = ("0", "f", "F", "FALSE", "false", "False")
_NUMBER = re.compile(r"[-+]?[0-9]{1,18}")

Relations: TypeAlias = Callable[[], Container[int]]
"""The numbers of the relations that `-r` may name; asked only when it is given."""


class HelpWanted(Exception):
    """`--help` or `-h` was among the flags."""


class WrongArguments(Exception):
    """The arguments are wrong; `str()` says how. Nothing was tried."""


class ToolFailed(Exception):
    """The command failed; `str()` says why."""


class Flag(Struct, frozen=True, kw_only=True):
    """One flag under all its names, the shortest first, and what it does, for the help.

    The value of a `relation` is its number, or "" if the flag was not given.
    """

    names: tuple[str, ...]
    does: str
    kind: Literal["text", "bool", "format", "relation"] = "text"
    default: str = ""
    formats: tuple[str, ...] = FORMATS


OUTPUT_FLAG = Flag(names=("o", "output"), does="a file to write to, instead of printing")

FORMAT_FLAGS = (
    Flag(
        names=("format",),
        does=f"how to print it ({'|'.join(FORMATS)})",
        kind="format",
        default="smart",
    ),
    OUTPUT_FLAG,
)

NO_FORMAT_FLAG = Flag(names=("format",), does="accepted for old charms; it has no effect")


class Usage(Struct, frozen=True, kw_only=True):
    """How a tool is called: for parsing and for its help."""

    name: str
    arguments: str = ""
    summary: str
    details: str
    flags: tuple[Flag, ...] = ()


class Arguments(Struct, frozen=True):
    """What was parsed: each flag's value under its last name, and the other arguments in order."""

    values: Mapping[str, str]
    rest: tuple[str, ...]

    def text(self, name: str) -> str:
        """The value of a flag."""
        return self.values[name]

    def on(self, name: str) -> bool:
        """Whether a bool flag is set."""
        return self.values[name] == "true"


def _no_relations() -> Container[int]:
    return ()


def parse(
    flags: tuple[Flag, ...], args: tuple[str, ...], relations: Relations = _no_relations
) -> Arguments:
    """Sort flags from arguments. Raises WrongArguments, HelpWanted."""
    known = _Known({name: flag for flag in flags for name in flag.names}, relations)
    values = {flag.names[-1]: flag.default or _nothing(flag) for flag in flags}
    rest: list[str] = []
    left = iter(args)
    for arg in left:
        if arg == "--":
            rest.extend(left)
        elif arg == "-" or not arg.startswith("-"):
            rest.append(arg)
        else:
            _take_flag(arg, left, known, values)
    return Arguments(values, tuple(rest))


def no_more(args: tuple[str, ...]) -> None:
    """Raises WrongArguments if anything is left."""
    if args:
        raise WrongArguments(f"unrecognized args: {quote_all(args)}")


def printed(call: Call, flags: Arguments, value: Value) -> ToolReply:
    """The reply that prints the value as `FORMAT_FLAGS` ask for."""
    return answer(call, value, format=flags.text("format"), out_path=flags.text("output"))


def deprecated(call: Call, flags: Arguments) -> ToolReply:
    """The reply of a tool that prints nothing, and takes `NO_FORMAT_FLAG`."""
    if not flags.text("format"):
        return ToolReply()
    # because Juju ends this one without a line feed
    words = f"--format flag deprecated for command {quote(call.tool)}"
    return ToolReply(stderr=words.encode())


def _nothing(flag: Flag) -> str:
    return "false" if flag.kind == "bool" else ""


class _Known(NamedTuple):
    """What may be given."""

    flags: Mapping[str, Flag]
    relations: Relations


def _take_flag(arg: str, left: Iterator[str], known: _Known, values: dict[str, str]) -> None:
    name, attached = _split(arg)
    flag = known.flags.get(name)
    if flag is None:
        if name in ("help", "h"):
            raise HelpWanted
        raise WrongArguments(f"option provided but not defined: {dashed(name)}")
    if flag.kind == "bool" and attached is None:
        value = "true"
    else:
        value = attached if attached is not None else _following(name, left)
        value = _checked(flag, name, value, known.relations)
    values[flag.names[-1]] = value


def _split(arg: str) -> tuple[str, str | None]:
    """A flag's name and its attached value, if any: `--a=b`, `-ab`."""
    if not arg.startswith("--"):
        # because gnuflag takes the rest of a short flag as it is, with the `=` if there is one
        return arg[1], arg[2:] or None
    name, equals, value = arg[2:].partition("=")
    if equals and not name:
        raise WrongArguments(f"empty option in argument {quote(arg)}")
    return name, value if equals else None


def _following(name: str, left: Iterator[str]) -> str:
    value = next(left, None)
    if value is None:
        raise WrongArguments(f"option needs an argument: {dashed(name)}")
    return value


def _checked(flag: Flag, name: str, value: str, relations: Relations) -> str:
    reason = ""
    if flag.kind == "bool":
        if value in _TRUE + _FALSE:
            return "true" if value in _TRUE else "false"
        reason = f"strconv.ParseBool: parsing {quote(value)}: invalid syntax"
    elif flag.kind == "format" and value not in flag.formats:
        reason = f"unknown format {quote(value)}"
    elif flag.kind == "relation":
        number = value.rpartition(":")[2]
        if not _NUMBER.fullmatch(number):
            reason = "invalid relation id"
        elif int(number) in relations():
            return str(int(number))
        else:
            reason = "relation not found"
    if reason:
        raise WrongArguments(f"invalid value {quote(value)} for option {dashed(name)}: {reason}")
    return value


def dashed(name: str) -> str:
    """A flag's name with its dashes; what is long is counted in bytes."""
    return ("--" if len(to_bytes(name)) > 1 else "-") + name


def help_text(usage: Usage) -> str:
    """The help in the layout of Juju's tools."""
    words = [usage.name, "[options]" if usage.flags else "", usage.arguments]
    parts = [f"Usage: {' '.join(filter(None, words))}\n", f"Summary:\n{usage.summary}\n"]
    if usage.flags:
        flags = sorted(usage.flags, key=lambda flag: flag.names[0])
        parts.append("Options:\n" + "".join(map(_help_line, flags)))
    parts.append(f"Details:\n{usage.details.strip()}\n")
    return "\n".join(parts)


def _help_line(flag: Flag) -> str:
    default = flag.default or _nothing(flag)
    plain = flag.kind in ("bool", "format")
    shown = f"  (= {default})" if plain else f" (= {quote(default)})"
    return f"{', '.join(map(dashed, flag.names))}{shown}\n    {flag.does}\n"


def error(message: str, exit_code: int = 1) -> ToolReply:
    """A reply that says `ERROR <message>`, in one line whatever the message repeats (T2)."""
    # because Juju repeats a flag's name as it is, and a charm could forge a second error with it
    line = message.replace("\n", "\\n")
    return ToolReply(exit_code=exit_code, stderr=to_bytes(f"ERROR {line}\n"))


Body: TypeAlias = Callable[[Context, Call, Arguments], Awaitable[ToolReply]]
ReadingBody: TypeAlias = Callable[[Context, Call, Arguments, ReadStdin], Awaitable[ToolReply]]


def tool(usage: Usage) -> Callable[[Body], Tool]:
    """Make a tool of a function that gets its arguments parsed; see the module's table."""

    def framed(body: Body) -> Tool:
        @wraps(body)
        async def without_input(
            context: Context, call: Call, flags: Arguments, _read_stdin: ReadStdin
        ) -> ToolReply:
            return await body(context, call, flags)

        return reading_tool(usage)(without_input)

    return framed


def reading_tool(usage: Usage) -> Callable[[ReadingBody], Tool]:
    """The same for a function that is also handed the client's stdin and files."""

    def framed(body: ReadingBody) -> Tool:
        @wraps(body)
        async def run(context: Context, call: Call, read_stdin: ReadStdin) -> ToolReply:
            try:
                flags = parse(usage.flags, call.args, lambda: context.relations())
                return await body(context, call, flags, read_stdin)
            except HelpWanted:
                return ToolReply(stdout=help_text(usage).encode())
            except WrongArguments as wrong:
                return error(str(wrong), 2)
            except ToolFailed as failed:
                return error(str(failed))

        return run

    return framed
