"""What a unit knows of the bucket's newest revision, and of the keys that changed on the way."""

from __future__ import annotations

Keys = tuple[str, ...]


class News:
    """`revision` is the highest known. Key names are a hint: None stands for a push that was missed
    (H10)."""

    def __init__(self, revision: int = 0) -> None:
        self.revision = revision
        self._told: list[tuple[int, Keys | None]] = []

    def begin(self, revision: int, keys: Keys | None) -> None:
        """A conversation has begun: what changed since the unit's hooks last looked."""
        self.revision = revision
        self._told = [(revision, keys)]

    def told(self, revision: int, keys: Keys) -> None:
        """A write, by another unit or this one."""
        if revision > self.revision:
            self._told.append((revision, keys if revision == self.revision + 1 else None))
            self.revision = revision

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
