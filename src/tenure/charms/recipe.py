"""How a charm's source wants to be packed: what its charmcraft.yaml says, if it can be done here.

| plugin | what is installed | where |
|---|---|---|
| `charm` | what `requirements.txt` names | `venv` |
| `python` | `python-requirements`, `python-packages` | `venv/lib/pythonX.Y/site-packages` |
| `uv`, `poetry` | what `uv.lock`, `poetry.lock` names | there, too |
| `dump`, `nil` | nothing: all of the source is copied anyway | |

All of them: copy the source, install, write a `dispatch` that looks there, unless the source brings
its own. Other plugins, and more than one that installs, need charmcraft itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct
from msgspec.structs import replace

from tenure.charms.fault import CharmError
from tenure.charms.folder import fault_of
from tenure.charms.reading import Document, read_document

ENTRY_POINT = "src/charm.py"
REQUIREMENTS = "requirements.txt"
LOCKED = ".locked-requirements.txt"
"""Where in a packed folder a lock file's requirements are while they are installed."""

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


class Lock(Struct, frozen=True):
    """A lock file, and which of its groups and extras are wanted besides what always is."""

    tool: str
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """Its name in the source."""
        return f"{self.tool}.lock"


class Recipe(Struct, frozen=True, kw_only=True):
    """What packing has to do. Paths are relative to the source."""

    entry_point: str = ENTRY_POINT
    site: str = "venv"
    """The folder that packages are installed into."""
    requirements: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    lock: Lock | None = None
    not_done: tuple[str, ...] = ()
    """What the parts ask for besides, and is not done here."""

    @property
    def installs(self) -> bool:
        return bool(self.requirements or self.packages or self.lock)

    @property
    def wanted(self) -> str:
        """What is installed, for people."""
        lock = (self.lock.file,) if self.lock else ()
        files = (name for name in self.requirements if name != LOCKED)
        return ", ".join((*files, *lock, *self.packages))


def recipe_of(source: Path) -> Recipe | None:
    """How to pack this folder; None if it is no source that could be packed.

    A folder with hooks runs as it is, unless it is the source of a charm on `src/charm.py` that
    only packing makes whole; one with a dispatch, unless packages are to be installed for it.
    Raises CharmError for one that cannot be packed here.
    """
    if not source.is_dir():
        return None
    if (source / DISPATCH).exists():
        return _beside_dispatch(source)
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


def _beside_dispatch(source: Path) -> Recipe | None:
    venv = source / "venv"
    is_packed = venv.is_dir() and not (venv / "pyvenv.cfg").exists()
    is_packed = is_packed or (source / "manifest.yaml").exists()
    if is_packed or not (source / "charmcraft.yaml").exists():
        return None
    charmcraft = read_document(source / "charmcraft.yaml")
    try:
        recipe = _from_parts(source, charmcraft)
    except CharmError:
        return None  # because its dispatch may well be all that it is
    return _files_are_there(source, recipe) if recipe.installs else None


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
            write_new(
                folder / name, yaml.safe_dump(content, sort_keys=False, allow_unicode=True), 0o644
            )


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
    installing = []
    for name in parts.content:
        plugin = _plugin(parts, name)
        if plugin not in _INSTALL and plugin not in _COPY:
            raise _needs_charmcraft(source, f'its part "{name}" uses the plugin "{plugin}"')
        if (parts.text(name, "source") or ".").rstrip("/") != ".":
            raise _needs_charmcraft(source, f'its part "{name}" takes its source from elsewhere')
        if plugin in _INSTALL:
            installing.append(name)
    if len(installing) > 1:
        raise _needs_charmcraft(source, f"its parts {', '.join(installing)} all install packages")
    if not parts.content:
        return Recipe(requirements=_default_requirements(source))
    if not installing:
        raise _needs_charmcraft(source, f'it has parts of the plugin "{plugin}" alone')
    recipe = _INSTALL[_plugin(parts, installing[0])](source, parts, installing[0])
    not_done = tuple(key for name in parts.content for key in _not_done(parts, name))
    return replace(recipe, not_done=not_done)


def _plugin(parts: Document, name: str) -> str:
    return parts.text(name, "plugin") or name


def _of_charm(source: Path, parts: Document, name: str) -> Recipe:
    lists = ("charm-python-packages", "charm-binary-python-packages")
    named = parts.words(name, "charm-requirements")
    return Recipe(
        entry_point=_inside(parts, name, parts.text(name, "charm-entrypoint")) or ENTRY_POINT,
        requirements=named or _default_requirements(source),
        packages=tuple(word for key in lists for word in parts.words(name, key)),
    )


def _of_python(source: Path, parts: Document, name: str) -> Recipe:
    return Recipe(
        site=_SITE,
        requirements=parts.words(name, "python-requirements"),
        constraints=parts.words(name, "python-constraints"),
        packages=parts.words(name, "python-packages"),
    )


def _of_uv(source: Path, parts: Document, name: str) -> Recipe:
    groups, extras = (parts.words(name, key) for key in ("uv-groups", "uv-extras"))
    return Recipe(site=_SITE, lock=Lock("uv", groups, extras))


def _of_poetry(source: Path, parts: Document, name: str) -> Recipe:
    return Recipe(site=_SITE, lock=Lock("poetry", parts.words(name, "poetry-with")))


_SITE = "venv/lib/python{}.{}/site-packages".format(*sys.version_info)
_INSTALL: Mapping[str, Callable[[Path, Document, str], Recipe]] = {
    "charm": _of_charm,
    "python": _of_python,
    "uv": _of_uv,
    "poetry": _of_poetry,
}
_COPY = ("dump", "nil")


def _inside(parts: Document, name: str, path: str) -> str:
    if path.startswith("/") or ".." in Path(path).parts:
        raise parts.fault((name, "charm-entrypoint"), "leads out of the charm")
    return str(Path(path)) if path else ""


_NOT_DONE = ("override-", "build-packages", "build-snaps", "stage-packages", "stage-snaps",
             "organize", "poetry-export-extra-args", "poetry-pip-extra-args")  # fmt: skip


def _not_done(parts: Document, name: str) -> Iterator[str]:
    for key in parts.mapping(name):
        brings_tool = key == "build-snaps" and set(parts.words(name, key)) <= {"astral-uv"}
        if key.startswith(_NOT_DONE) and not brings_tool:
            yield f"parts.{name}.{key}"


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
    return _files_are_there(source, recipe)


def _files_are_there(source: Path, recipe: Recipe) -> Recipe:
    for name in (*recipe.requirements, *recipe.constraints):
        if not (source / name).is_file():
            raise CharmError(f'"{source}/{name}" is not there, but charmcraft.yaml names it')
    lock = recipe.lock
    if lock is not None and not (source / lock.file).is_file():
        raise CharmError(
            f'"{source}/{lock.file}" is not there, and the plugin {lock.tool} installs what it '
            f"names: run `{lock.tool} lock` there"
        )
    return recipe


def _needs_charmcraft(source: Path, reason: str) -> CharmError:
    return CharmError(
        f'"{source}" cannot be packed here: {reason}. Run `charmcraft pack` in '
        f'"{source.resolve()}", and name the .charm file that it makes'
    )
