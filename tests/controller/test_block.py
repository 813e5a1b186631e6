"""Which addresses a state folder's units have: nobody else's who runs now."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tenure.controller.block import Blocks
from tenure.core.addresses import block_name
from tenure.errors import Refused


async def test_two_folders_have_blocks_of_their_own_and_a_folder_most_often_the_same(
    tmp_path: Path,
) -> None:
    one, two = Blocks(tmp_path / "one"), Blocks(tmp_path / "two")
    first, second = one.find(), two.find()
    assert first != second
    beside = Blocks(tmp_path / "one")
    assert beside.find() not in (first, second)
    for blocks in (one, two, beside):
        blocks.close()
    again = Blocks(tmp_path / "one")
    assert again.find() == first
    again.close()


async def test_a_block_that_another_folder_has_is_refused_and_both_are_named(
    tmp_path: Path,
) -> None:
    one, copy = Blocks(tmp_path / "one"), Blocks(tmp_path / "copy")
    block = one.find()
    await one.tell()

    def refused() -> str:
        with pytest.raises(Refused) as refusal:
            copy.keep([block])
        return str(refusal.value)

    said = await asyncio.to_thread(refused)
    assert f"the units of {tmp_path / 'copy'} have addresses of {block_name(block)}" in said
    assert f"and so has {tmp_path / 'one'} (its controller runs as {os.getpid()})" in said
    assert "tenure up --new-addresses" in said
    other = copy.find(but=[block])
    assert other != block
    one.close()
    copy.close()


async def test_all_blocks_of_a_large_folder_are_claimed(tmp_path: Path) -> None:
    one, two = Blocks(tmp_path / "one"), Blocks(tmp_path / "two")
    blocks = [one.find(), one.find()]
    one.close()
    one.keep(blocks)
    for block in blocks:
        with pytest.raises(Refused):
            two.keep([block])
    one.close()
