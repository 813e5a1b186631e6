"""What a charm says of itself: its endpoints, options, actions and resources.

| what | where |
|---|---|
| name, endpoints, resources | `metadata.yaml`; what is not there: `charmcraft.yaml` |
| options | `config.yaml` (`options:`); without that file: `charmcraft.yaml` (`config: options:`) |
| actions | `actions.yaml`; without that file: `charmcraft.yaml` (`actions:`) |
| hooks that only Tenure has | like the name (`x-tenure: hooks:`) |

What is not there is empty: a folder with nothing but hooks has facts too. What is there must have
the right shape, or the error names file and line. Keys that nobody here needs are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from msgspec import Struct

from tenure.charms.actions import ActionSpec
from tenure.charms.reading import Document, read_document
from tenure.core.changes import Option
from tenure.core.config import value_of
from tenure.errors import BadRequest

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?\Z")
_ACTION_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\Z")
OWN_HOOKS = ("leader-deposed",)
"""Hooks that Juju does not have: a `dispatch` may be strict about names, and fail (H10)."""

_OURS = "x-tenure"
"""The key of what is Tenure's alone; Juju passes over it."""
_TYPES = ("string", "int", "float", "boolean", "secret")


class Resource(Struct, frozen=True, kw_only=True):
    """Something that an operator hands to the charm: `type` is "file" or "oci-image"."""

    type: str = "file"
    filename: str = ""
    description: str = ""


class Facts(Struct, frozen=True, kw_only=True):
    """See the module. `name` is "" if the charm has none.

    `peers` are the peer endpoints in the file's order, `relations` all endpoints: provided,
    required and peers'. `endpoints` are all names that network-get takes: those, and extra
    bindings. `storage` and `containers` are names, too. `missing` are lines for people: what the
    charm asks for and will not have. `hooks` are those beyond Juju's that its `dispatch` wants to
    hear of (H10).
    """

    name: str = ""
    peers: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()
    storage: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    options: Mapping[str, Option] = {}
    actions: Mapping[str, ActionSpec] = {}
    resources: Mapping[str, Resource] = {}
    missing: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()


_MISSING = {
    "containers": "its containers do not run: they are for Kubernetes",
    "storage": "its storage is not there: its tools refuse",
    "devices": "its devices are not there",
    "subordinate": "it is a subordinate, and runs alone here, without a principal",
}


def read_facts(folder: Path) -> Facts:
    """The facts of the charm in this folder. Raises CharmError: file, line and reason."""
    charmcraft = read_document(folder / "charmcraft.yaml")
    metadata = _Either(read_document(folder / "metadata.yaml"), charmcraft)
    kinds = {kind: _endpoints(metadata, kind) for kind in ("provides", "requires", "peers")}
    relations = tuple(dict.fromkeys(sum(kinds.values(), ())))
    bindings = _endpoints(metadata, "extra-bindings")
    return Facts(
        name=metadata.holder("name").text("name"),
        peers=kinds["peers"],
        relations=relations,
        storage=tuple(metadata.holder("storage").below("storage").content),
        containers=tuple(metadata.holder("containers").below("containers").content),
        endpoints=tuple(dict.fromkeys((*relations, *bindings))),
        options=_options(_own_or(folder / "config.yaml", charmcraft, "config").below("options")),
        actions=_actions(_own_or(folder / "actions.yaml", charmcraft, "actions")),
        resources=_resources(metadata.holder("resources").below("resources")),
        missing=tuple(line for key, line in _MISSING.items() if _is_asked(metadata, key)),
        hooks=_own_hooks(metadata.holder(_OURS).below(_OURS)),
    )


def _own_hooks(ours: Document) -> tuple[str, ...]:
    """A word that is misspelt here would be a hook that never runs, and nobody would know why."""
    hooks = ours.words("hooks")
    for hook in hooks:
        if hook not in OWN_HOOKS:
            known = ", ".join(OWN_HOOKS)
            raise ours.fault(("hooks",), f'names "{hook}": what can be declared is {known}')
    return hooks


def _is_asked(metadata: _Either, key: str) -> bool:
    if key == "subordinate":
        return metadata.holder(key).flag(key)
    return bool(metadata.holder(key).below(key).content)


class _Either:
    """metadata.yaml and charmcraft.yaml: what the first has, the second need not say."""

    def __init__(self, first: Document, second: Document) -> None:
        self._first = first
        self._second = second

    def holder(self, key: str) -> Document:
        return self._first if self._first.at(key) is not None else self._second


def _own_or(path: Path, charmcraft: Document, key: str) -> Document:
    return read_document(path) if path.exists() else charmcraft.below(key)


def _endpoints(metadata: _Either, kind: str) -> tuple[str, ...]:
    names = metadata.holder(kind).below(kind)
    for name in names.content:
        _check_name(names, name)
    return tuple(names.content)


def _check_name(names: Document, name: str) -> None:
    """A name becomes a part of files' names: it must not lead elsewhere."""
    if not _NAME.match(name):
        raise names.fault((name,), "is no name: use letters, digits, - and _")


def _check_action_name(actions: Document, name: str) -> None:
    """What Juju refuses is refused, so that a charm that runs here runs there."""
    if not _ACTION_NAME.match(name):
        raise actions.fault(
            (name,), "is no name of an action: use lower-case letters, digits and - inside"
        )
    if name == "juju" or name.startswith("juju-"):
        raise actions.fault((name,), "is no name of an action: Juju keeps those with juju")


def _description(things: Document, name: str) -> str:
    """Words for people; one that is no text is no reason to refuse a charm."""
    found = things.at(name, "description")
    return found if isinstance(found, str) else ""


def _options(options: Document) -> dict[str, Option]:
    return {name: _option(options, name) for name in options.content}


def _option(options: Document, name: str) -> Option:
    kind = options.text(name, "type") or "string"
    if kind not in _TYPES:
        raise options.fault((name, "type"), f'"{kind}" is unknown: use one of {", ".join(_TYPES)}')
    option = Option(type=cast(Any, kind), description=_description(options, name))
    default = options.at(name, "default")
    if default is None:
        return option
    text = _text_of(default, is_text=kind in ("string", "secret"))
    if text is None or not _is_value(option, text):
        raise options.fault((name, "default"), f"expected {kind}, got {str(default)[:40]!r}")
    return Option(type=option.type, default=text, description=option.description)


def _text_of(default: Any, *, is_text: bool) -> str | None:
    """What `core.config.value_of` reads back; None if the default is of another type."""
    if isinstance(default, str):
        return default
    if is_text or not isinstance(default, bool | int | float):
        return None
    return str(default).lower() if isinstance(default, bool) else str(default)


def _is_value(option: Option, text: str) -> bool:
    try:
        value_of(option, text)
    except BadRequest:
        return False
    return True


def _actions(actions: Document) -> dict[str, ActionSpec]:
    return {name: _action(actions, name) for name in actions.content}


def _action(actions: Document, name: str) -> ActionSpec:
    _check_action_name(actions, name)
    params = actions.mapping(name, "params")
    return ActionSpec(
        description=_description(actions, name),
        params={param: actions.mapping(name, "params", param) for param in params},
        required=actions.words(name, "required"),
        additional=actions.flag(name, "additionalProperties", default=True),
    )


def _resources(resources: Document) -> dict[str, Resource]:
    return {name: _resource(resources, name) for name in resources.content}


def _resource(resources: Document, name: str) -> Resource:
    _check_name(resources, name)
    return Resource(
        type=resources.text(name, "type") or "file",
        filename=resources.text(name, "filename"),
        description=_description(resources, name),
    )
