"""What runs for whatever is named: a folder, a .charm file, or the source of a charm."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tenure.charms import locked, pip, unpack
from tenure.charms.facts import read_facts
from tenure.charms.folder import CharmError
from tenure.charms.pack import Prepared, prepare
from tests.support.patience import HANG

Prepare = Callable[[], Prepared]


def write(path: Path, content: str = "#!/bin/sh\n", mode: int = 0o644) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(mode)
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The source of a charm that needs packing, but no package."""
    folder = tmp_path / "source"
    write(folder / "src/charm.py", "#!/usr/bin/env python3\nimport web\nprint(web.NAME)\n")
    write(folder / "lib/web.py", "NAME = 'from lib'\n")
    write(folder / "charmcraft.yaml", "name: web\ntype: charm\nparts: {charm: {source: .}}\n")
    return folder


@pytest.fixture
def built(tmp_path: Path) -> Path:
    return tmp_path / "built"


def packed(source: Path, built: Path) -> Path:
    return prepare(source, built).folder


def dispatched(folder: Path) -> str:
    run = subprocess.run(
        ["./dispatch"], cwd=folder, capture_output=True, text=True, timeout=HANG, check=True,
        env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    return run.stdout


def test_a_folder_that_is_a_charm_runs_as_it_is(tmp_path: Path, built: Path) -> None:
    """H6: whatever else lies in it."""
    write(tmp_path / "c/hooks/install", mode=0o755)
    write(tmp_path / "c/charmcraft.yaml", "parts: {x: {plugin: reactive}}\n")
    assert prepare(tmp_path / "c", built) == Prepared(tmp_path / "c")
    assert not built.exists()


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "is not a charm: put an executable"),
        ({"metadata.yaml": "name: web"}, "is not a charm: put an executable"),
        ({"hooks/note": ""}, "hooks/note is not executable: run chmod"),
        ({"hooks/note": "", "charmcraft.yaml": ""}, "hooks/note is not executable"),
        ({"charmcraft.yaml": "name: web"}, "without its entry point src/charm.py: name another"),
        (
            {"charmcraft.yaml": "parts: {charm: {plugin: rust}}"},
            'its part "charm" uses the plugin "rust". Run `charmcraft pack` in "/',
        ),
        ({"charmcraft.yaml": "parts: {more: {plugin: dump}}"}, 'of the plugin "dump" alone'),
        (
            {"charmcraft.yaml": "parts: {charm: {}, more: {plugin: python}}"},
            "its parts charm, more all install packages. Run",
        ),
        (
            {"charmcraft.yaml": "name: web\nparts: {web: {plugin: uv}}", "src/charm.py": ""},
            'c/uv.lock" is not there, and the plugin uv installs what it names: run `uv lock`',
        ),
        (
            {"charmcraft.yaml": "parts: {web: {plugin: poetry}}", "src/charm.py": "",
             "metadata.yaml": "name: web"},
            'c/poetry.lock" is not there, and the plugin poetry',
        ),
        ({"charmcraft.yaml": "parts: {reactive: {}}"}, '"reactive" uses the plugin "reactive"'),
        ({"charmcraft.yaml": "parts: {charm: {source: x}}"}, "takes its source from elsewhere"),
        ({"charmcraft.yaml": "type: bundle"}, "is a bundle"),
        ({"charmcraft.yaml": "a: ["}, "charmcraft.yaml"),
        ({"charmcraft.yaml": "parts: 5"}, "line 1: parts must hold a mapping"),
        (
            {"charmcraft.yaml": "parts: {charm: {charm-entrypoint: ../x}}"},
            "leads out of the charm",
        ),
        (
            {
                "charmcraft.yaml": "name: web\nparts: {charm: {charm-requirements: [r.txt]}}",
                "src/charm.py": "",
            },
            'r.txt" is not there, but charmcraft.yaml names it',
        ),
        ({"layer.yaml": "", "metadata.yaml": ""}, "it is a layer of charms.reactive. Run"),
        ({"charmcraft.yaml": "", "src/charm.py": ""}, "has no name: write `name: NAME`"),
    ],
)  # fmt: skip
def test_what_cannot_be_packed_is_told_why(
    tmp_path: Path, built: Path, files: dict[str, str], says: str
) -> None:
    """H6: and what to do instead."""
    (tmp_path / "c").mkdir()
    for name, content in files.items():
        write(tmp_path / "c" / name, content)
    with pytest.raises(CharmError) as caught:
        prepare(tmp_path / "c", built)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_source_is_packed_as_charmcraft_packs_it(source: Path, built: Path) -> None:
    """H6: entry point and dispatch can be run, and only what belongs to developers is missing."""
    for left_out in (
        ".git/config",
        "src/__pycache__/x.pyc",
        ".tox/x",
        "venv/pyvenv.cfg",
        "old.charm",
    ):
        write(source / left_out)
    write(source / "tests/test_web.py")
    (source / "link").symlink_to("lib")
    os.mkfifo(source / "fifo")
    done = prepare(source, built)
    assert done.lines == (f'packed "{source}" into "{done.folder}"',)
    assert sorted(str(path.relative_to(done.folder)) for path in done.folder.rglob("*")) == [
        "charmcraft.yaml", "dispatch", "lib", "lib/web.py", "link", "metadata.yaml", "src",
        "src/charm.py", "tests", "tests/test_web.py",
    ]  # fmt: skip
    assert dispatched(done.folder) == "from lib\n"
    assert prepare(done.folder, built) == Prepared(done.folder)
    assert sorted(os.listdir(built)) == sorted([".lock", done.folder.name])  # noqa: PTH208


