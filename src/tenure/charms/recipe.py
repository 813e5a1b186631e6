"""How a charm's source wants to be packed: what its charmcraft.yaml says, if it can be done here.

One plugin is known, `charm`, which most charms on ops use: copy the source, install what
`requirements.txt` names into `venv`, write a `dispatch`. Other plugins need charmcraft itself.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from tenure.charms.fault import CharmError
from tenure.charms.folder import fault_of
from tenure.charms.reading import Document, read_document
from tenure.jujuyaml.writer import marshal

ENTRY_POINT = "src/charm.py"
REQUIREMENTS = "requirements.txt"
DISPATCH = "dispatch"
MADE = ("metadata.yaml", "config.yaml", "actions.yaml", DISPATCH)
"""The files that packing writes, if they are not there."""

_METADATA = (
    "name",
    "summary",
    "description",
    "assumes",
    "charm-user",
    "containers",
    "devices",
    "extra-bindings",
    "peers",
    "provides",
    "requires",
    "resources",
    "storage",
    "subordinate",
    "terms",
    "series",
    "tags",
)
_RENAMED = {"title": "display-name"}
_LINKS = {
    "contact": "maintainers",
    "documentation": "docs",
    "issues": "issues",
    "source": "source",
    "website": "website",
}


class Recipe(Struct, frozen=True, kw_only=True):
    """What packing has to do. Paths are relative to the source."""

    entry_point: str = ENTRY_POINT
    requirements: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    not_done: tuple[str, ...] = ()
    """What the parts ask for besides, and is not done here."""

    @property
    def installs(self) -> bool:
        return bool(self.requirements or self.packages)


def recipe_of(source: Path) -> Recipe | None:
    """How to pack this folder; None if it is no source that could be packed.

    A folder with hooks runs as it is, unless it is the source of a charm on `src/charm.py` that
    only packing makes whole. Raises CharmError for one that cannot be packed here.
    """
    if not source.is_dir() or (source / "dispatch").exists():
        return None
    if fault_of(source) is None:
        return _of_hooks_and_more(source)
    if (source / "charmcraft.yaml").exists():
        charmcraft = read_document(source / "charmcraft.yaml")
        return _checked(source, _from_parts(source, charmcraft), charmcraft)
    if (source / "layer.yaml").exists():
        raise _needs_charmcraft(source, "it is a layer of charms.reactive")
    if (source / "metadata.yaml").exists() and (source / ENTRY_POINT).is_file():
        return Recipe(requirements=_default_requirements(source))
    return None


def _of_hooks_and_more(source: Path) -> Recipe | None:
    if not ((source / "charmcraft.yaml").exists() and (source / ENTRY_POINT).is_file()):
        return None
    charmcraft = read_document(source / "charmcraft.yaml")
    try:
        return _checked(source, _from_parts(source, charmcraft), charmcraft)
    except CharmError:
        return None  # because its hooks may well be all that it is


def write_metadata(folder: Path) -> None:
    """Write those of a charm's files that charmcraft.yaml holds and that are not there yet."""
    charmcraft = read_document(folder / "charmcraft.yaml")
    made = {
        "metadata.yaml": _metadata(charmcraft),
        "config.yaml": charmcraft.mapping("config"),
        "actions.yaml": charmcraft.mapping("actions"),
    }
    for name, content in made.items():
        if content and not (folder / name).exists():
            write_new(folder / name, marshal(content), 0o644)


def write_new(path: Path, text: str, mode: int) -> None:
    """Write a file where nothing is, not even a link. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        os.fchmod(file.fileno(), mode)


def _metadata(charmcraft: Document) -> dict[str, Any]:
    links = charmcraft.mapping("links")
    found = {key: charmcraft.at(key) for key in _METADATA}
    found |= {new: charmcraft.at(old) for old, new in _RENAMED.items()}
    found |= {new: links.get(old) for old, new in _LINKS.items()}
    return {key: value for key, value in found.items() if value is not None}


def _from_parts(source: Path, charmcraft: Document) -> Recipe:
    if charmcraft.text("type") == "bundle":
        raise CharmError(f'"{source}" is a bundle: name the folder of one charm')
    parts = charmcraft.below("parts")
    for name in parts.content:
        plugin = parts.text(name, "plugin") or name
        if plugin != "charm":
            raise _needs_charmcraft(source, f'its part "{name}" uses the plugin "{plugin}"')
        if (parts.text(name, "source") or ".").rstrip("/") != ".":
            raise _needs_charmcraft(source, f'its part "{name}" takes its source from elsewhere')
    return _from_part(source, parts, next(iter(parts.content), None))


def _from_part(source: Path, parts: Document, name: str | None) -> Recipe:
    if name is None:
        return Recipe(requirements=_default_requirements(source))
    lists = ("charm-python-packages", "charm-binary-python-packages")
    named = parts.words(name, "charm-requirements")
    return Recipe(
        entry_point=_inside(parts, name, parts.text(name, "charm-entrypoint")) or ENTRY_POINT,
        requirements=named or _default_requirements(source),
        packages=tuple(word for key in lists for word in parts.words(name, key)),
        not_done=_not_done(name, parts.mapping(name)),
    )


def _inside(parts: Document, name: str, path: str) -> str:
    if path.startswith("/") or ".." in Path(path).parts:
        raise parts.fault((name, "charm-entrypoint"), "leads out of the charm")
    return str(Path(path)) if path else ""


def _not_done(name: str, part: Mapping[str, Any]) -> tuple[str, ...]:
    words = (key for key in part if key.startswith(("override-", "build-packages", "build-snaps")))
    return tuple(f"parts.{name}.{key}" for key in words)


def _default_requirements(source: Path) -> tuple[str, ...]:
    return (REQUIREMENTS,) if (source / REQUIREMENTS).is_file() else ()


def _checked(source: Path, recipe: Recipe, charmcraft: Document) -> Recipe | None:
    """The recipe, if all that it names is there; None for a folder of hooks that lacks a mode."""
    if not (source / recipe.entry_point).is_file():
        if (source / "hooks").is_dir():
            return None
        raise CharmError(
            f'"{source}" is the source of a charm without its entry point {recipe.entry_point}: '
            "name another with charm-entrypoint in charmcraft.yaml"
        )
    if not (charmcraft.text("name") or (source / "metadata.yaml").exists()):
        raise CharmError(f'"{source}" has no name: write `name: NAME` into its charmcraft.yaml')
    for name in recipe.requirements:
        if not (source / name).is_file():
            raise CharmError(f'"{source}/{name}" is not there, but charmcraft.yaml names it')
    return recipe


def _needs_charmcraft(source: Path, reason: str) -> CharmError:
    return CharmError(
        f'"{source}" cannot be packed here: {reason}. Run `charmcraft pack` there, and name the '
        ".charm file that it makes"
    )
