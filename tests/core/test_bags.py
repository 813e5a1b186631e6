"""The bags of peer relations, as values."""

from __future__ import annotations

import pytest

from tenure.core import bags
from tenure.core.bags import LEFT_KEPT, MAX_BAG, Bags
from tenure.core.changes import BagDropped, BagPut, BagRecord
from tenure.errors import BucketFull

W0, W1 = "web/0", "web/1"


def bag(owner: str = W0, relation: int = 0, version: int = 1, **settings: str) -> BagRecord:
    return BagRecord(
        application="web", relation=relation, owner=owner, version=version, settings=settings
    )


def entered(before: Bags, unit: str, *relations: int, **settings: str) -> Bags:
    return bags.after(before, bags.entering(before, "web", relations, unit, settings))


def left(before: Bags, unit: str) -> Bags:
    return bags.after(before, bags.leaving(before, unit))


def test_a_bag_is_merged_like_the_bucket() -> None:
    """B3, B4"""
    before = bag(a="1", b="2")
    assert bags.merged(before, {"b": "", "c": "3"}) == bag(version=2, a="1", c="3")
    assert bags.merged(before, {"a": "1", "none": ""}) is before


def test_a_bag_holds_exactly_one_mebibyte() -> None:
    """B6: the error says whose, the size and the limit"""
    full = bags.merged(bag(), {"k": "é" * ((MAX_BAG - 1) // 2), "x": ""})
    assert bags.merged(bag(), {"k": "v" * (MAX_BAG - 1)}).version == 2
    with pytest.raises(BucketFull, match=r"web/0 would take 1048578 bytes, .* limit of 1048576"):
        bags.merged(full, {"l": "yy"})
    assert bags.merged(full, {"k": "", "l": "yy"}).settings == {"l": "yy"}
    with pytest.raises(BucketFull):
        entered({}, W0, 0, k="v" * MAX_BAG)


def test_entering_again_changes_nothing_where_the_unit_takes_part() -> None:
    """A restarted agent enters again: what its hooks wrote meanwhile stays."""
    first = entered({}, W0, 0, address="a", none="")
    assert first == {(0, W0): bag(address="a")}
    assert bags.entering(first, "web", [0], W0, {"address": "b"}) == []
    assert entered(first, W0, 0, 1, address="b") == {**first, (1, W0): bag(relation=1, address="b")}


def test_a_unit_that_comes_back_begins_with_a_later_version() -> None:
    """Who has seen its old bag must notice."""
    again = entered(left(entered({}, W0, 0, old="1"), W0), W0, 0, new="1")
    assert again == {(0, W0): bag(version=2, new="1")}


def test_the_bag_of_a_unit_that_left_can_still_be_read() -> None:
    """The others read it in their -relation-departed."""
    here = entered(entered({}, W0, 0, 1, a="0"), W1, 0, 1)
    gone = left(here, W0)
    assert bags.found(gone, "web", 0, W0).settings == {"a": "0"}
    assert bags.others(here, "web", 0, W1) == {W0: 1} and bags.others(gone, "web", 0, W1) == {}
    assert bags.leaving(gone, W0) == []


def test_only_so_many_bags_of_units_that_left_are_kept_and_the_oldest_go() -> None:
    """In each relation for itself; whoever left last is kept in any case."""
    now: Bags = {}
    units = [f"web/{n}" for n in range(LEFT_KEPT + 2)]
    for unit in reversed(units):
        now = entered(now, unit, 0, 1)
    steps = []
    for unit in [*units[1:], units[0]]:
        steps = bags.leaving(now, unit)
        now = bags.after(now, steps)
    assert steps[1] == BagDropped("web", 0, units[2]) and isinstance(steps[0], BagPut)
    for relation in (0, 1):
        kept = {owner for number, owner in now if number == relation}
        assert kept == {units[0], *units[3:]} and len(kept) == LEFT_KEPT


def test_what_others_see_leaves_out_the_unit_itself_and_the_application() -> None:
    """The application's bag is no member's."""
    now = bags.after(entered({}, W0, 0), [BagPut(bag("web", leader="says"))])
    assert bags.others(now, "web", 0, W1) == {W0: 1} and bags.others(now, "web", 0, W0) == {}
    assert bags.has_members(now, "web", 0) and not bags.has_members(left(now, W0), "web", 0)


def test_a_relation_that_is_no_more_loses_all_its_bags() -> None:
    """Those of units that left, and the application's."""
    now = left(bags.after(entered({}, W0, 0, 1), [BagPut(bag("web", a="1"))]), W0)
    assert bags.after(now, bags.without(now, [0])).keys() == {(1, W0)}
