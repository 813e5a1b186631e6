"""A story is interrupted before each tool call of a hook, in a world of its own each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tenure.testing import KitError, Stage, WorldsFailed, interrupted
from tests.examples.running import EXAMPLES

ELECTED = "leader-elected"
TRAP = '[ -z "$(leader-get secret)" ] && leader-set secret="$(date +%N)-$JUJU_UNIT_NAME"\nexit 0\n'
SAFE = (
    'set -e\nsecret=$(leader-get secret)\n[ -n "$secret" ] || leader-set secret=of-$JUJU_UNIT_NAME'
)


@pytest.fixture
def make_charm(tmp_path: Path) -> Callable[..., Path]:
    """Makes a charm of hooks, each a text in bash."""

    def make(**hooks: str) -> Path:
        folder = tmp_path / "web"
        (folder / "hooks").mkdir(parents=True)
        (folder / "metadata.yaml").write_text("name: web\n")
        for name, text in hooks.items():
            hook = folder / "hooks" / name.replace("_", "-")
            hook.write_text(f"#!/bin/bash\n{text}\n")
            hook.chmod(0o755)
        return folder

    return make


def _elects_another(charm: Path, units: int = 2, **options: Any) -> Callable[[Stage], None]:
    def story(stage: Stage) -> None:
        web = stage.deploy(charm, "web", units=units, **options)
        if units > 1:
            web.elect(web[1])

    return story


def _secret_was_made_once(stage: Stage) -> None:
    web = stage.apps["web"]
    made = [call for unit in web for call in unit.calls if call.tool == "leader-set"]
    landed = [call for call in made if call.code == 0]
    assert len(landed) == 1, f"the secret was made {len(landed)} times"
    assert landed[0].args == (f"secret={web.settings['secret']}",)


def test_a_failed_read_taken_for_none_loses_the_secret_in_one_world(
    make_charm: Callable[..., Path],
) -> None:
    """T7: the trap that docs/hook-tools.md warns of"""
    story = _elects_another(make_charm(leader_elected=TRAP))
    with pytest.raises(WorldsFailed) as failed:
        interrupted(story, hook=ELECTED, then=_secret_was_made_once)
    name = f"web/1 {ELECTED} 1 fail"
    assert str(failed.value).splitlines() == [
        "1 of 12 worlds failed:",
        f"{name} (before its leader-get): AssertionError: the secret was made 2 times",
        f"to live one alone: interrupted(..., only={name!r})",
    ]
    assert f"{ELECTED}: fail before leader-get" in failed.value.story
    assert isinstance(failed.value.__cause__, AssertionError)


@pytest.mark.long
def test_the_shared_secret_of_the_examples_survives_whatever_interrupts() -> None:
    """G6, H2, H8, T7"""
    story = _elects_another(EXAMPLES / "shared-secret")
    worlds = interrupted(story, hook=ELECTED, then=_secret_was_made_once)
    assert len(worlds) == 36
    assert worlds[:5] == [
        f"web/0 {ELECTED} 1 kill", f"web/0 {ELECTED} 1 cut-off", f"web/0 {ELECTED} 1 depose",
        f"web/0 {ELECTED} 1 fail", f"web/0 {ELECTED} 2 kill",
    ]  # fmt: skip
    assert worlds[-1] == f"web/1 {ELECTED} 4 fail"


def test_a_world_is_lived_alone_by_its_name(make_charm: Callable[..., Path]) -> None:
    lives: list[str] = []
    worlds = interrupted(
        _elects_another(make_charm(leader_elected=SAFE)),
        hook=ELECTED,
        then=lambda stage: lives.append(str(stage.story)),
        only=f" web/0  {ELECTED} 2 fail",
    )
    assert worlds == [f"web/0 {ELECTED} 2 fail"]
    plain, lived = lives
    assert "fail before" not in plain
    assert f"web/0 {ELECTED}: fail before leader-set" in lived


def _tells(seen: list[Any], tell: Callable[[Stage], Any]) -> Callable[[Stage], None]:
    return lambda stage: seen.append(tell(stage))


def _ends(stage: Stage, number: int = 0) -> list[tuple[str | None, list[tuple[str, int | None]]]]:
    """How that unit's runs of leader-elected ended, and their calls."""
    runs = [run for run in stage.apps["web"][number].hooks if run.hook == ELECTED]
    return [(run.result, [(call.tool, call.code) for call in run.calls]) for run in runs]


