"""Which store a controller is given: `stores/open.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tenure.errors import StoreUnusable
from tenure.stores.open import open_store

from .samples import turn


async def test_a_store_is_kept_in_its_file_and_made_only_where_that_is_allowed(
    tmp_path: Path,
) -> None:
    """G6, L8"""
    path = tmp_path / "tenure.db"
    refused = open_store(path, create=False)
    with pytest.raises(StoreUnusable, match="is missing"):
        await refused.take_seat()
    await refused.close()
    made = open_store(path, create=True)
    await made.commit(await made.take_seat(), turn(1))
    await made.close()
    again = open_store(path, create=False)
    assert (await again.load(await again.take_seat())).applications["web"].term == 1
    await again.close()
