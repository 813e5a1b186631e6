"""A jujud for hooks in a view of their own. Each try needs a process: there is no way back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tenure.agent.host.jujupaths import TOOLS, why_not
from tests.support.patience import HANG

SOURCE = Path(__file__).parents[3] / "src"

CHILD = """
import ctypes, json, os, subprocess, sys
from pathlib import Path
from tenure.agent.host.jujupaths import enter
from tenure.errors import TenureError

tools, what, user = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
if user != os.geteuid():
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # else /proc/self belongs to who it was before
try:
    enter(3, "3.6.12", tools=tools)
except TenureError as error:
    print(json.dumps({"refused": str(error)}))
    sys.exit()
run = subprocess.run(["/bin/sh", "-c", what], capture_output=True, text=True, cwd=tools)
print(json.dumps({"stdout": run.stdout, "stderr": run.stderr, "uid": os.geteuid()}))
"""

USERS = sorted({os.geteuid(), os.geteuid() or 65534})
"""Ourselves, and if that is root somebody else too."""


def seen(tools: Path, what: str, user: int) -> dict[str, Any]:
    """What a shell command prints where there is a jujud, or the refusal."""
    run = subprocess.run(
        [sys.executable, "-c", CHILD, str(tools), what, str(user)], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE)}, timeout=HANG, check=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def is_refused(found: dict[str, Any], tools: Path) -> bool:
    """Whether this kernel does not allow it, which it then says in the right words."""
    if "refused" not in found:
        return False
    assert found["refused"].startswith(f"cannot give hooks {tools.parent}: ")
    assert found["refused"].endswith(": start without --juju-paths")
    return True


@pytest.fixture
def var_lib(tmp_path: Path) -> Path:
    """A /var/lib that anybody may look at."""
    for folder in (*tmp_path.parents, tmp_path):
        if folder.is_relative_to(tmp_path.parents[3]):
            folder.chmod(0o755)
    folder = tmp_path / "var/lib"
    (folder / "dpkg").mkdir(parents=True)
    (folder / "dpkg/status").write_text("all is well\n")
    (folder / "state").write_text("a file\n")
    (folder / "link").symlink_to("dpkg")
    return folder


@pytest.mark.parametrize("user", USERS)
def test_hooks_find_a_jujud_where_juju_has_never_been(user: int) -> None:
    """H9: at the path that charmhelpers looks at."""
    found = seen(TOOLS, "$(echo /var/lib/juju/tools/machine-*/jujud) version", user)
    if not is_refused(found, TOOLS):
        assert found["stdout"].startswith("3.6.12-ubuntu-")
        assert (found["stderr"], found["uid"]) == ("", user)
    assert not (TOOLS / "machine-3").exists()


@pytest.mark.parametrize("user", USERS)
def test_everything_else_is_there_as_before(var_lib: Path, user: int) -> None:
    """H9: and who makes a new entry beside it is told that it would not last."""
    what = "cd ../..; cat dpkg/status state link/status; ls; mkdir new"
    found = seen(var_lib / "juju/tools", what, user)
    if not is_refused(found, var_lib / "juju/tools"):
        everything = "all is well\na file\nall is well\ndpkg\njuju\nlink\nstate\n"
        assert found["stdout"] == everything
        assert "Read-only file system" in found["stderr"]
    assert sorted(path.name for path in var_lib.iterdir()) == ["dpkg", "link", "state"]


@pytest.mark.parametrize("existing", ["juju", "juju/tools", "juju/tools/machine-3"])
def test_only_the_deepest_folder_that_is_there_is_covered(var_lib: Path, existing: str) -> None:
    """H9: what Juju itself put there stays in sight, and what is made elsewhere lasts."""
    (var_lib / existing).mkdir(parents=True)
    (var_lib / existing / "kept").write_text("kept\n")
    tools = var_lib / "juju/tools"
    found = seen(tools, "./machine-3/jujud version; echo new >../../new", os.geteuid())
    if not is_refused(found, tools):
        assert found["stdout"].startswith("3.6.12-ubuntu-")
        assert (var_lib / "new").read_text() == "new\n"
    kept = [str(path.relative_to(var_lib)) for path in var_lib.rglob("kept")]
    assert kept == [f"{existing}/kept"]
    assert not list(var_lib.rglob("jujud"))


def test_jujud_knows_its_version_and_nothing_else() -> None:
    """H9"""
    found = seen(TOOLS, "machine-3/jujud machine; echo $?", os.geteuid())
    if not is_refused(found, TOOLS):
        assert found["stdout"] == "2\n"
        assert found["stderr"] == "jujud: there is no Juju here, only its version\n"


def test_up_can_know_before_whether_it_works() -> None:
    """H9: and why not."""
    found = seen(TOOLS, "true", os.geteuid())
    assert why_not() == found.get("refused")


def test_a_kernel_that_forbids_it_is_named_with_the_way_out() -> None:
    """H9: here forbidden by a limit of no namespaces at all, where one may be set."""
    code = f"""
import sys
sys.argv = ["x", {str(TOOLS)!r}, "true", {USERS[-1]!r}]
from pathlib import Path
from tenure.agent.host import jujupaths
jujupaths._unshare(jujupaths._NEWNS | jujupaths._NEWUSER)
Path("/proc/self/setgroups").write_text("deny")
Path("/proc/self/uid_map").write_text("0 {os.geteuid()} 1")
Path("/proc/self/gid_map").write_text("0 {os.getegid()} 1")
Path("/proc/sys/user/max_mnt_namespaces").write_text("0")
Path("/proc/sys/user/max_user_namespaces").write_text("0")
{CHILD.replace("if user != os.geteuid()", "if False")}
"""
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE)}, timeout=HANG, check=False,
    )  # fmt: skip
    if run.returncode == 0:
        refusal = json.loads(run.stdout)
        assert is_refused(refusal, TOOLS)
        assert "unshare: no more namespaces are allowed" in refusal["refused"]
    else:
        assert why_not() is not None, run.stderr