def test_a_kill_ends_the_hook_and_the_agent_that_starts_again_runs_it_anew(
    make_charm: Callable[..., Path],
) -> None:
    """H8: what was held is not decided"""
    seen: list[Any] = []
    interrupted(
        _elects_another(make_charm(leader_elected=SAFE)),
        hook=ELECTED, by="kill", then=_tells(seen, _ends), only=f"web/0 {ELECTED} 2 kill",
    )  # fmt: skip
    whole = ("done", [("leader-get", 0), ("leader-set", 0)])
    assert seen == [[whole], [("killed", [("leader-get", 0), ("leader-set", None)]), whole]]


def test_a_call_that_fails_leaves_the_connection_and_the_hook_runs_again(
    make_charm: Callable[..., Path],
) -> None:
    """T7, H7"""
    seen: list[Any] = []
    interrupted(
        _elects_another(make_charm(leader_elected=SAFE)),
        hook=ELECTED, then=_tells(seen, _ends), only=f"web/0 {ELECTED} 1 fail",
    )  # fmt: skip
    whole = ("done", [("leader-get", 0), ("leader-set", 0)])
    assert seen == [[whole], [("failed", [("leader-get", 1)]), whole]]


def test_while_a_hook_is_cut_off_its_lease_runs_out_and_another_leads(
    make_charm: Callable[..., Path],
) -> None:
    """G1, G6: it goes on with its write once it is there again, and is refused"""
    seen: list[Any] = []
    interrupted(
        _elects_another(make_charm(leader_elected=SAFE), lease="5m"),
        hook=ELECTED, then=_tells(seen, lambda stage: (stage.now, stage.apps["web"].settings)),
        only=f"web/0 {ELECTED} 2 cut-off",
    )  # fmt: skip
    (_, plain), (now, settings) = seen
    assert now > 300
    assert (plain, settings) == ({"secret": "of-web/0"}, {"secret": "of-web/1"})


def test_while_a_hook_is_held_another_is_elected(make_charm: Callable[..., Path]) -> None:
    """O1, G6"""
    seen: list[Any] = []

    def tell(stage: Stage) -> Any:
        web = stage.apps["web"]
        return _ends(stage), web.settings, [each.kind for each in web.history if each.term]

    interrupted(
        _elects_another(make_charm(leader_elected=SAFE)),
        hook=ELECTED, then=_tells(seen, tell), only=f"web/0 {ELECTED} 2 depose",
    )  # fmt: skip
    ends, settings, _ = seen[1]
    assert ends[0] == ("failed", [("leader-get", 0), ("leader-set", 1)])
    assert settings == {"secret": "of-web/1"}


def test_where_there_is_no_other_unit_the_lease_is_revoked(
    make_charm: Callable[..., Path],
) -> None:
    """L5"""
    seen: list[Any] = []
    interrupted(
        _elects_another(make_charm(leader_elected=SAFE), units=1),
        hook=ELECTED, only=f"web/0 {ELECTED} 1 depose",
        then=_tells(seen, lambda stage: [each.kind for each in stage.apps["web"].history]),
    )  # fmt: skip
    assert "revoked" not in seen[0]
    assert "revoked" in seen[1]


def test_calls_are_counted_over_all_runs_of_the_hook(make_charm: Callable[..., Path]) -> None:
    def story(stage: Stage) -> None:
        web = stage.deploy(charm, "web", units=2)
        for unit in (web[1], web[0]):
            web.elect(unit)

    charm = make_charm(leader_elected="is-leader", start="is-leader")
    worlds = interrupted(story, hook=ELECTED, by=("fail",))
    assert worlds == [
        f"web/{each} {ELECTED} {call} fail" for each, call in ((0, 1), (0, 2), (1, 1))
    ]


