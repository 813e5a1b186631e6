"""The folder of links that stands first on a hook's PATH."""

from __future__ import annotations

import subprocess
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import pytest

from tenure.agent.host.toolfolder import base_interpreter, make_tools_folder, runs
from tenure.agent.tools import TOOLS
from tenure.agent.toolserver import ToolServer
from tenure.errors import TenureError
from tests.support.tool_world import BucketContext, Client, Contexts, Ran


def links(folder: Path) -> dict[str, Path]:
    return {path.name: path.readlink() for path in folder.iterdir() if path.is_symlink()}


def test_every_tool_is_a_link_to_the_client(folder: Path) -> None:
    """T1, H9"""
    make_tools_folder(folder / "deep" / "tools")
    assert sorted(links(folder / "deep" / "tools")) == sorted(TOOLS)
    assert len(set(links(folder / "deep" / "tools").values())) == 1


def test_filling_again_changes_nothing_and_replaces_what_is_of_another_version(
    folder: Path,
) -> None:
    """T1"""
    make_tools_folder(folder, client="python")
    before = sorted(path.name for path in folder.iterdir())
    (folder / "is-leader").unlink()
    (folder / "is-leader").symlink_to("/old/client")
    (folder / "leader-get").unlink()
    (folder / "leader-get").write_text("a file")
    (folder / "old-tool").symlink_to("/old/client")
    for _ in range(2):
        make_tools_folder(folder, client="python")
        assert sorted(path.name for path in folder.iterdir()) == before
        assert set(links(folder).values()) == {Path(".hooktool")}


def test_a_folder_that_cannot_be_made_is_named(folder: Path) -> None:
    """T1"""
    (folder / "file").touch()
    with pytest.raises(TenureError, match=r"cannot make the folder of hook tools .*/file/x: Not a"):
        make_tools_folder(folder / "file" / "x")


def test_a_client_for_another_machine_does_not_run(folder: Path) -> None:
    """T1"""
    for name, content in [("text", "no program"), ("other", "#!/bin/sh\nexit 0\n")]:
        (folder / name).write_text(content)
        (folder / name).chmod(0o755)
        assert not runs(folder / name)
    assert not runs(folder / "none")


def test_the_scripts_interpreter_is_the_base_one() -> None:
    """T1"""
    assert subprocess.run([base_interpreter(), "-IS", "-c", "pass"], check=True)
    code = "import sys; print(sys.prefix == sys.base_prefix)"
    told = subprocess.run([base_interpreter(), "-IS", "-c", code], stdout=subprocess.PIPE)
    assert told.stdout == b"True\n"


@pytest.mark.parametrize("name", ["with space", "x" * 100])
async def test_an_interpreter_that_fits_in_no_shebang_is_started_by_a_shell(
    folder: Path, server: ToolServer, contexts: Contexts, name: str
) -> None:
    """T1"""
    contexts["1"] = BucketContext()
    python = folder / name / "it's" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {base_interpreter()} "$@"\n')
    python.chmod(0o755)
    make_tools_folder(folder / "tools 'x'", client="python", python=str(python))
    assert (folder / "tools 'x'" / ".hooktool").read_text().startswith("#!/bin/sh\n")
    client = Client("stub", folder / "tools 'x'")
    environ = {"PATH": "/usr/bin:/bin", **client.environ("1", server.path)}
    ran = await client.run("is-leader", "--format", "json", environ=environ)
    assert ran == Ran(0, b"true\n", b"")


async def test_code_compiled_for_another_python_is_not_used(
    folder: Path, server: ToolServer, contexts: Contexts
) -> None:
    """T1"""
    contexts["1"] = BucketContext()
    make_tools_folder(folder / "tools", client="python")
    script = folder / "tools" / ".hooktool"
    text = script.read_text()
    assert text.count(repr(MAGIC_NUMBER)) == 1
    script.write_text(text.replace(repr(MAGIC_NUMBER), "b'another'"))
    client = Client("source", folder / "tools")
    ran = await client.run("is-leader", environ=client.environ("1", server.path))
    assert ran == Ran(0, b"True\n", b"")


async def test_what_a_charm_puts_on_its_python_path_does_not_reach_the_client(
    folder: Path, server: ToolServer, contexts: Contexts
) -> None:
    """T1"""
    contexts["1"] = BucketContext()
    make_tools_folder(folder / "tools", client="python")
    for module in ("marshal", "_socket", "select", "sitecustomize", "posix"):
        (folder / f"{module}.py").write_text("raise SystemExit('the charm got in')")
    client = Client("python", folder / "tools")
    environ = {
        **client.environ("1", server.path),
        "PYTHONPATH": str(folder),
        "PYTHONHOME": str(folder),
        "PYTHONSTARTUP": str(folder / "posix.py"),
    }
    ran = await client.run("is-leader", environ=environ, cwd=folder)
    assert ran == Ran(0, b"True\n", b"")


def test_python_loads_little_for_the_client(folder: Path) -> None:
    """T1"""
    make_tools_folder(folder, client="python")
    command = [base_interpreter(), "-IS", "-X", "importtime", folder / ".hooktool"]
    told = subprocess.run(command, env={}, stderr=subprocess.PIPE, text=True)
    bare = [base_interpreter(), "-IS", "-X", "importtime", "-c", "pass"]
    idle = subprocess.run(bare, env={}, stderr=subprocess.PIPE, text=True)

    def modules(text: str) -> set[str]:
        return {line.split("|")[-1].strip() for line in text.splitlines() if "|" in line}

    assert told.stderr.endswith("ERROR JUJU_CONTEXT_ID not set\n")
    assert modules(told.stderr) - modules(idle.stderr) <= {"_socket", "marshal", "posix"}


def test_the_client_that_is_asked_for_and_missing_is_named(
    folder: Path,
) -> None:
    """T1"""
    with pytest.raises(TenureError, match="none is not there or does not run"):
        make_tools_folder(folder / "tools", client="c", compiled=folder / "none")
    make_tools_folder(folder / "tools", client="auto", compiled=folder / "none")
    assert set(links(folder / "tools").values()) == {Path(".hooktool")}
