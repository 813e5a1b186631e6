"""Shims for programs that change the machine: what they pass on and what they refuse."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tenure.agent.host.shims import EXIT_REFUSED, NAMES, make_shims
from tests.support.patience import HANG

REAL = '#!/bin/sh\necho "really ${0##*/} $*"\nexit 7\n'


class Machine:
    """A PATH with shims first, real programs behind, and the tools of a shell last."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shims = folder / "shims"
        self.real = folder / "real"
        self.real.mkdir()
        for name in NAMES:
            (self.real / name).write_text(REAL)
            (self.real / name).chmod(0o755)
        make_shims(self.shims)
        self.path = [str(self.shims), str(self.real)]

    def run(self, line: str, *more: str) -> subprocess.CompletedProcess[str]:
        name, *words = line.split()
        return subprocess.run(
            [self.shims / name, *words, *more], env={"PATH": ":".join(self.path)},
            cwd=self.folder, capture_output=True, text=True, timeout=HANG, check=False,
        )  # fmt: skip


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        "apt list --installed",
        "apt -q show web",
        "apt -o Debug::x=1 policy",
        "apt-get --version",
        "apt-get -y install --help",
        "apt-get -s install web",
        "apt-get install --dry-run web",
        "apt-get --no-act -qq -y install --no-install-recommends web",
        "apt-get -s -o Debug::NoLocking=1 -t stable --assume-yes upgrade",
        "apt-get --simulate install python3-simulate recon",
        "aptitude search web",
        "dpkg --print-architecture",
        "dpkg -l web",
        "dpkg -s web",
        "dpkg --admindir=/x --status web",
        "dpkg --compare-versions 1 lt 2",
        "dpkg --assert-multi-arch",
        "apt-key list",
        "add-apt-repository --list",
        "apt-add-repository -L",
        "apt-mark showhold",
        "apt-mark showmanual web",
        "apt-mark -o a=b showauto",
        "dpkg-reconfigure --help",
        "snap list",
        "snap info web",
        "snap --version",
        "yum -d 0 list web",
        "dnf repoquery web",
        "apk info -e web",
        "apk --print-arch",
    ],
)
def test_a_question_is_passed_on_whole(machine: Machine, line: str) -> None:
    """H9: the real program's output and exit code come back."""
    run = machine.run(line, "and  this")
    name, *words = line.split()
    assert run.stdout == f"really {' '.join([name, *words, 'and  this'])}\n"
    assert (run.returncode, run.stderr) == (7, "")


def test_a_program_with_nothing_but_help_to_give_may_give_it(machine: Machine) -> None:
    """H9"""
    for name in ("apt", "apt-get", "dpkg", "snap", "yum", "dnf", "apk"):
        assert machine.run(name).stdout == f"really {name} \n"


@pytest.mark.parametrize(
    "line",
    [
        "apt install web",
        "apt-get -y -qq --option=Dpkg::Options::=--force-confold install web",
        "apt-get update",
        "apt-get -s update",
        "apt-get -o list install web",
        "apt-get -t show install web",
        "apt-get remove list",
        "apt-get -s --no-simulate install web",
        "apt-get -s --NO-Simulate install web",
        "apt-get -s --no-dry-run install web",
        "apt-get -s --no-just-print install web",
        "apt-get -s install web --no-recon",
        "apt-get --no-act --no-no-act install web",
        "apt-get -s --no-act=false install web",
        "apt-get -s --simulate=0 install web",
        "apt-get install -s no web",
        "apt-get install --dry-run False web",
        "apt-get install -s web -s=no",
        "apt-get install -s web -ysno",
        "apt-get -s -o APT::Get::Simulate=0 install web",
        "apt-get -s install web -yo apt::get::simulate=0",
        "apt-get -s install web --option=APT::Get::Simulate=0",
        "apt-get -s -c apt.conf install web",
        "apt-get -s --config-file=apt.conf install web",
        "aptitude",
        "aptitude install web",
        "dpkg -i web.deb",
        "dpkg --add-architecture i386",
        "dpkg --root=/ -P web",
        "dpkg -li web",
        "dpkg --force-all --install web.deb",
        "add-apt-repository -y ppa:web/web",
        "add-apt-repository",
        "apt-key adv --recv-keys 0",
        "apt-add-repository -y ppa:web/web",
        "apt-mark hold web",
        "apt-mark -f showauto hold web",
        "apt-mark -s hold web",
        "dpkg-reconfigure -f noninteractive tzdata",
        "dpkg-reconfigure",
        "snap install web --classic",
        "snap set web a=b",
        "yum -y install web",
        "dnf -x list install web",
        "apk add web",
        "apk --root info add web",
    ],
)
def test_what_changes_the_machine_is_refused_in_one_line(machine: Machine, line: str) -> None:
    """H9: and nothing is made or changed."""
    before = sorted(machine.folder.rglob("*"))
    run = machine.run(line)
    assert run.stderr == (
        f'tenure: refused "{line}": it would change this machine, where hooks run unconfined; '
        "start with --allow-host-changes to let them\n"
    )
    assert (run.returncode, run.stdout) == (EXIT_REFUSED, "")
    assert sorted(machine.folder.rglob("*")) == before


