"""What a unit knows of the bucket's revisions: `core/remote.py`."""

from __future__ import annotations

from tenure.core.effects import BagChanged, CharmChanged, Configured, PeerLeft, PeerView
from tenure.core.relations import Relation
from tenure.core.remote import REMEMBERED, Remote, Revisions


def test_a_unit_is_not_told_of_its_own_writes() -> None:
    """B5, H3"""
    news = Revisions(3)
    news.wrote(4)
    news.wrote(5)
    assert news.revision == 3
    assert news.covered(3) == 5
    assert news.covered(2) == 2


def test_another_units_write_between_its_own_is_owed() -> None:
    """B5, H3"""
    news = Revisions(3)
    news.wrote(4)
    news.told(5, ("a",))
    news.wrote(6)
    assert news.revision == 5
    assert news.covered(3) == 3
    assert news.covered(5) == 6


def test_a_write_that_was_missed_before_its_own_is_owed() -> None:
    """B5, H10"""
    news = Revisions(3)
    news.wrote(5)
    assert news.revision == 4
    assert news.changed(3, 5) is None


def test_changed_keys_are_known_only_without_a_gap() -> None:
    """H10"""
    news = Revisions(1)
    news.told(2, ("b", "a"))
    news.told(3, ("c",))
    assert news.changed(1, 3) == ("a", "b", "c")
    assert news.changed(2, 3) == ("c",)
    news.told(5, ("d",))
    assert news.changed(2, 5) is None
    news.forget(5)
    assert news.changed(5, 5) == ()


def test_what_is_remembered_is_bounded_and_a_gap_is_admitted() -> None:
    """H10"""
    news = Revisions(0)
    for revision in range(1, 10 * REMEMBERED):
        news.told(revision, (f"k{revision}",))
        news.wrote(0)
    assert len(news._told) <= REMEMBERED
    assert news.changed(0, news.revision) is None
    assert news.changed(news.revision - 1, news.revision) == (f"k{news.revision}",)


def test_a_reconnect_after_its_own_writes_is_no_news() -> None:
    """B5"""
    news = Revisions(3)
    news.wrote(4)
    news.begin(4, ())
    assert news.revision == 3
    news.begin(7, None)
    assert news.revision == 7


def test_before_anything_is_told_nothing_is_new() -> None:
    """B5"""
    news = Revisions()
    assert (news.revision, news.covered(0), news.changed(0, 0)) == (0, 0, ())


def test_what_is_told_twice_or_late_changes_nothing() -> None:
    """B5, H10"""
    news = Revisions()
    news.told(1, ("a",))
    news.told(1, ("b",))
    assert news.changed(0, 1) == ("a",)
    news.wrote(1)
    assert (news.revision, news.covered(0)) == (1, 0)


def test_a_conversation_begins_with_what_changed_meanwhile() -> None:
    """H10"""
    news = Revisions(1)
    news.begin(3, ("a", "b"))
    assert (news.revision, news.changed(1, 3)) == (3, ("a", "b"))
    news.told(4, ("c",))
    assert (news.revision, news.changed(1, 4), news.changed(3, 4)) == (4, ("a", "b", "c"), ("c",))
    news.wrote(5)
    assert (news.revision, news.covered(4)) == (4, 5)


def test_so_many_writes_are_remembered_and_the_first_beyond_is_a_gap() -> None:
    """H10"""
    news = Revisions()
    for revision in range(1, REMEMBERED + 1):
        news.told(revision, (f"k{revision:02}",))
    names = tuple(f"k{n:02}" for n in range(1, REMEMBERED + 1))
    assert news.changed(0, REMEMBERED) == names
    news.told(REMEMBERED + 1, ("last",))
    assert news.changed(0, REMEMBERED + 1) is None and news.changed(1, REMEMBERED + 1) is None
    assert news.changed(2, REMEMBERED + 1) == (*names[2:], "last")


def test_a_run_of_its_own_writes_is_covered_from_its_first_on() -> None:
    """B5"""
    news = Revisions(3)
    for revision in (4, 5, 6):
        news.wrote(revision)
    assert [news.covered(seen) for seen in (2, 3, 4, 5, 6)] == [2, 6, 6, 6, 6]


