"""Whose hooks work when, and whose time it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tenure.testing import App, Stage
from tests.support.bash_charms import PEERS, bash_charm, said

BUSY = "for i in {1..20000}; do :; done"


def noting(file: Path, before: str = "") -> str:
    """A hook that works for a moment, and notes in real time when it began and ended."""
    return f'{before}\necho "+$JUJU_UNIT_NAME" >>{file}\n{BUSY}\necho "-$JUJU_UNIT_NAME" >>{file}'


def one_at_a_time(file: Path) -> bool:
    notes = file.read_text().split()
    return all(
        end == begin.replace("+", "-") for begin, end in zip(notes[::2], notes[1::2], strict=True)
    )


def test_time_stands_still_while_a_hook_works(tmp_path: Path) -> None:
    charm = bash_charm(tmp_path, {"start": f"{BUSY}\nis-leader\n{BUSY}"})
    with Stage() as stage:
        web = stage.deploy(charm, units=2, lease="5s", guarantee="1s")
        runs = [run for unit in web for run in unit.hooks]
        assert len(runs) == 2
        assert all(run.ended is not None and run.ended - run.began < 0.001 for run in runs)


def test_hooks_of_several_units_work_one_at_a_time(tmp_path: Path) -> None:
    file = tmp_path / "notes"
    charm = bash_charm(tmp_path, {"install": noting(file), "start": noting(file)})
    with Stage() as stage:
        stage.deploy(charm, units=4)
    assert len(file.read_text().split()) == 16
    assert one_at_a_time(file)


def test_hooks_that_fall_due_at_one_instant_work_one_at_a_time(tmp_path: Path) -> None:
    file = tmp_path / "notes"
    hooks = {"config-changed": f"[ -e {file} ] || exit 0\n{noting(file)}"}
    options = "options:\n  port:\n    type: int\n    default: 80\n"
    with Stage() as stage:
        web = stage.deploy(bash_charm(tmp_path, hooks, config_yaml=options), units=3)
        file.touch()
        for unit in web:
            unit.freeze("10s")
        web.configure({"port": 81})
        stage.pass_time("11s")
        assert [unit.hooks[-1].began for unit in web] == [10.0] * 3
    assert len(file.read_text().split()) == 6
    assert one_at_a_time(file)


def test_hooks_that_waited_for_one_instant_go_on_one_at_a_time(tmp_path: Path) -> None:
    file = tmp_path / "notes"
    charm = bash_charm(tmp_path, {"update-status": noting(file, before="leader-get secret")})
    with Stage() as stage:
        web = stage.deploy(charm, units=3)
        halts = [unit.halt("update-status", "leader-get") for unit in web]
        for unit, halt in zip(web, halts, strict=True):
            unit.update_status()
            halt.reached()
            unit.cut_off()
        for halt in halts:
            halt.go_on()
        ended = [unit.calls[-1] for unit in web]
        assert all(call.code == 1 for call in ended), ended
    assert len(file.read_text().split()) == 6
    assert one_at_a_time(file)


def names_of(stage: Stage, web: App) -> list[str]:
    return [line.split()[1] for line in stage.story.lines if " start: ended well" in line]


def test_hooks_that_fall_due_at_one_instant_begin_in_the_order_of_their_units(
    tmp_path: Path,
) -> None:
    charm = bash_charm(tmp_path, {"update-status": "true", "start": "true"})
    with Stage() as stage:
        web = stage.deploy(charm, units=4)
        assert names_of(stage, web) == ["web/0", "web/1", "web/2", "web/3"]


def test_with_an_order_the_hook_whose_turn_it_is_is_drawn(tmp_path: Path) -> None:
    charm = bash_charm(tmp_path, {"install": "true", "start": "true"})

    def told(order: int) -> tuple[str, ...]:
        with Stage(order=order) as stage:
            return tuple(names_of(stage, stage.deploy(charm, units=4)))

    told_of = {order: told(order) for order in range(1, 6)}
    assert len(set(told_of.values())) > 1
    assert told(3) == told_of[3]


@pytest.mark.parametrize(
    ("hook", "why"),
    [
        ("sleep 1000", "web/0's start has run for 0.3 s and asks nothing: does it wait for stdin, "
                       "or for time? see halt(), patience="),
        ("yes", "web/0's start has run for 0.3 s and asks nothing: does it wait for stdin, "
                "or for time? see halt(), patience="),
        ('until [ "$(is-leader)" = Maybe ]; do true; done',
         "web/0's start has called 1000 tools at one instant, is-leader last: does it wait for "
         "something? time stands still while a hook works: see halt()"),
    ],
    ids=["silent", "talks", "asks"],
)  # fmt: skip
def test_a_hook_that_never_ends_is_named(tmp_path: Path, hook: str, why: str) -> None:
    charm = bash_charm(tmp_path, {"start": hook})
    with Stage(patience="10s" if "asks" not in why else "300ms") as stage:
        assert said(lambda: stage.deploy(charm)) == why


def test_what_a_hook_left_in_the_background_holds_nothing(tmp_path: Path) -> None:
    charm = bash_charm(tmp_path, {"install": "yes & sleep 1000 &", "start": "is-leader"})
    with Stage() as stage:
        web = stage.deploy(charm, units=2)
        stage.pass_time("10s")
        assert stage.now >= 10
        assert [unit.hooks.names for unit in web] == [["install", "start"]] * 2


def test_a_hook_may_write_more_than_a_pipe_takes_and_send_a_file(tmp_path: Path) -> None:
    """H11"""
    words = (
        "head -c 300000 /dev/zero | tr '\\0' x\necho\n"
        'echo secret: one | relation-set -r "$(relation-ids peers)" --file -'
    )
    charm = bash_charm(tmp_path, {"start": words}, PEERS)
    with Stage() as stage:
        web = stage.deploy(charm)
        assert web[0].bag("peers")["secret"] == "one"
        assert web[0].log.count("x") > 299_000