def test_a_refusal_repeats_no_passwords_and_no_second_line(machine: Machine) -> None:
    """T10"""
    for words in ("deb https://me:secret@example/", "install a\nb"):
        run = machine.run("add-apt-repository", words)
        assert run.stderr.startswith('tenure: refused "add-apt-repository": it would')
        assert run.stderr.count("\n") == 1
    assert len(machine.run("apt-get install", *["web"] * 1000).stderr) < 400


def test_a_program_that_is_not_there_is_told_so(machine: Machine) -> None:
    """H9: a shim alone is no program."""
    (machine.real / "snap").unlink()
    run = machine.run("snap list")
    assert (run.returncode, run.stderr) == (127, "snap: not found on this machine\n")
    assert machine.run("snap install web").returncode == EXIT_REFUSED


def test_a_shim_never_finds_itself_or_another(machine: Machine, tmp_path: Path) -> None:
    """H9: by whatever path they are reached."""
    make_shims(tmp_path / "of another unit")
    (tmp_path / "by a link").symlink_to(machine.shims)
    (tmp_path / "single").mkdir()
    (tmp_path / "single/dpkg").symlink_to(tmp_path / "of another unit/dpkg")
    (tmp_path / "folder/dpkg").mkdir(parents=True)
    (tmp_path / "of version 0.1").mkdir()
    (tmp_path / "of version 0.1/dpkg").write_text("#!/bin/sh\n# tenure stand-in\nexit 1\n")
    (tmp_path / "of version 0.1/dpkg").chmod(0o755)
    names = ("by a link", "of another unit", "single", "folder", "not there", "of version 0.1")
    machine.path[1:1] = [str(tmp_path / name) for name in names] + ["", "shims", "./shims"]
    assert machine.run("dpkg -l").stdout == "really dpkg -l\n"
    machine.path.remove(str(machine.real))
    assert machine.run("dpkg -l").returncode == 127


def test_a_real_program_may_be_unreadable_or_binary(machine: Machine) -> None:
    """H9"""
    (machine.real / "dpkg").unlink()
    (machine.real / "dpkg").symlink_to("/bin/echo")
    assert machine.run("dpkg -l").stdout == "-l\n"
    (machine.real / "dpkg").unlink()
    (machine.real / "dpkg").write_text("")
    (machine.real / "dpkg").chmod(0o755)
    assert machine.run("dpkg -l").returncode != EXIT_REFUSED


def test_shims_are_found_first_and_made_anew_in_place(machine: Machine) -> None:
    """H9"""
    (machine.shims / "apt").unlink()
    (machine.shims / "apt").write_text("something else")
    make_shims(machine.shims)
    assert sorted(os.listdir(machine.shims)) == sorted([".shim", *NAMES])  # noqa: PTH208
    shell = subprocess.run(
        ["/bin/sh", "-c", "apt-get install web"], env={"PATH": ":".join(machine.path)},
        capture_output=True, timeout=HANG, check=False,
    )  # fmt: skip
    assert shell.returncode == EXIT_REFUSED
