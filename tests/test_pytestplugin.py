"""What pytest gives to tests of charms, in runs of pytest of their own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.examples.running import wait_until
from tests.support.pytestruns import PLUGIN, argv_of, make_charm, run_pytest

PASSES = """
def test_one_leads(stage):
    web = stage.deploy("web", units=2)
    assert web.leader is web[0]
"""
FAILS = """
def test_fails(stage):
    web = stage.deploy("web", units=2)
    assert web.leader is web[1]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a charm `web` in it, for a file of tests."""
    make_charm(tmp_path / "web")
    return tmp_path


def _sections(output: str) -> list[str]:
    """What the report has under `tenure story`."""
    pattern = r"^-+ tenure story -+\n(.*?)(?=^[-=_]{10})"
    found = re.findall(pattern, output, re.DOTALL | re.MULTILINE)
    return [str(each) for each in found]


def test_to_load_the_plugin_loads_neither_the_engine_nor_what_serves_http(tmp_path: Path) -> None:
    text = """
import sys
def test_nothing_is_loaded():
    loaded = {name for name in sys.modules if name.split(".")[0] in ("aiohttp", "tenure", "yaml")}
    assert loaded == {"tenure", "tenure.pytestplugin"}
"""
    done = run_pytest(tmp_path, text, *PLUGIN)
    assert done.returncode == 0, done.stdout


def test_a_test_asks_for_a_stage_and_nothing_of_it_is_left(folder: Path) -> None:
    done = run_pytest(folder, PASSES, *PLUGIN)
    assert done.returncode == 0, done.stdout
    assert "tenure story" not in done.stdout
    assert list((folder / "temp").glob("stage-*")) == []


def test_a_failing_test_shows_its_story_and_its_folder_is_kept(folder: Path) -> None:
    done = run_pytest(folder, FAILS, *PLUGIN)
    assert done.returncode == 1
    [section] = _sections(done.stdout)
    first, *lines = section.splitlines()
    kept = Path(first.removeprefix("folder: "))
    assert (kept.parent, (kept / "units/web-1/charm/hooks/leader-elected").exists()) == (
        folder / "temp", True,
    )  # fmt: skip
    assert kept.name.startswith("stage-test_fails")
    assert "0.000 web/0 leader-elected: leader-set owner=web/0 -> 0" in lines


def test_the_story_of_a_failing_test_is_its_last_200_lines(folder: Path) -> None:
    text = """
def test_fails(stage):
    web = stage.deploy("web")
    for _ in range(300):
        web[0].exec("true")
    assert False
"""
    [section] = _sections(run_pytest(folder, text, *PLUGIN).stdout)
    assert re.search(r"^\(\d+ lines before\)$", section.splitlines()[1])
    assert len(section.splitlines()) == 202


def test_a_test_makes_as_many_stages_as_it_likes(folder: Path) -> None:
    text = """
def test_fails(make_stage):
    one, other = make_stage(order=3), make_stage(patience="20s")
    one.deploy("web", "one"), other.deploy("web", "other", units=2)
    assert one.folder != other.folder
    assert (len(one.apps["one"]), len(other.apps["other"])) == (1, 2)
    assert False, "here"
"""
    done = run_pytest(folder, text, *PLUGIN)
    assert "here" in done.stdout
    one, other = _sections(done.stdout)
    assert ("one/0" in one, "other/1" in other, "other" in one) == (True, True, False)


def test_what_interrupted_finds_has_the_story_of_its_world(folder: Path) -> None:
    text = """
from tenure.testing import interrupted

def test_fails():
    def then(stage):
        assert not any(call.code for call in stage.apps["web"][0].calls)
    interrupted(lambda stage: stage.deploy("web"), hook="leader-elected", by=["fail"], then=then)
"""
    done = run_pytest(folder, text, *PLUGIN)
    assert "only='web/0 leader-elected 1 fail'" in done.stdout
    [section] = _sections(done.stdout)
    assert "web/0 leader-elected: fail before is-leader" in section


ORDERS = """
import pytest
{mark}
def test_orders(stage, tenure_order):
    stage.deploy("web", units=3)
    print("order", tenure_order, [line.split()[1] for line in str(stage.story).splitlines()])