def test_juju_s_files_are_made_of_charmcraft_s_where_they_are_missing(
    source: Path, built: Path
) -> None:
    """What the source has itself is left alone; either way the facts are the same."""
    write(
        source / "charmcraft.yaml",
        "name: web\ntitle: The Web\nlinks: {documentation: https://docs, contact: [me]}\n"
        "peers: {cluster: {interface: x}}\nconfig: {options: {day: {default: 2026-01-01}}}\n"
        "actions: {on: {params: {x: {type: integer}}}}\n",
    )
    write(source / "actions.yaml", "pause: {}\n")
    folder = packed(source, built)
    assert read_facts(folder) == read_facts(source)
    assert (folder / "metadata.yaml").read_text() == (
        "display-name: The Web\ndocs: https://docs\nmaintainers:\n- me\nname: web\n"
        "peers:\n  cluster:\n    interface: x\n"
    )
    assert (folder / "actions.yaml").read_text() == "pause: {}\n"
    (folder / "charmcraft.yaml").unlink()
    assert read_facts(folder) == read_facts(source)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("dispatch", '"dispatch" is a link that leads nowhere'),
        ("metadata.yaml", '"metadata.yaml" is a link that leads nowhere'),
        ("config.yaml", '"config.yaml" is a link that leads nowhere'),
        ("actions.yaml", '"actions.yaml" is a link that leads nowhere'),
        ("src/charm.py", "src/charm.py leads out of the charm"),
        ("src", "src/charm.py leads out of the charm"),
    ],
)
@pytest.mark.parametrize("relative", [True, False])
def test_packing_writes_and_changes_nothing_outside(
    source: Path, built: Path, tmp_path: Path, name: str, says: str, relative: bool
) -> None:
    """Whatever links the source has: also those that lead somewhere else from the copy."""
    write(
        source / "charmcraft.yaml",
        "name: web\nconfig: {options: {x: {}}}\nactions: {pause: {}}\n",
    )
    outside = tmp_path / "outside"
    outside.mkdir()
    if name.startswith("src"):
        (source / "src").rename(outside / "src")
        (source / "src").mkdir() if name != "src" else None
        (built / "outside/src").mkdir(parents=True)
        write(built / "outside/src/charm.py")
    up = "../" * (name.count("/") + 1)
    (source / name).symlink_to(f"{up}outside/{name}" if relative else outside / name)
    before = [(path, path.lstat().st_mode) for path in sorted(tmp_path.rglob("*"))]
    with pytest.raises(CharmError) as caught:
        prepare(source, built)
    assert says in str(caught.value)
    after = [(path, path.lstat().st_mode) for path in sorted(tmp_path.rglob("*"))]
    assert [each for each in after if each[0] not in (built, built / ".lock")] == [
        each for each in before if each[0] != built
    ]


