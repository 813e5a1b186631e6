"""The few commands find a Python that is new enough, or say at once that there is none."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHELL = "/bin/sh"

Fake = Callable[..., Path]


@pytest.fixture
def fakes(tmp_path: Path) -> Path:
    """All that is on the path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


@pytest.fixture
def fake(fakes: Path) -> Fake:
    """A Python that says that it has this version, and does nothing else."""

    def make(name: str, version: str, *, venv: bool = True) -> Path:
        path = fakes / name
        can = "exit 0" if venv else "exit 1"
        path.write_text(f'#!{SHELL}\ncase "$2" in *venv*) {can} ;; esac\necho "{version}"\n')
        path.chmod(0o755)
        return path

    return make


def found(fakes: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    argv = [SHELL, str(ROOT / "tools" / "find-python")]
    return subprocess.run(
        argv, env={"PATH": str(fakes), **environ}, capture_output=True, text=True, timeout=30,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("there", "taken"),
    [
        ({"python3": "3.11.2"}, "python3"),
        ({"python3": "3.10.12", "python3.12": "3.12.3", "python3.11": "3.11.0"}, "python3.12"),
        ({"python3": "3.10.12", "python3.13": "3.13.0rc1", "python3.11": "3.11.0"}, "python3.13"),
        ({"python3": "3.9.1", "python3.11": "3.11.0"}, "python3.11"),
        ({"python3.12": "3.12.3"}, "python3.12"),
        ({"python3": "3.14.0"}, "python3"),
        ({"python3": "4.0.1"}, "python3"),
        ({"python3": "pyenv: no version is set", "python3.11": "3.11.0"}, "python3.11"),
    ],
)
def test_the_first_that_is_new_enough_is_taken(
    fakes: Path, fake: Fake, there: dict[str, str], taken: str
) -> None:
    for name, version in there.items():
        fake(name, version)
    done = found(fakes)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{fakes / taken}\n", "")


def test_one_that_can_make_no_venv_is_passed_by_and_told_of(fakes: Path, fake: Fake) -> None:
    fake("python3", "3.12.3", venv=False)
    done = found(fakes)
    assert done.returncode == 1
    assert "python3 is 3.12.3 and cannot make a venv" in done.stderr
    assert "apt install python3-venv" in done.stderr
    fake("python3.11", "3.11.9")
    assert found(fakes).stdout == f"{fakes / 'python3.11'}\n"


def test_the_one_that_is_named_is_taken_or_refused_whatever_else_there_is(
    fakes: Path, fake: Fake
) -> None:
    fake("python3", "3.12.3")
    mine = fake("mine", "3.11.1")
    assert found(fakes, PYTHON=str(mine)).stdout == f"{mine}\n"
    old = fake("old", "3.10.12")
    done = found(fakes, PYTHON=str(old))
    assert done.returncode == 1 and f"{old} is 3.10.12" in done.stderr


def test_with_nothing_at_all_the_answer_is_no_less_clear(fakes: Path) -> None:
    done = found(fakes)
    assert done.returncode == 1 and "Found:\n  none\n" in done.stderr


@pytest.mark.parametrize("command", ["demo", "test", "sim"])
def test_with_an_old_python_alone_make_says_what_is_needed_and_found_at_once(
    tmp_path: Path, fakes: Path, fake: Fake, command: str
) -> None:
    """Ubuntu 22.04's own is 3.10; and nothing is left that a later try would trip over"""
    make = shutil.which("make")
    if make is None:
        pytest.skip("there is no make here")
    old = fake("python3", "3.10.12")
    tree = tmp_path / "tree"
    shutil.copytree(ROOT / "tools", tree / "tools")
    for name in ("Makefile", "pyproject.toml", "build_hooktool.py", "src/tenure/hooktool.c"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tree / name)
    done = subprocess.run(
        [make, command], cwd=tree, env={"PATH": str(fakes)}, capture_output=True, text=True,
        timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("Tenure needs Python 3.11 or later, with venv. Found:\n")
    assert f"{old} is 3.10.12" in done.stderr and "make demo PYTHON=" in done.stderr
    assert not (tree / ".venv").exists()


def test_what_make_needs_is_what_the_package_needs() -> None:
    """pip refuses the same versions"""
    needed = re.search(r'^requires-python = ">=([\d.]+)"$', (ROOT / "pyproject.toml").read_text(),
                       re.MULTILINE)  # fmt: skip
    assert needed is not None
    assert f"NEEDED={needed[1]}\n" in (ROOT / "tools" / "find-python").read_text()


def test_the_demo_installs_no_more_than_it_needs() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^demo: \$\(RUN\)$", makefile, re.MULTILINE)
    assert re.search(r"^test: \$\(DEV\)$", makefile, re.MULTILINE)
    install = (ROOT / "tools" / "install").read_text()
    assert "wanted=. ;;" in install and "--quiet" not in install
