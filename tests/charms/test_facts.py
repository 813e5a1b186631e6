"""What a charm says of itself, and what it is told when it says it wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

from tenure.charms.actions import ActionSpec
from tenure.charms.facts import Facts, Resource, read_facts
from tenure.charms.folder import CharmError
from tenure.core.changes import Option
from tenure.core.config import value_of

METADATA = """
name: web
peers:
  cluster: {interface: web-peers}
  ha: web-ha
provides:
  site: {interface: http}
requires:
  db: {interface: postgresql, limit: 1}
extra-bindings:
  admin:
resources:
  page: {type: file, filename: page.html, description: The page.}
  image: {type: oci-image}
"""
OPTIONS = """
  options:
    title: {type: string, default: "08", description: Shown.}
    port: {type: int, default: 8080}
    ratio: {type: float, default: 1}
    tls: {type: boolean, default: yes}
    day: {type: string, default: 2026-01-01}
    on: {default: "", description: 5}
    token: {type: secret}
"""
ACTIONS = """
  backup:
    description: Keep it all.
    params:
      where: {type: string, default: /tmp}
    required: [where]
    additionalProperties: false
  pause:
"""
FACTS = Facts(
    name="web",
    peers=("cluster", "ha"),
    relations=("site", "db", "cluster", "ha"),
    endpoints=("site", "db", "cluster", "ha", "admin"),
    options={
        "title": Option(default="08", description="Shown."),
        "port": Option(type="int", default="8080"),
        "ratio": Option(type="float", default="1"),
        "tls": Option(type="boolean", default="true"),
        "day": Option(default="2026-01-01"),
        "on": Option(default=""),
        "token": Option(type="secret"),
    },
    actions={
        "backup": ActionSpec(
            description="Keep it all.",
            params={"where": {"type": "string", "default": "/tmp"}},
            required=("where",),
            additional=False,
        ),
        "pause": ActionSpec(),
    },
    resources={
        "page": Resource(filename="page.html", description="The page."),
        "image": Resource(type="oci-image"),
    },
)


def test_a_charm_of_three_files_is_understood(tmp_path: Path) -> None:
    """Metadata, options and actions, each in its own file."""
    (tmp_path / "metadata.yaml").write_text(METADATA)
    (tmp_path / "config.yaml").write_text(OPTIONS)
    (tmp_path / "actions.yaml").write_text(ACTIONS)
    assert read_facts(tmp_path) == FACTS


def test_charmcraft_alone_says_the_same(tmp_path: Path) -> None:
    """Everything in one file, as charmcraft has it."""
    (tmp_path / "charmcraft.yaml").write_text(f"{METADATA}\nconfig:{OPTIONS}\nactions:{ACTIONS}")
    assert read_facts(tmp_path) == FACTS


def test_the_older_files_win_over_charmcraft(tmp_path: Path) -> None:
    """What they do not say is still charmcraft's."""
    (tmp_path / "charmcraft.yaml").write_text(
        "name: db\nsubordinate: true\nconfig: {options: {a: {}}}\nactions: {b: {}}\n"
        "peers: {one: {}}\n"
    )
    (tmp_path / "metadata.yaml").write_text("name: web\npeers: {two: {}}\n")
    (tmp_path / "config.yaml").write_text("")
    facts = read_facts(tmp_path)
    assert facts == Facts(
        name="web", peers=("two",), relations=("two",), endpoints=("two",),
        actions={"b": ActionSpec()},
        missing=("it is a subordinate, and runs alone here, without a principal",),
    )  # fmt: skip


@pytest.mark.parametrize("file", ["metadata.yaml", "charmcraft.yaml"])
def test_a_charm_may_declare_the_hook_that_juju_does_not_have(tmp_path: Path, file: str) -> None:
    """H10"""
    (tmp_path / file).write_text("name: web\nx-tenure: {hooks: [leader-deposed]}\n")
    assert read_facts(tmp_path).hooks == ("leader-deposed",)
    (tmp_path / file).write_text("name: web\nx-tenure:\n  hooks: [leader-deposd]\n")
    with pytest.raises(CharmError, match=r'line 3: x-tenure.hooks names "leader-deposd": what can'):
        read_facts(tmp_path)


