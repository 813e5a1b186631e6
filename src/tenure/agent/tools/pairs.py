"""Settings that a call names: `key=value` arguments, and a file of them in YAML or JSON.

Every value is a string, exactly as it is written: `1.0`, `yes` and `0x1f` are no number and no bool
here. Only what YAML calls null, unquoted, is the empty string. The file is one flat map; what lies
deeper is refused as soon as it is met, so no file can make this slow or deep.

An error names a line and never repeats what is written there (T10).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping

import yaml
from yaml.events import (
    AliasEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from tenure.agent.tools.base import ReadStdin
from tenure.agent.tools.flags import Flag, ToolFailed, WrongArguments
from tenure.agent.tools.output import absolute, quote, trim
from tenure.jujuyaml.scalars import meaning
from tenure.wire.tools import Call, valid

FILE_FLAG = Flag(
    names=("file",), does="a file of settings in YAML or JSON to take too; - is standard input"
)

_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_LARGE = 64 * 1024
"""Bytes of a file from which on others are served while it is read."""


def parse_pairs(args: tuple[str, ...]) -> dict[str, str]:
    """The settings that the arguments name. Raises WrongArguments (T5).

    Bytes that are no UTF-8 become U+FFFD here, as they do on their way to Juju's controller.
    """
    pairs: dict[str, str] = {}
    for arg in filter(None, args):
        key, equals, value = arg.partition("=")
        if not equals:
            raise WrongArguments(f'expected "key=value", got {quote(arg)}')
        key, value = trim(key), trim(value)
        if not key:
            raise WrongArguments(f'expected "key=value", got {quote("=" + value)}')
        if key in pairs:
            raise WrongArguments(f"key {quote(key)} specified more than once")
        pairs[key] = value
    return {valid(key): valid(value) for key, value in pairs.items()}


async def read_settings(call: Call, path: str, read_stdin: ReadStdin) -> Mapping[str, str]:
    """The settings in the caller's file, in its stdin for `-`, none for "". Raises ToolFailed."""
    if not path:
        return {}
    content = await (read_stdin() if path == "-" else read_stdin(absolute(path, call.cwd)))
    if len(content) < _LARGE:
        return settings_in(content)
    return await asyncio.to_thread(settings_in, content)


def settings_in(content: bytes) -> Mapping[str, str]:
    """The settings that a file holds. Raises ToolFailed."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise ToolFailed("yaml: invalid leading UTF-8 octet") from None
    found = _from_json(text)
    return found if found is not None else _from_yaml(text)


def _from_json(text: str) -> Mapping[str, str] | None:
    """The settings, if it is a flat map in JSON: the quick way for what `ops` sends."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return None
    if any(isinstance(value, dict | list) for value in found.values()):
        return None
    return {valid(key): _as_written(value) for key, value in found.items()}


def _as_written(value: str | bool | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return valid(value) if value is not None else ""


def _from_yaml(text: str) -> Mapping[str, str]:
    try:
        loader = _LOADER(text)
        try:
            return _flat_map(iter(loader.get_event, None))
        finally:
            loader.dispose()
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark is not None else ""
        raise ToolFailed(f"yaml: {where}this is no YAML; write one `key: value` a line") from None


def _flat_map(events: Iterator[Event]) -> Mapping[str, str]:
    """The map that the first document is. Raises ToolFailed, YAMLError."""
    next(events)
    if isinstance(next(events), StreamEndEvent):
        return {}
    first = next(events)
    if isinstance(first, ScalarEvent) and _is_null(first):
        return {}
    if not isinstance(first, MappingStartEvent):
        raise _unfit(first, "map[string]string")
    anchors: dict[str, str] = {}
    settings: dict[str, str] = {}
    for event in events:
        if isinstance(event, MappingEndEvent):
            break
        key = _text(event, anchors)
        settings[key] = _text(next(events), anchors)
    return settings


def _text(event: Event, anchors: dict[str, str]) -> str:
    if isinstance(event, AliasEvent) and event.anchor in anchors:
        return anchors[event.anchor]
    if not isinstance(event, ScalarEvent):
        raise _unfit(event, "string")
    text = "" if _is_null(event) else valid(event.value)
    if event.anchor:
        anchors[event.anchor] = text
    return text


def _is_null(event: ScalarEvent) -> bool:
    return not event.style and not event.tag and meaning(event.value) is None


def _unfit(event: Event, into: str) -> ToolFailed:
    kinds = {
        MappingStartEvent: "!!map",
        SequenceStartEvent: "!!seq",
        AliasEvent: "an unknown alias",
    }
    kind = kinds.get(type(event), "!!str")
    assert event.start_mark is not None
    where = f"line {event.start_mark.line + 1}"
    return ToolFailed(f"yaml: unmarshal errors:\n  {where}: cannot unmarshal {kind} into {into}")