def test_links_within_the_source_are_packed(source: Path, built: Path) -> None:
    """Also as files that packing would write, and as the entry point; and loops are only links."""
    (source / "src/charm.py").rename(source / "lib/charm.py")
    (source / "src/charm.py").symlink_to("../lib/charm.py")
    write(source / "about/metadata.yaml", "name: other\n")
    (source / "metadata.yaml").symlink_to("about/metadata.yaml")
    (source / "loop").symlink_to("loop")
    folder = packed(source, built)
    assert dispatched(folder) == "from lib\n"
    assert read_facts(folder).name == "other"
    assert (folder / "loop").readlink() == Path("loop")


def test_an_entry_point_that_is_not_packed_is_told_so(source: Path, built: Path) -> None:
    """A link to what belongs to the developer."""
    write(source / ".tox/charm.py")
    (source / "src/charm.py").unlink()
    (source / "src/charm.py").symlink_to("../.tox/charm.py")
    with pytest.raises(CharmError, match=r"src/charm.py leads to what is not packed"):
        prepare(source, built)


def test_a_venv_that_is_a_link_is_not_filled(source: Path, built: Path, tmp_path: Path) -> None:
    """Packages go into the copy's own."""
    wheel(source / "wheels", "tiny", "NAME = 'tiny'\n")
    write(source / "requirements.txt", "./wheels/tiny-1.0-py3-none-any.whl\n")
    (tmp_path / "outside").mkdir()
    (source / "venv").symlink_to(tmp_path / "outside")
    assert (packed(source, built) / "venv/tiny.py").exists()
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_source_nested_too_deeply_is_refused(source: Path, built: Path) -> None:
    """In a line, not in a stack of calls."""
    write(source / ("d/" * 101) / "x")
    with pytest.raises(CharmError, match="lies deeper than 100 folders: move it up"):
        prepare(source, built)


def test_metadata_alone_makes_a_source_too(source: Path, built: Path) -> None:
    """As charms were before charmcraft held everything."""
    (source / "charmcraft.yaml").unlink()
    write(source / "metadata.yaml", "name: web\n")
    assert dispatched(packed(source, built)) == "from lib\n"


def test_another_entry_point_may_be_named_and_need_no_shebang(source: Path, built: Path) -> None:
    """The one that the part names."""
    write(source / "charmcraft.yaml", "name: x\nparts: {charm: {charm-entrypoint: ./bin/run}}\n")
    write(source / "bin/run", "print('ran')\n")
    assert dispatched(packed(source, built)) == "ran\n"


def test_what_was_packed_is_used_again_until_the_source_changes(source: Path, built: Path) -> None:
    """Content, names, modes and links count; times and what is not packed do not."""
    first = packed(source, built)
    write(source / ".git/index", "new")
    os.utime(source / "lib/web.py", (1, 1))
    again = prepare(source, built)
    assert again.lines == (f'"{source}" was packed before, into "{first}"',)
    seen = {first}
    for change in (
        lambda: write(source / "lib/web.py", "NAME = 'new'\n"),
        lambda: (source / "lib/web.py").chmod(0o755),
        lambda: (source / "empty").mkdir(),
        lambda: (source / "link").symlink_to("lib"),
    ):
        change()
        folder = packed(source, built)
        assert folder not in seen
        seen.add(folder)
    assert all(folder.is_dir() for folder in seen)


def test_what_is_built_may_lie_inside_the_source(source: Path) -> None:
    """It is no part of it."""
    first = packed(source, source / "state/built")
    assert packed(source, source / "state/built") == first
    assert not (first / "state/built").exists()


def test_a_half_packed_folder_is_never_used(source: Path, built: Path) -> None:
    """Of one that was killed there is at most a folder with another name."""
    write(built / ".new/dispatch", mode=0o755)
    folder = packed(source, built)
    assert dispatched(folder) == "from lib\n"
    assert not (built / ".new").exists()