def test_a_folder_of_hooks_has_no_facts(tmp_path: Path) -> None:
    """Nothing but hooks is a charm too."""
    assert read_facts(tmp_path) == Facts()


@pytest.mark.parametrize(
    ("kind", "default", "value"),
    [
        ("string", "1e3x", "1e3x"),
        ("string", '"true"', "true"),
        ("int", "0644", 420),
        ("int", "-1_000", -1000),
        ("int", '"7"', 7),
        ("float", "1e3", 1000.0),
        ("float", "0.1", 0.1),
        ("float", "1.7976931348623157e308", 1.7976931348623157e308),
        ("boolean", "off", False),
        ("boolean", "True", True),
        ("boolean", '"true"', True),
    ],
)
def test_defaults_are_kept_as_text_that_reads_back(
    tmp_path: Path, kind: str, default: str, value: object
) -> None:
    """By the option's type, with YAML's words for it."""
    (tmp_path / "config.yaml").write_text(f"options: {{x: {{type: {kind}, default: {default}}}}}")
    option = read_facts(tmp_path).options["x"]
    assert option.default is not None
    found = value_of(option, option.default)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("metadata.yaml", "name: web\n  bad: [\n", "line 2: mapping values are not allowed"),
        ("metadata.yaml", "- web\n", "line 1: it must hold a mapping"),
        ("metadata.yaml", "name: web\npeers: [a]\n", "line 2: peers must hold a mapping"),
        ("metadata.yaml", "name: 5\n", "line 1: name must be text, like '5' in quotes"),
        ("metadata.yaml", "peers:\n  ../x: {}\n", "line 2: peers.../x is no name: use letters"),
        ("metadata.yaml", "\n\nsubordinate: maybe\n", "line 3: subordinate must be true or false"),
        ("metadata.yaml", "resources:\n  a/b: {}\n", "line 2: resources.a/b is no name"),
        ("metadata.yaml", "resources:\n  a:\n    type: [x]\n", "line 3: resources.a.type must be"),
        ("metadata.yaml", "name: !!binary (\n", "line 1: what is tagged as binary is none"),
        ("metadata.yaml", "name: !!bool x\n", "line 1: what is tagged as bool is none"),
        ("metadata.yaml", "? [a]\n: b\n", "line 1: a key must be a word"),
        ("metadata.yaml", "<<: 5\n", "line 1: << takes mappings and nothing else"),
        ("metadata.yaml", f"name: {'9' * 5000}\n", "line 1: a number is longer than 400 char"),
        ("metadata.yaml", f'name: !!int "{"9:" * 250}9"\n', "what is tagged as int is none"),
        ("config.yaml", f"options: {{x: {{type: int, default: 0x{'f' * 5000}}}}}\n", "a number is"),
        ("metadata.yaml", "a: &a [*a]\n", "line 1: found unconstructable recursive node"),
        ("metadata.yaml", "#" * (1 << 20) + "#", "is larger than the limit of 1048576 bytes"),
        ("config.yaml", "options: 5\n", "line 1: options must hold a mapping"),
        ("config.yaml", "options:\n  x: 5\n", "line 2: options.x must hold a mapping"),
        ("config.yaml", "options:\n  x:\n    type: bool\n", 'line 3: options.x.type "bool" is u'),
        (
            "config.yaml",
            "options:\n  x: {type: int,\n    default: 1.5}\n",
            "line 3: options.x.default expected int, got '1.5'",
        ),
        ("config.yaml", "options: {x: {default: 5}}\n", "default expected string, got '5'"),
        ("config.yaml", "options: {x: {type: int, default: yes}}\n", "expected int, got 'True'"),
        ("config.yaml", "options: {x: {type: float, default: .nan}}\n", "expected float, got"),
        ("config.yaml", f"options: {{x: {{type: int, default: {2**63}}}}}\n", "expected int"),
        ("config.yaml", "options: {x: {type: boolean, default: []}}\n", "expected boolean, got"),
        ("actions.yaml", "../run: {}\n", "line 1: ../run is no name of an action"),
        ("actions.yaml", "a: {}\nrun_me: {}\n", "line 2: run_me is no name of an action: use lo"),
        ("actions.yaml", "Run: {}\n", "line 1: Run is no name of an action"),
        ("actions.yaml", "run-: {}\n", "line 1: run- is no name of an action"),
        ("actions.yaml", "juju-run: {}\n", "line 1: juju-run is no name of an action: Juju keeps"),
        ("actions.yaml", "run:\n  params: 5\n", "line 2: run.params must hold a mapping"),
        ("actions.yaml", "run:\n  params:\n    x: 5\n", "line 3: run.params.x must hold a mapp"),
        ("actions.yaml", "run:\n  required: x\n", "line 2: run.required must be a list of words"),
        ("charmcraft.yaml", "config:\n  options:\n    x: 5\n", "line 3: config.options.x must"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_named_with_line_and_reason(
    tmp_path: Path, file: str, content: str, says: str
) -> None:
    """Whatever is in it, there is one line for people."""
    (tmp_path / file).write_text(content)
    with pytest.raises(CharmError) as caught:
        read_facts(tmp_path)
    assert str(caught.value).startswith(f'"{tmp_path / file}" ')
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_aliases_unfold_within_bounds(tmp_path: Path) -> None:
    """A small file cannot make a large value."""
    bomb = "a0: &a0 [x]\n" + "".join(
        f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)
    )
    (tmp_path / "metadata.yaml").write_text(bomb)
    with pytest.raises(CharmError, match="more than 100000 values"):
        read_facts(tmp_path)
    merging = "a0: &a0 {x: 1}\n" + "".join(
        f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}, *a{n - 1}], k{n}: 1}}\n" for n in range(1, 40)
    )
    (tmp_path / "metadata.yaml").write_text(f"name: web\n{merging}")
    assert read_facts(tmp_path).name == "web"


