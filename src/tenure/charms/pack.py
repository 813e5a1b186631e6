"""The folder that runs, for whatever an operator names as a charm.

| what is named | what runs |
|---|---|
| a folder with `hooks/` or `dispatch` | it |
| a `.charm` file, as `charmcraft pack` makes it | what is in it, unpacked once |
| a charm's source, straight from git | what packing makes of it, anew when the source changes |

Which of charmcraft's plugins are known here, `recipe` says. A charm's interpreter is the
`python3` on its hooks' PATH, while its packages are installed by Tenure's own (`pip`): where these
are of different versions, compiled packages do not load, and a line says so.
"""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

from msgspec import Struct

from tenure.charms import pip
from tenure.charms.build import Source
from tenure.charms.cache import Cache
from tenure.charms.fault import CharmError, reason_of
from tenure.charms.folder import check_charm
from tenure.charms.recipe import recipe_of
from tenure.charms.unpack import unpack


class Prepared(Struct, frozen=True):
    """The folder to run, and lines for people about what was done for it."""

    folder: Path
    lines: tuple[str, ...] = ()


def prepare(source: Path, built: Path) -> Prepared:
    """Make a charm ready to run; what has to be made for it is kept in the folder `built`.

    Blocking, for minutes where pip is needed. Folders in `built` are never removed here: hold it
    (`holding`) until the controller knows of the charm. Raises CharmError.
    """
    try:
        if source.suffix == ".charm" and source.is_file():
            return _unpacked(source, Cache(built))
        recipe = recipe_of(source)
        if recipe is not None:
            return _packed(Source(source, recipe, built), Cache(built))
    except OSError as error:
        name = f': "{error.filename}"' if error.filename else ""
        raise CharmError(
            f'cannot make the charm "{source}" ready: {reason_of(error)}{name}'
        ) from error
    check_charm(source)
    return Prepared(source)


def _unpacked(file: Path, cache: Cache) -> Prepared:
    with open(file, "rb") as opened:
        key = hashlib.file_digest(opened, "sha256").hexdigest()[:32]
    folder, is_new = cache.get(key, partial(unpack, file))
    return Prepared(folder, (f'unpacked "{file}" into "{folder}"',) if is_new else ())


def _packed(source: Source, cache: Cache) -> Prepared:
    folder, is_new = cache.get(source.key(), source.build)
    if not is_new:
        return Prepared(folder, (f'"{source.folder}" was packed before, into "{folder}"',))
    recipe = source.recipe
    lines = [f'packed "{source.folder}" into "{folder}"']
    if recipe.installs:
        lines.append(f"installed {recipe.wanted} into venv")
        lines += filter(None, [pip.differs()])
    lines += (
        f"not done: {each}; if the charm needs it, pack it with charmcraft"
        for each in recipe.not_done
    )
    return Prepared(folder, tuple(lines))
