"""A state as a graph of live objects: copied, told from others, and moved in time.

The walk forks the real objects of a controller or an agent before each move, so a move may do with
them what it likes. Three things are done with a graph:

- `copied`: the same objects again; frozen values and what holds no state are shared.
- `sign`: bytes that are equal for states that behave alike. What is for people only is left out.
- `let_pass`: time is relative. Every clock of the walk reads 0, for ever; time passes by moving all
  instants into the past. So two states that differ only in the time of day are one.

For the last, every float must be known by its name: an instant, or something else. One that is
not raises, so that a new field cannot silently stand still.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections import deque
from copy import copy
from enum import Enum
from functools import cache
from pathlib import PurePath
from types import CellType, FunctionType, MethodType
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tenure.controller.access import Caller
from tenure.controller.events import Events
from tenure.core.applications import Applications
from tenure.core.changes import HistoryAdded
from tenure.core.charms import Charms
from tenure.core.orders import Orders
from tenure.core.peers import Peers

from .still import Still

NEVER = float("inf")
PAST = -1.0
"""Every instant that is over. Nothing asks how long ago it was, but for `SINCE`."""

INSTANTS = {
    "_heap", "_not_before", "_of", "_promises", "_refused", "_rest_until", "_save_pins_at",
    "_step_down_by", "claim_at", "down_by", "expires_at", "freed_at", "granted_at", "hold_until",
    "lower_at", "pins", "save_at", "sure_until", "until", "_hello_at",
    "heard_at", "_looked_at", "_sign_at", "silent_since",
}  # fmt: skip
"""The names of instants, or of what holds them."""

SINCE = {"_turned_at", "asked_at", "at"}
"""Instants from which a span is counted that goes on into the future."""

SPANS = {
    "_offer_for", "duration", "grace", "guarantee", "led_since", "left", "longest", "reported_at",
    "started", "status_since", "_least", "wall", "leaderless_for", "update_every",
}  # fmt: skip
"""Other floats: lengths of time, and wall time, which decides nothing."""

FOR_PEOPLE = {
    "_refused", "cause", "detail", "freed_at", "freed_because", "granted_at", "last_leader",
    "led_since", "_complain", "_last_complaint", "_say", "started", "wall",
}  # fmt: skip
"""What a state says to people; no decision looks at it."""

OF_LONGER_TIMES = {"heard_at", "_looked_at", "_sign_at"}
"""What is decided by this takes longer than a walk lasts: whether an agent is silent, say."""

HOLDERS = (Caller,)
"""Frozen values that hold what is not frozen."""

FACES = (Applications, Charms, Events, Orders, Peers)
"""Parts of a model that only look at the others."""

_PLAIN = {int, str, bool, type(None)}
_ROWS = (list, deque)
_CALLED = (FunctionType, MethodType)
_ATOMS = (
    int, float, str, bytes, bool, type(None), type, Enum, frozenset, range, PurePath, random.Random,
)  # fmt: skip
_STATELESS = (
    Still, asyncio.Event, asyncio.Lock, msgspec.json.Decoder, type(threading.Lock()), type(len),
)  # fmt: skip


def fields_of(value: Any) -> list[tuple[str, Any]]:
    """The attributes of an object with their names, in the order in which they were made."""
    if isinstance(value, Struct):
        return [(name, getattr(value, name)) for name in value.__struct_fields__]
    slots = getattr(type(value), "__slots__", None)
    return [(name, getattr(value, name)) for name in slots] if slots else list(vars(value).items())


def _is_frozen(value: Any) -> bool:
    return _of_kind(type(value))


@cache
def _of_kind(kind: Any) -> bool:
    if issubclass(kind, Struct):
        return kind.__struct_config__.frozen and not issubclass(kind, HOLDERS)
    return issubclass(kind, (*_ATOMS, *_STATELESS))


# -- copying


def copied(value: Any, memo: dict[int, Any] | None = None) -> Any:
    """The same graph again, sharing what nobody can change."""
    memo = {} if memo is None else memo
    if _is_frozen(value):
        return value
    if id(value) in memo:
        return memo[id(value)]
    if isinstance(value, BaseException):
        value.__context__ = value.__cause__ = None
        return value.with_traceback(None)  # because its frames hold the state that it was raised in
    kind = type(value)
    if kind is tuple:
        return tuple(copied(each, memo) for each in value)
    if kind in _ROWS:
        found: Any = kind()
        memo[id(value)] = found
        found.extend([copied(each, memo) for each in value])
        return found
    if kind is dict:
        found = {}
        memo[id(value)] = found
        for key, each in value.items():
            found[copied(key, memo)] = copied(each, memo)
        return found
    if kind is set:
        return set(value)
    if kind is MethodType:
        return MethodType(value.__func__, copied(value.__self__, memo))
    if kind is FunctionType:
        return _copied_function(value, memo)
    return _copied_object(value, memo)


def _copied_function(value: Any, memo: dict[int, Any]) -> Any:
    if not value.__closure__:
        return value
    cells = tuple(CellType(copied(cell.cell_contents, memo)) for cell in value.__closure__)
    function = FunctionType(
        value.__code__, value.__globals__, value.__name__, value.__defaults__, cells
    )
    function.__qualname__ = value.__qualname__
    return function


def _copied_object(value: Any, memo: dict[int, Any]) -> Any:
    if isinstance(value, HOLDERS):
        return replace(value, **{name: copied(each, memo) for name, each in fields_of(value)})
    found = copy(value) if isinstance(value, Struct) else object.__new__(type(value))
    memo[id(value)] = found
    for name, each in fields_of(value):
        setattr(found, name, each if _of_kind(type(each)) else copied(each, memo))
    return found


# -- telling states apart

Signed = dict[int, tuple[Any, Any]]
"""What was signed already, of values that cannot change: by identity, with the value itself."""


def sign(value: Any, known: Signed | None = None) -> bytes:
    """Equal for states that behave alike. `known` makes it quick, and is filled."""
    return msgspec.msgpack.encode(_signed(value, {}, {} if known is None else known))


def _signed(value: Any, seen: dict[int, int], known: Signed) -> Any:
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is float:
        return value if abs(value) == NEVER else round(value, 9)
    if kind is tuple or kind in _ROWS:
        return [each if type(each) in _PLAIN else _signed(each, seen, known) for each in value]
    if kind is dict:
        return [[_signed(k, seen, known), _signed(value[k], seen, known)] for k in _ordered(value)]
    if kind in _CALLED:
        return _signed_function(value, seen, known)
    if not _is_frozen(value):
        return _signed_object(value, seen, known)
    if not isinstance(value, Struct):
        return str(value) if isinstance(value, Enum | frozenset) else None
    if (found := known.get(id(value))) is not None:
        return found[1]
    signed = value.kind if isinstance(value, HistoryAdded) else _signed_fields(value, seen, known)
    known[id(value)] = value, signed
    return signed


def _signed_object(value: Any, seen: dict[int, int], known: Signed) -> Any:
    if isinstance(value, FACES):
        return None
    if isinstance(value, BaseException):
        return [type(value).__name__, str(value)]
    if isinstance(value, set):
        return sorted(map(str, value))
    if id(value) in seen:
        return ["again", seen[id(value)]]
    seen[id(value)] = len(seen)
    return _signed_fields(value, seen, known)


def _signed_fields(value: Any, seen: dict[int, int], known: Signed) -> list[Any]:
    signed = [type(value).__name__]
    for name, each in fields_of(value):
        if name not in FOR_PEOPLE and name not in OF_LONGER_TIMES:
            signed.append(each if type(each) in _PLAIN else _signed(each, seen, known))
    return signed


def _signed_function(value: Any, seen: dict[int, int], known: Signed) -> list[Any]:
    if isinstance(value, MethodType):
        return [value.__func__.__qualname__, _signed(value.__self__, seen, known)]
    cells = value.__closure__ or ()
    return [value.__qualname__, *(_signed(cell.cell_contents, seen, known) for cell in cells)]


def _ordered(value: dict[Any, Any]) -> list[Any]:
    return sorted(value) if all(type(key) is str for key in value) else list(value)


# -- time


def let_pass(value: Any, span: float) -> None:
    """`span` seconds pass, on the clock that all instants in this graph are of."""
    _passed(value, "", span, {})


def _passed(value: Any, name: str, span: float, memo: dict[int, Any]) -> Any:
    kind = type(value)
    if kind is float:
        return _later(value, name, span)
    if kind is tuple:
        return tuple(_passed(each, name, span, memo) for each in value)
    if isinstance(value, Struct) and _is_frozen(value):
        return _passed_struct(value, span, memo)
    if _is_frozen(value) or id(value) in memo or isinstance(value, BaseException):
        return value
    memo[id(value)] = value
    if kind in _ROWS:
        for number, each in enumerate(value):
            value[number] = _passed(each, name, span, memo)
    elif kind is dict:
        for key in value:
            value[key] = _passed(value[key], name, span, memo)
    elif kind is MethodType:
        _passed(value.__self__, name, span, memo)
    elif kind is FunctionType:
        for cell in value.__closure__ or ():
            _passed(cell.cell_contents, name, span, memo)
    elif isinstance(value, HOLDERS) or kind is set:
        return value
    else:
        for each, of in list(fields_of(value)):
            new = _passed(of, each, span, memo)
            if new is not of:
                setattr(value, each, new)
    return value


def _passed_struct(value: Any, span: float, memo: dict[int, Any]) -> Any:
    if isinstance(value, HistoryAdded):
        return value
    changed = {}
    for name, each in fields_of(value):
        if type(each) is dict:
            new: Any = {key: _passed(of, name, span, memo) for key, of in each.items()}
        else:
            new = _passed(each, name, span, memo)
        if new != each:
            changed[name] = new
    return replace(value, **changed) if changed else value


def _later(value: float, name: str, span: float) -> float:
    if name in SPANS or abs(value) == NEVER:
        return value
    if name in SINCE:
        return value - span
    if name not in INSTANTS:
        raise UnknownTime(f"{name} = {value}: say in graph.py whether it is an instant or a span")
    return value - span if value - span >= 0 else PAST


class UnknownTime(Exception):
    """A float whose name is in none of the tables."""


def drive(coroutine: Any) -> Any:
    """What a coroutine returns that waits for nothing but its turn."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration as done:
        return done.value