def test_merging_is_bounded_while_it_is_done(tmp_path: Path) -> None:
    """Each `<<` makes a mapping anew, so they are counted before they are made."""
    chain = "a0: &a0 {x: 1}\n" + "".join(
        f"a{n}: &a{n} {{<<: *a{n - 1}, k{n}: 1}}\n" for n in range(1, 600)
    )
    wide = f"a: &a {{x: 1}}\nb: &b [{', '.join(['*a'] * 1000)}]\nc: [{'{<<: *b}, ' * 100}]\n"
    empty = f"a: &a {{}}\nb: &b [{', '.join(['*a'] * 1000)}]\nc: [{'{<<: *b}, ' * 101}]\n"
    for bomb, line in ((chain, 446), (wide, 2), (empty, 2)):
        (tmp_path / "metadata.yaml").write_text(bomb)
        with pytest.raises(CharmError, match=f"line {line}: << makes more than 100000 values"):
            read_facts(tmp_path)


def test_a_path_with_a_nul_is_told_so(tmp_path: Path) -> None:
    """As of any file that cannot be read."""
    with pytest.raises(CharmError, match=r"cannot read '.*a\\x00b/.*': no path holds a NUL"):
        read_facts(tmp_path / "a\0b")


def test_merged_mappings_are_read(tmp_path: Path) -> None:
    """`<<`, where the nearest wins, and what comes later lies over what was there."""
    (tmp_path / "config.yaml").write_text(
        "x-base: &base {type: int, default: 1}\nx-more: &more {default: 2, description: more}\n"
        "options:\n  a: {<<: *base}\n  b: {default: 3, <<: [*base, *more]}\n"
        "  c: {<<: [*more, *base], default: 4}\n"
    )
    assert read_facts(tmp_path).options == {
        "a": Option(type="int", default="1"),
        "b": Option(type="int", default="1", description="more"),
        "c": Option(type="int", default="4", description="more"),
    }


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    """A folder in a file's place."""
    (tmp_path / "metadata.yaml").mkdir()
    with pytest.raises(CharmError, match=r"cannot read .*metadata.yaml\": is a directory"):
        read_facts(tmp_path)


def test_what_a_charm_asks_for_and_will_not_have_is_said(tmp_path: Path) -> None:
    """One line each, for who deploys it; the charm runs all the same."""
    assert read_facts(tmp_path).missing == ()
    (tmp_path / "metadata.yaml").write_text(
        "name: web\nsubordinate: true\ncontainers: {web: {resource: image}}\n"
        "storage: {data: {type: filesystem}}\n"
    )
    assert [line.partition(" ")[2].split()[0] for line in read_facts(tmp_path).missing] == [
        "containers", "storage", "is",
    ]  # fmt: skip
