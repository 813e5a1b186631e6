"""What a unit knows of the bucket's newest revision, and of the keys that changed on the way."""

from __future__ import annotations

Keys = tuple[str, ...]

REMEMBERED = 64
"""Writes whose key names are remembered; those before are not known any more (H10)."""


class News:
    """`revision` is the highest that another unit wrote, as far as is known: a unit is not told of
    its own writes (B5). Key names are a hint: None stands for a push that was missed (H10)."""

    def __init__(self, revision: int = 0) -> None:
        self.revision = revision
        self._newest = revision
        self._told: list[tuple[int, Keys | None]] = []
        self._own: tuple[int, int] | None = None

    def begin(self, revision: int, keys: Keys | None) -> None:
        """A conversation has begun: what changed since the unit's hooks last looked."""
        if self._own is None or revision != self._own[1]:
            self.revision = revision
        self._newest = revision
        self._told = [(revision, keys)]

    def told(self, revision: int, keys: Keys) -> None:
        """Another unit wrote."""
        if revision <= self._newest:
            return
        self._told.append((revision, keys if revision == self._newest + 1 else None))
        self.revision = self._newest = revision
        if len(self._told) > REMEMBERED:
            self._told = [(self._told[1][0], None), *self._told[2:]]

    def wrote(self, revision: int) -> None:
        """This unit wrote: the newest unbroken run of its own revisions is kept."""
        if revision <= self._newest:
            return
        goes_on = self._own is not None and self._own[1] == self._newest == revision - 1
        begun = self._own[0] if goes_on and self._own is not None else revision
        if revision > self._newest + 1:
            self._told.append((revision, None))
            self.revision = revision - 1
        self._own = (begun, revision)
        self._newest = revision

    def covered(self, seen: int) -> int:
        """Who has seen revision `seen` has seen this one too: the rest is its own writing."""
        if self._own is not None and self._own[0] <= seen + 1 <= self._own[1]:
            return self._own[1]
        return seen

    def changed(self, since: int, target: int) -> Keys | None:
        """The names that changed after `since` and up to `target`; None if one is not known."""
        names: set[str] = set()
        for revision, keys in self._told:
            if since < revision <= target:
                if keys is None:
                    return None
                names.update(keys)
        return tuple(sorted(names))

    def forget(self, seen: int) -> None:
        """The unit's hooks have seen this revision."""
        self._told = [(revision, keys) for revision, keys in self._told if revision > seen]