def test_what_hooks_have_seen_is_forgotten_and_nothing_else() -> None:
    """H10"""
    news = Revisions()
    for revision, key in ((1, "a"), (2, "b"), (3, "c")):
        news.told(revision, (key,))
    news.forget(2)
    assert news.changed(0, 3) == ("c",)


def view(number: int, endpoint: str, application: int = 0, **members: int) -> PeerView:
    """A relation as the unit is told of it."""
    known = {f"web/{name.strip('_')}": version for name, version in members.items()}
    return PeerView(relation=number, endpoint=endpoint, application=application, members=known)


def relation(number: int, endpoint: str, application: int = 0, **members: int) -> Relation:
    """A relation as it is known then."""
    known = {f"web/{name.strip('_')}": version for name, version in members.items()}
    return Relation(number=number, endpoint=endpoint, application=application, members=known)


CHARM = CharmChanged(unit="web/0", revision=3, source="/srv/web", peers={"ring": 1, "peers": 0})
CONFIG = Configured(unit="web/0", revision=2, values={"k": "v"})


def begun() -> Remote:
    """Of web/0, with two relations."""
    remote = Remote("web/0", 5)
    remote.begin([view(1, "ring"), view(0, "peers", 2, _1=3)], CONFIG, CHARM)
    return remote


def test_before_the_first_conversation_nothing_is_known() -> None:
    """H1: but what the unit's hooks have seen"""
    remote = Remote("web/0", 5)
    assert (remote.heard, remote.relations, remote.revisions.revision) == (False, (), 5)
    assert (remote.config, remote.config_revision) == (None, 0)
    assert (remote.charm, remote.charm_revision) == (None, 0)
    assert Remote("web/0").revisions.revision == 0


def test_a_conversation_begins_with_all_that_is_so() -> None:
    """H5, P2: relations by number"""
    remote = begun()
    assert remote.heard and remote.relations == (relation(0, "peers", 2, _1=3), relation(1, "ring"))
    assert (remote.config, remote.config_revision) == (CONFIG, 2)
    assert (remote.charm, remote.charm_revision) == (CHARM, 3)
    remote.begin([view(0, "peers")], None, None)
    assert remote.relations == (relation(0, "peers"),)
    assert (remote.config, remote.charm) == (CONFIG, CHARM)


def test_an_older_configuration_that_comes_late_is_passed_over() -> None:
    """H5"""
    remote = begun()
    for revision, kept in ((1, 2), (2, 2), (4, 4)):
        config = Configured(unit="web/0", revision=revision, values={"at": str(revision)})
        remote.configured(config)
        assert remote.config_revision == kept and (remote.config == config) is (revision >= 2)


def test_a_new_charm_may_have_other_relations_and_those_that_stay_are_as_they_were() -> None:
    """P3, P2"""
    remote = begun()
    charm = CharmChanged(unit="web/0", revision=4, source="/srv/web", peers={"peers": 0, "new": 2})
    remote.charm_changed(charm)
    assert remote.charm == charm
    assert remote.relations == (relation(0, "peers", 2, _1=3), relation(2, "new"))


def test_a_bag_that_changed_is_known_by_its_version_and_the_unit_s_own_is_not() -> None:
    """P2: nor that of a relation that is not known"""
    remote = begun()

    def changed(number: int, owner: str, version: int) -> None:
        push = BagChanged(unit="web/0", relation=number, owner=owner, version=version)
        remote.bag_changed(push)

    changed(0, "web/0", 9)
    changed(7, "web/1", 9)
    assert remote.relations == begun().relations
    changed(0, "web", 4)
    changed(0, "web", 3)
    changed(0, "web/1", 5)
    changed(0, "web/2", 1)
    assert remote.relations == (relation(0, "peers", 4, _1=5, _2=1), relation(1, "ring"))


def test_who_left_is_a_member_no_more() -> None:
    """P2"""
    remote = begun()
    remote.peer_left(PeerLeft(unit="web/0", relation=7, owner="web/1"))
    assert remote.relations == begun().relations
    remote.peer_left(PeerLeft(unit="web/0", relation=0, owner="web/1"))
    assert remote.relations == (relation(0, "peers", 2), relation(1, "ring"))