def test_the_rest_of_the_story_is_lived_after_the_fault(make_charm: Callable[..., Path]) -> None:
    """Also where its next word is about the unit that the fault came over"""
    then = _tells(leaders := [], lambda stage: stage.apps["web"].leader.name)
    worlds = interrupted(_elects_another(make_charm(leader_elected=SAFE)), hook=ELECTED, then=then)
    assert len(leaders) == len(worlds) + 1 == 13
    by_fault = dict(zip(worlds, leaders[1:], strict=True))
    # whoever is deposed in the last word of the story is not the leader at its end
    assert {name for name, leader in by_fault.items() if leader != "web/1"} == {
        f"web/1 {ELECTED} 1 {fault}" for fault in ("cut-off", "depose")
    }


def test_what_is_wrong_already_without_a_fault_is_raised_as_it_is(
    make_charm: Callable[..., Path],
) -> None:
    def then(stage: Stage) -> None:
        raise ZeroDivisionError("a mistake of the test")

    story = _elects_another(make_charm(leader_elected=SAFE))
    with pytest.raises(ZeroDivisionError, match="a mistake of the test") as raised:
        interrupted(story, hook=ELECTED, then=then)
    assert raised.value.__notes__ == [
        "nothing was interrupted yet: it is so when the story is lived as it is"
    ]


def test_a_world_fails_also_by_the_word_of_pytest(make_charm: Callable[..., Path]) -> None:
    def then(stage: Stage) -> None:
        if any(call.code for call in stage.apps["web"][0].calls):
            pytest.fail("a call failed")

    story = _elects_another(make_charm(leader_elected=SAFE), units=1)
    with pytest.raises(WorldsFailed, match="Failed: a call failed"):
        interrupted(story, hook=ELECTED, by="fail", then=then)


@pytest.mark.parametrize("fault", ["kill", "cut-off", "depose", "fail"])
def test_a_world_is_the_same_each_time(make_charm: Callable[..., Path], fault: str) -> None:
    stories: list[str] = []
    story = _elects_another(make_charm(leader_elected=SAFE))
    for _ in range(2):
        interrupted(
            story, hook=ELECTED, by=[fault], then=_tells(stories, lambda stage: str(stage.story)),
            only=f"web/0 {ELECTED} 2 {fault}",
        )  # fmt: skip
    plain, world, plain_again, world_again = stories
    assert (plain, world) == (plain_again, world_again)
    assert world != plain


def test_a_call_that_does_not_come_again_fails_its_world(
    make_charm: Callable[..., Path], tmp_path: Path
) -> None:
    lots = tmp_path / "lots"
    charm = make_charm(leader_elected=f"[ -e {lots} ] && exit; touch {lots}; leader-get")
    with pytest.raises(WorldsFailed, match="this call did not come again: does the charm draw"):
        interrupted(_elects_another(charm, units=1), hook=ELECTED, by=("kill",))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"by": ("kill", "cutoff")}, "there is no fault 'cutoff': by= takes kill, cut-off, depose"),
        ({"by": "cutoff"}, "there is no fault 'cutoff': by= takes kill, cut-off, depose, fail"),
        ({"by": ()}, "by= names no fault: it takes kill, cut-off, depose, fail"),
        ({"hook": "leader-electd"}, "leader-electd never ran in the story: is it spelt so"),
        ({"hook": "start"}, "start called no tool in the story: there is nothing to come before"),
        (
            {"only": f"web/1 {ELECTED} 9 fail"},
            f"only='web/1 {ELECTED} 9 fail' names no world of this story: there are 8, from "
            f"'web/0 {ELECTED} 1 kill' to 'web/0 {ELECTED} 2 fail'",
        ),
        ({"patience": 10}, "10 is no span: write it like '61s', or give a timedelta"),
    ],
)
def test_what_cannot_be_lived_is_refused_in_one_line(
    make_charm: Callable[..., Path], words: dict[str, Any], said: str
) -> None:
    story = _elects_another(make_charm(leader_elected=SAFE, start="true"), units=1)
    with pytest.raises(KitError) as refused:
        interrupted(story, **{"hook": ELECTED, **words})
    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)