def wheel(path: Path, name: str, code: str) -> None:
    """A package that pip can install without a network."""
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    path.mkdir(exist_ok=True)
    with zipfile.ZipFile(path / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        for file, content in files.items():
            archive.writestr(file, content)


def test_requirements_are_installed_into_venv(source: Path, built: Path) -> None:
    """Paths in them are the source's; what is compiled stays good in each unit's copy."""
    wheel(source / "wheels", "ops", "VERSION = '9'\n")
    write(source / "requirements.txt", "./wheels/ops-1.0-py3-none-any.whl\n")
    write(source / "src/charm.py", "#!/usr/bin/env python3\nimport ops\nprint(ops.__file__)\n")
    done = prepare(source, built)
    assert done.lines[1] == "installed requirements.txt into venv"
    assert dispatched(done.folder) == f"{done.folder}/venv/ops.py\n"
    assert list((done.folder / "venv/__pycache__").iterdir())


def test_an_edited_charm_keeps_the_packages_it_had(
    source: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Packing again is quick, and needs no network, while the requirements are the same."""
    wheels = tmp_path / "wheels"
    wheel(wheels, "tiny", "NAME = 'tiny'\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    write(source / "requirements.txt", "tiny >= 1.0  # that is all\n")
    write(source / "src/charm.py", "#!/usr/bin/env python3\nimport tiny\nprint(tiny.NAME)\n")
    assert dispatched(packed(source, built)) == "tiny\n"
    shutil.rmtree(wheels)
    write(source / "src/charm.py", "#!/usr/bin/env python3\nimport tiny\nprint(tiny.NAME * 2)\n")
    assert dispatched(packed(source, built)) == "tinytiny\n"
    write(source / "requirements.txt", "tiny >= 2.0\n")
    with pytest.raises(CharmError, match=r"cannot install requirements\.txt into venv"):
        prepare(source, built)


def test_a_wheel_beside_its_requirements_is_installed_each_time(source: Path, built: Path) -> None:
    """Its name says nothing of what is in it."""
    (source / "requirements.txt").write_text("tiny-1.0-py3-none-any.whl\n")
    write(source / "src/charm.py", "#!/usr/bin/env python3\nimport tiny\nprint(tiny.NAME)\n")
    for name in ("one", "two"):
        wheel(source, "tiny", f"NAME = '{name}'\n")
        assert dispatched(packed(source, built)) == f"{name}\n"


def test_a_source_with_hooks_beside_its_entry_point_is_packed(source: Path, built: Path) -> None:
    """Else its entry point would never run, and nobody would be told."""
    write(source / "hooks/install", "#!/bin/sh\n", mode=0o755)
    folder = packed(source, built)
    assert folder != source and (folder / "dispatch").exists()
    assert (folder / "hooks/install").exists()


def test_hooks_that_only_charmcraft_could_pack_run_as_they_are(source: Path, built: Path) -> None:
    """The plugin `dump` adds nothing that hooks need."""
    write(source / "hooks/install", "#!/bin/sh\n", mode=0o755)
    write(source / "charmcraft.yaml", "name: web\nparts: {all: {plugin: dump, source: .}}\n")
    assert packed(source, built) == source


def test_packages_of_the_part_are_installed_and_the_rest_is_said(source: Path, built: Path) -> None:
    """What a part asks for besides is not done, and not silently."""
    wheel(source / "wheels", "tiny", "NAME = 'tiny'\n")
    write(
        source / "charmcraft.yaml",
        "name: web\nparts:\n  charm:\n"
        "    charm-python-packages: [./wheels/tiny-1.0-py3-none-any.whl]\n"
        "    build-packages: [gcc]\n    override-build: make it\n",
    )
    write(source / "src/charm.py", "#!/usr/bin/env python3\nimport tiny\nprint(tiny.NAME)\n")
    done = prepare(source, built)
    assert dispatched(done.folder) == "tiny\n"
    assert done.lines[-2:] == (
        "not done: parts.charm.build-packages; if the charm needs it, pack it with charmcraft",
        "not done: parts.charm.override-build; if the charm needs it, pack it with charmcraft",
    )


PROJECTS = {
    "uv": """
[project]
name = "web"
version = "0"
requires-python = ">=3.11"
dependencies = ["tiny"]
[dependency-groups]
more = ["small"]
dev = ["absent"]
[tool.uv.sources]
tiny = {path = "wheels/tiny-1.0-py3-none-any.whl"}
small = {path = "wheels/small-1.0-py3-none-any.whl"}
absent = {path = "wheels/absent-1.0-py3-none-any.whl"}
""",
    "poetry": """
[tool.poetry]
package-mode = false
[tool.poetry.dependencies]
python = ">=3.11"
tiny = {path = "wheels/tiny-1.0-py3-none-any.whl"}
[tool.poetry.group.more.dependencies]
small = {path = "wheels/small-1.0-py3-none-any.whl"}
[tool.poetry.group.dev.dependencies]
absent = {path = "wheels/absent-1.0-py3-none-any.whl"}
""",
}
GROUPS = {"uv": "uv-groups: [more]", "poetry": "poetry-with: [more]"}


@pytest.mark.long
@pytest.mark.parametrize("plugin", PROJECTS)
def test_what_a_lock_names_is_installed_where_charmcraft_puts_it(
    source: Path, built: Path, plugin: str
) -> None:
    """The tool that wrote the lock reads it; what is for developers is left out."""
    for name in ("tiny", "small", "absent"):
        wheel(source / "wheels", name, f"NAME = '{name}'\n")
    write(source / "pyproject.toml", PROJECTS[plugin])
    write(
        source / "charmcraft.yaml",
        f"name: web\nparts:\n  web:\n    plugin: {plugin}\n    source: .\n    {GROUPS[plugin]}\n"
        "    build-snaps: [astral-uv]\n  files: {plugin: dump, source: ., prime: [x]}\n",
    )
    write(source / "src/beside.py", "from tiny import NAME\n")
    write(
        source / "src/charm.py",
        "#!/usr/bin/env python3\nimport beside, os, small\n"
        "print(beside.NAME, small.NAME, os.path.dirname(small.__file__))\n",
    )
    words, environment = locked.tool(plugin, built / "tools")
    assert pip.run([*words, "lock"], source, environment)[0] == 0
    done = prepare(source, built)
    site = done.folder / f"venv/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    assert dispatched(done.folder) == f"tiny small {site}\n"
    assert not (site / "absent.py").exists()
    assert done.lines[1:] == (f"installed {plugin}.lock into venv",)
    assert not list(done.folder.glob(".*"))


def test_a_lock_that_its_tool_cannot_read_is_told_so(
    source: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the tool on the PATH is the one that is asked."""
    tool = "#!/bin/sh\ncase $2 in --help) ;; *) echo error: no TOML >&2; exit 2; esac\n"
    write(tmp_path / "bin/uv", tool, 0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    write(source / "uv.lock", "this is no lock\n")
    write(source / "charmcraft.yaml", "name: web\nparts: {web: {plugin: uv}}\n")
    with pytest.raises(CharmError, match=r'uv cannot read ".*uv\.lock": error: no TOML'):
        prepare(source, built)


def test_what_the_plugin_python_names_is_installed(source: Path, built: Path) -> None:
    """Requirements, constraints and packages; beside a dispatch of the charm's own."""
    for name in ("tiny", "small"):
        wheel(source / "wheels", name, f"NAME = '{name}'\n")
    write(source / "r.txt", "./wheels/tiny-1.0-py3-none-any.whl\n")
    write(source / "c.txt", "tiny == 1.0\n")
    write(
        source / "charmcraft.yaml",
        "name: web\nparts:\n  web:\n    plugin: python\n    python-requirements: [r.txt]\n"
        "    python-constraints: [c.txt]\n"
        "    python-packages: [./wheels/small-1.0-py3-none-any.whl]\n",
    )
    (source / "src/charm.py").unlink()
    write(
        source / "dispatch",
        "#!/bin/sh\nPYTHONPATH=$(echo venv/lib/*/site-packages) "
        "python3 -c 'import small, tiny; print(small.NAME, tiny.NAME)'\n",
        0o755,
    )
    done = prepare(source, built)
    assert dispatched(done.folder) == "small tiny\n"
    assert done.lines[1].startswith("installed r.txt, ./wheels/small-1.0")
    assert prepare(done.folder, built) == Prepared(done.folder)


def test_a_dispatch_that_needs_no_packages_runs_as_it_is(source: Path, built: Path) -> None:
    """H6"""
    write(source / "dispatch", mode=0o755)
    assert prepare(source, built) == Prepared(source)


@pytest.mark.parametrize(
    ("output", "says"),
    [
        (
            "WARNING: Retrying (Retry(total=4)) after connection broken by 'X(a): no': /simple/x/\n"
            "ERROR: No matching distribution found for x\n[notice] A new release of pip\n",
            "No matching distribution found for x (no answer from https://index.example/simple/x/)",
        ),
        (
            "ERROR: HTTP error 404 while getting https://me:secret@there.example/x-1.whl\n"
            "ERROR: Could not install requirement x because of HTTP error 404\nnote: see above\n",
            "Could not install requirement x because of HTTP error 404 "
            "(no answer from https://there.example/x-1.whl)",
        ),
        (
            "  fatal: unable to access 'https://there.example/x.git/': Could not resolve host\n",
            "fatal: unable to access 'https://there.example/x.git/': Could not resolve host",
        ),
        ("", "it said nothing"),
    ],
)
def test_the_address_that_failed_is_named_and_no_password(
    output: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not pip's last note, which says nothing of it."""
    monkeypatch.setenv("PIP_INDEX_URL", "https://me:secret@index.example/simple")
    assert pip.telling(output) == says


def test_a_failing_pip_is_told_with_its_most_telling_line(source: Path, built: Path) -> None:
    """And nothing half-made is left."""
    write(source / "requirements.txt", "--no-index\nthere-is-no-such-package==1\n")
    with pytest.raises(CharmError) as caught:
        prepare(source, built)
    assert str(caught.value) == (
        "cannot install requirements.txt into venv: "
        "No matching distribution found for there-is-no-such-package==1"
    )
    assert os.listdir(built) == [".lock"]  # noqa: PTH208


def test_a_pip_that_never_ends_is_ended(
    source: Path, built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when it would still do something."""
    write(source / "requirements.txt", "--no-index\nx\n")
    monkeypatch.setattr(pip, "PATIENCE", 0.0)
    with pytest.raises(CharmError, match="pip took longer than 0 s: it was ended"):
        prepare(source, built)


@pytest.mark.parametrize(
    ("requirements", "says"),
    [
        (None, "and there is neither requirements.txt nor a venv or lib folder with it: write"),
        ("./wheels/tiny-1.0-py3-none-any.whl\n", "and requirements.txt does not bring it"),
    ],
)
def test_ops_that_nobody_brings_is_missed_before_the_first_hook(
    source: Path, built: Path, requirements: str | None, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not found in any place that its hooks look at."""
    monkeypatch.setenv("PATH", "/nowhere")
    wheel(source / "wheels", "tiny", "")
    write(source / "src/charm.py", "#!/usr/bin/env python3\nfrom ops.main import main\n")
    if requirements is not None:
        write(source / "requirements.txt", requirements)
    with pytest.raises(CharmError) as caught:
        prepare(source, built)
    assert str(caught.value).startswith("src/charm.py imports ops, ")
    assert says in str(caught.value)


@pytest.mark.parametrize("place", ["venv/ops/__init__.py", "lib/ops.py", "src/ops/__init__.py"])
def test_ops_may_come_with_the_source(source: Path, built: Path, place: str) -> None:
    """A venv that packing would make is kept; one of a developer is not."""
    write(source / place, "NAME = 'brought along'\n")
    write(source / "src/charm.py", "#!/usr/bin/env python3\nimport ops\nprint(ops.NAME)\n")
    assert dispatched(packed(source, built)) == "brought along\n"


def charm_file(path: Path, files: dict[str, tuple[str, int]]) -> Path:
    """A .charm file of names, contents and modes (with the kind, for links)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (content, mode) in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16 | 0x20
            archive.writestr(info, content)
    return path


DISPATCH = {"dispatch": ("#!/bin/sh\necho unpacked\n", stat.S_IFREG | 0o755)}
LINK = stat.S_IFLNK | 0o777


def test_a_charm_file_is_unpacked_once(tmp_path: Path, built: Path) -> None:
    """Modes and links are kept, whatever the file is called."""
    file = charm_file(
        tmp_path / "web.charm",
        {
            **DISPATCH,
            "hooks/": ("", stat.S_IFDIR | 0o755),
            "hooks/install": ("../dispatch", LINK),
            "venv/ops/__init__.py": ("", 0),
            "read-only": ("", stat.S_IFREG | 0o444),
        },
    )
    done = prepare(file, built)
    assert done == Prepared(done.folder, (f'unpacked "{file}" into "{done.folder}"',))
    assert done.folder.name == hashlib.sha256(file.read_bytes()).hexdigest()[:32]
    assert dispatched(done.folder) == "unpacked\n"
    assert (done.folder / "hooks/install").readlink() == Path("../dispatch")
    assert (done.folder / "venv/ops/__init__.py").stat().st_mode & 0o777 == 0o644
    assert (done.folder / "read-only").stat().st_mode & 0o777 == 0o644
    assert prepare(file.rename(tmp_path / "other.charm"), built) == Prepared(done.folder)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"../evil": ("x", 0)}, '"../evil" leads out of the charm'),
        ({"/evil": ("x", 0)}, '"/evil" leads out of the charm'),
        ({"a/../../evil": ("x", 0)}, "leads out of the charm"),
        ({"evil": ("/etc/passwd", LINK)}, '"evil" leads out of the charm'),
        ({"evil": ("../x", LINK)}, '"evil" leads out of the charm'),
        ({"evil": ("", LINK)}, '"evil" leads out of the charm'),
        ({"a/b/up": ("../..", LINK), "evil": ("a/b/up/../x", LINK)}, '"evil" leads out'),
        ({"evil": ("..", LINK), "evil/x": ("x", 0)}, 'holds "evil" twice'),
        ({"evil": ("..", LINK), "evil/x": ("y", LINK)}, 'holds "evil" twice'),
        ({"a": ("x", 0), "a/b": ("x", 0)}, 'holds "a" twice'),
        ({"\0": ("x", 0)}, "holds a file without a name"),
        ({"d/" * 101 + "x": ("x", 0)}, "lies deeper than 100 folders"),
        ({"x" * 1025: ("x", 0)}, "is longer than 1024 bytes"),
        ({"hooks/": ("", 0)}, "is not a charm"),
    ],
)
def test_a_charm_file_writes_nowhere_else(
    tmp_path: Path, built: Path, files: dict[str, tuple[str, int]], says: str
) -> None:
    """Whatever its names and links say; nothing of it is left."""
    content = {**DISPATCH, **files} if says != "is not a charm" else files
    file = charm_file(tmp_path / "web.charm", content)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(CharmError) as caught:
        prepare(file, built)
    assert says.replace("is not a charm", "holds no charm") in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == sorted([*before, built, built / ".lock"])


def test_a_charm_file_that_unfolds_too_far_is_refused(
    tmp_path: Path, built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what comes out of it, not by what it says."""
    monkeypatch.setattr(unpack, "MAX_BYTES", 100_000)
    file = charm_file(tmp_path / "web.charm", {**DISPATCH, "zeros": ("0" * 100_000, 0)})
    with pytest.raises(CharmError, match="holds more than"):
        prepare(file, built)
    monkeypatch.setattr(unpack, "MAX_FILES", 1)
    with pytest.raises(CharmError, match="holds more than 1 files"):
        prepare(file, built)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_only_what_unfolds_in_bounded_steps_is_unpacked(
    tmp_path: Path, built: Path, method: int
) -> None:
    """Whole or damaged: Juju takes what is stored or deflated, and nothing else."""
    file = tmp_path / "web.charm"
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("dispatch", "#!/bin/sh\n" * 100)
    whole = file.read_bytes()
    for place in (None, 50):
        if place is not None:
            file.write_bytes(whole[:place] + b"\xff" + whole[place + 1 :])
        with pytest.raises(CharmError, match='holds "dispatch" neither stored nor deflated'):
            prepare(file, built)


def test_a_name_that_only_says_it_is_utf_8_is_told_so(tmp_path: Path, built: Path) -> None:
    """It is damaged like any other file."""
    file = charm_file(tmp_path / "web.charm", {**DISPATCH, "\u00e4": ("x", 0)})
    file.write_bytes(file.read_bytes().replace("\u00e4".encode(), b"\xff\xff"))
    with pytest.raises(CharmError, match="cannot be unpacked: 'utf-8' codec"):
        prepare(file, built)


def test_a_damaged_charm_file_is_told_so(tmp_path: Path, built: Path) -> None:
    """Cut short anywhere, or with any byte turned."""
    whole = charm_file(tmp_path / "whole.charm", {**DISPATCH, "x": ("y" * 50, 0)}).read_bytes()
    file = tmp_path / "web.charm"
    for place in range(0, len(whole), 3):
        for damaged in (whole[:place], whole[:place] + b"\xff" + whole[place + 1 :]):
            file.write_bytes(damaged)
            try:
                assert dispatched(packed(file, built)) is not None
            except (CharmError, subprocess.CalledProcessError) as error:
                assert "\n" not in str(error)


def test_a_charm_that_is_not_there_is_told_so(tmp_path: Path, built: Path) -> None:
    """H6"""
    for name in ("gone", "gone.charm"):
        with pytest.raises(CharmError, match="does not exist: name the folder"):
            prepare(tmp_path / name, built)
    write(tmp_path / "file")
    with pytest.raises(CharmError, match=r"cannot make the charm .* ready: not a directory"):
        prepare(charm_file(tmp_path / "web.charm", DISPATCH), tmp_path / "file/built")
