"""Addresses: one for each unit, and nobody else's."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.core.addresses import (
    BLOCKS,
    PLACES,
    Addresses,
    address_at,
    block_name,
    former_address,
    in_bag,
    moved,
    place_of,
)
from tenure.core.changes import BagRecord
from tenure.errors import Refused
from tests.support.steady import steady

from . import scenarios

LAST = len(BLOCKS) * PLACES - 1


def none() -> list[str]:
    return []


@steady
@given(st.integers(0, LAST))
def test_a_place_has_one_address_in_its_block_that_no_other_program_uses(place: int) -> None:
    address = address_at(place)
    assert place_of(address) == place
    assert ip_address(address) in ip_network(block_name(place // PLACES))
    _, high, _, last = map(int, address.split("."))
    assert 1 <= high <= 254 and 1 <= last <= 254


def test_the_blocks_end_where_addresses_do() -> None:
    assert address_at(0) == "127.1.0.1" and address_at(LAST) == "127.254.255.254"
    assert block_name(BLOCKS[0]) == "127.1.0.0/20" and block_name(BLOCKS[-1]) == "127.254.240.0/20"


def test_what_is_given_out_is_given_out_once_and_goes_on_into_the_next_block() -> None:
    addresses = Addresses()
    addresses.use(7)
    given_out: list[str] = []

    def taken() -> list[str]:
        return given_out

    for _ in range(PLACES + 3):
        given_out += addresses.allot(taken)
    assert len(set(given_out)) == len(given_out)
    assert {place_of(address) // PLACES for address in given_out[:PLACES]} == {7}
    assert {place_of(address) // PLACES for address in given_out[PLACES:]} == {8}


def test_what_is_free_again_is_used_before_another_block_is_and_not_sooner() -> None:
    addresses = Addresses()
    held = addresses.allot(none, PLACES - 1)
    free = held.pop(5)
    assert addresses.allot(lambda: held) == [address_at(PLACES - 1)]
    held.append(address_at(PLACES - 1))
    assert addresses.allot(lambda: held) == [free]
    held.append(free)
    assert addresses.allot(lambda: held) == [address_at(PLACES)]


def test_what_was_kept_is_not_given_out_again() -> None:
    """And one that was added before addresses were kept has none"""
    addresses = Addresses()
    addresses.begin(["", address_at(5 * PLACES + 9), address_at(5 * PLACES + 2)])
    assert addresses.kept == (5,)
    assert addresses.allot(none) == [address_at(5 * PLACES + 10)]


def test_a_new_block_begins_at_its_beginning_and_nothing_kept_is_no_block() -> None:
    addresses = Addresses()
    addresses.begin(["", ""])
    assert addresses.kept == ()
    addresses.use(3)
    assert addresses.allot(none) == [address_at(3 * PLACES)]


def test_what_is_allotted_together_is_allotted_once_where_a_block_ends() -> None:
    scenarios.units_created_where_a_block_ends_share_no_address()


def test_a_roll_back_leaves_each_unit_its_address_alone() -> None:
    """G7: what was free while a removal was being committed is free no more"""
    scenarios.units_that_a_roll_back_brings_back_share_no_address()


def test_one_more_block_is_asked_for_and_not_used_when_it_is_refused() -> None:
    """Another state folder may have it"""
    addresses = Addresses()
    addresses.use(7)
    held = addresses.allot(none, PLACES)
    asked: list[tuple[int, ...]] = []

    def another(but: Sequence[int]) -> int:
        asked.append(tuple(but))
        if len(asked) == 1:
            raise Refused("no addresses are free")
        return 3

    addresses.another = another
    with pytest.raises(Refused, match="no addresses are free"):
        addresses.allot(lambda: held)
    assert addresses.blocks == [7]
    assert addresses.allot(lambda: held, 2) == [address_at(3 * PLACES), address_at(3 * PLACES + 1)]
    assert addresses.allot(none) == [address_at(3 * PLACES + 2)]
    assert asked == [(7,), (7,)] and addresses.blocks == [7, 3]


def test_who_needs_several_blocks_gets_each_place_once() -> None:
    """O3"""
    addresses = Addresses()
    allotted = addresses.allot(none, 2 * PLACES + 1)
    assert len(set(allotted)) == 2 * PLACES + 1 and len(addresses.blocks) == 3


def test_what_was_freed_last_is_used_last() -> None:
    """Whoever had it may not have gone yet"""
    addresses = Addresses()
    every = addresses.allot(none, PLACES)
    held = set(every) - {every[5], every[9]}
    assert addresses.allot(lambda: held) == [every[5]]
    held = set(every) - {every[5], every[9]}
    assert addresses.allot(lambda: held, 2) == [every[9], every[5]]


ACTS = st.one_of(
    st.tuples(st.just("create"), st.integers(0, 5)),
    st.tuples(st.just("add"), st.integers(0, 9)),
    st.tuples(st.just("remove"), st.integers(0, 9)),
    st.tuples(st.sampled_from(["commit", "confirm", "refuse"]), st.just(0)),
)


@steady
@given(st.lists(ACTS, max_size=25))
def test_whatever_comes_goes_or_is_rolled_back_no_two_units_share_an_address(
    acts: list[tuple[str, int]],
) -> None:
    """G7"""
    crowd = scenarios.Crowd(free=3)
    for what, number in acts:
        getattr(crowd, what)(number)
        assert crowd.shared() == []


def test_when_all_are_taken_that_is_said() -> None:
    addresses = Addresses()
    addresses.use(BLOCKS[-1])
    held = addresses.allot(none, PLACES)
    with pytest.raises(Refused, match=r"\Aall addresses are taken: remove some units first\Z"):
        addresses.allot(lambda: held)


def test_a_bag_follows_its_unit_and_keeps_what_the_charm_put_there_itself() -> None:
    before, after = former_address("web/0"), "127.9.0.1"
    own = BagRecord(
        application="web", relation=0, owner="web/0", version=4,
        settings={**in_bag(before), "ingress-address": "10.0.0.1", "key": before},
    )  # fmt: skip
    left = BagRecord(application="web", relation=1, owner="web/0", present=False,
                     settings=in_bag(before))  # fmt: skip
    other = BagRecord(application="web", relation=0, owner="web/1", settings=in_bag(before))
    kept = {(bag.relation, bag.owner): bag for bag in (own, left, other)}
    (step,) = moved(kept, "web/0", before, after)
    assert step.record.version == 5
    assert step.record.settings == {
        "egress-subnets": "127.9.0.1/32",
        "ingress-address": "10.0.0.1",
        "private-address": "127.9.0.1",
        "key": before,
    }
    assert moved(kept, "web/0", "127.200.0.1", after) == []


@pytest.mark.parametrize(
    ("unit", "address"),
    [
        ("nginx/0", "127.140.0.1"), ("minio/0", "127.140.0.1"), ("minio/249", "127.140.0.250"),
        ("minio/250", "127.140.1.1"), ("minio/64001", "127.140.0.2"),
    ],
)  # fmt: skip
def test_the_address_that_a_unit_had_from_its_name_is_known_still(unit: str, address: str) -> None:
    """P2: what an earlier version put into its bag is recognised"""
    assert former_address(unit) == address