"""


@pytest.mark.parametrize(
    ("mark", "words", "ids"),
    [
        ("", (), [""]),
        ("", ("--tenure-orders=3",), ["[order-0]", "[order-1]", "[order-2]"]),
        ("@pytest.mark.tenure(orders=2)", (), ["[order-0]", "[order-1]"]),
        ("@pytest.mark.tenure(orders=2)", ("--tenure-orders=1",), ["[order-0]"]),
        ("@pytest.mark.tenure(patience='20s')", (), [""]),
    ],
)
def test_a_test_is_run_in_as_many_orders_as_are_asked_for(
    folder: Path, mark: str, words: tuple[str, ...], ids: list[str]
) -> None:
    done = run_pytest(folder, ORDERS.format(mark=mark), *PLUGIN, "-v", "--strict-markers", *words)
    assert done.returncode == 0, done.stdout
    assert re.findall(r"::test_orders(\S*) PASSED", done.stdout) == ids


def test_each_order_is_a_stage_of_that_order(tmp_path: Path) -> None:
    text = """
def test_order(stage):
    stage.deploy("web", units=4)
    assert False
"""
    make_charm(tmp_path / "web", "#!/bin/bash\njuju-log here\n", "start")
    done = run_pytest(tmp_path, text, *PLUGIN, "--tenure-orders=4")
    orders = [tuple(re.findall(r"(web/\d) start: ended", each)) for each in _sections(done.stdout)]
    assert [sorted(each) for each in orders] == [["web/0", "web/1", "web/2", "web/3"]] * 4
    assert orders[0] == ("web/0", "web/1", "web/2", "web/3")
    assert len(set(orders)) > 1


@pytest.mark.parametrize(
    ("mark", "words", "said"),
    [
        ("", ("--tenure-orders=0",), "'0' is no number of orders: say 1 or more"),
        ("", ("--tenure-orders=many",), "'many' is no number of orders: say 1 or more"),
        ("orders=0", (), "orders=0 is no number of orders: say 1 or more"),
        ("orders='3'", (), "orders='3' is no number of orders: say 1 or more"),
        ("order=3", (), "@pytest.mark.tenure of test_orders: it takes orders= and patience="),
        ("3", (), "@pytest.mark.tenure of test_orders: it takes orders= and patience="),
        ("patience=3", (), "3 is no span: write it like '61s', or give a timedelta"),
    ],
)
def test_a_wrong_option_or_mark_is_named(
    folder: Path, mark: str, words: tuple[str, ...], said: str
) -> None:
    text = ORDERS.format(mark=f"@pytest.mark.tenure({mark})" if mark else "")
    done = run_pytest(folder, text, *PLUGIN, *words)
    assert done.returncode != 0
    assert said in done.stdout + done.stderr


def test_a_mark_on_a_test_without_a_stage_is_named(folder: Path) -> None:
    text = "import pytest\n@pytest.mark.tenure(orders=2)\ndef test_plain(): pass\n"
    done = run_pytest(folder, text, *PLUGIN)
    assert done.returncode != 0
    assert "test_plain: has no stage: ask for the fixture `stage` or `make_stage`" in done.stdout


def test_workers_of_xdist_have_stages_of_their_own(folder: Path) -> None:
    done = run_pytest(
        folder, PASSES + FAILS, *PLUGIN, "-p", "xdist", "-n", "2", "--tenure-orders=3"
    )
    assert "3 failed, 3 passed" in done.stdout, done.stdout
    sections = _sections(done.stdout)
    assert len(sections) == 3
    assert len({section.splitlines()[0] for section in sections}) == 3
    assert all("web/0 leader-elected: leader-set owner=web/0 -> 0" in each for each in sections)


def test_the_plugin_is_loaded_once_also_if_it_is_named_again(folder: Path) -> None:
    (folder / "conftest.py").write_text('pytest_plugins = ["tenure.pytestplugin"]\n')
    done = run_pytest(folder, PASSES, *PLUGIN, *PLUGIN)
    assert done.returncode == 0, done.stdout + done.stderr


AT_WORK = """
import pytest
@pytest.mark.tenure(patience="10m")
def test_hangs(stage):
    stage.deploy("web")
"""


def _lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_when_pytest_is_killed_its_hooks_and_their_groups_end(tmp_path: Path) -> None:
    """H8: the stage's warden sees to it"""
    pid = tmp_path / "pid"
    hook = f"#!/bin/bash\nsleep 1000 &\necho $$ >{pid}.new\nmv {pid}.new {pid}\nexec sleep 1000\n"
    make_charm(tmp_path / "web", hook, "install")
    (tmp_path / "test_web.py").write_text(AT_WORK)
    run = subprocess.Popen(
        argv_of(*PLUGIN, "--basetemp", str(tmp_path / "temp")), cwd=tmp_path,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_until(pid.exists, 60.0)
        group = int(pid.read_text())
        assert _lives(group)
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()
    wait_until(lambda: not _lives(group), 30.0)
