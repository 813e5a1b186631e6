"""`tenure config`: what it asks of the controller, and its whole stdout, stderr and exit code."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tenure.wire.operators import Config, Ok, OptionValue
from tests.cli.conftest import Asked, Desk, Result

CONFIG = "/v1/applications/web/config"
FOUND = Config(
    application="web",
    revision=2,
    options={
        "size": OptionValue(type="int", value=3, default=1, is_set=True),
        "colour": OptionValue(type="string", value="dark\nred", default="dark\nred"),
        "key": OptionValue(type="secret", value=None),
    },
)


def test_all_options_are_a_table_with_value_default_and_type(desk: Desk) -> None:
    desk.controller.says(FOUND)
    assert desk.call("config", "web") == Result(
        0,
        "KEY     VALUE      DEFAULT    TYPE\n"
        "colour  dark\\nred  dark\\nred  string\n"
        "key     -          -          secret\n"
        "size    3          1          int\n",
        "",
    )
    assert desk.controller.asked == [Asked("GET", CONFIG, None)]


def test_a_charm_without_options_says_so(desk: Desk) -> None:
    desk.controller.says(Config(application="web", revision=0, options={}))
    assert desk.call("config", "web") == Result(0, "web has no options\n", "")


def test_one_value_is_printed_as_it_is(desk: Desk) -> None:
    desk.controller.says(FOUND)
    assert desk.call("config", "web", "colour") == Result(0, "dark\nred\n", "")
    assert desk.call("config", "web", "key") == Result(0, "", "")


def test_an_option_that_there_is_not_is_one_line(desk: Desk) -> None:
    desk.controller.says(FOUND)
    assert desk.call("config", "web", "color") == Result(
        1, "", 'ERROR web has no option "color": see `tenure config web`\n'
    )


def test_programs_see_it_as_json_or_yaml(desk: Desk) -> None:
    """O6"""
    desk.controller.says(FOUND)
    done = desk.call("config", "web", "--format", "json")
    assert msgspec.json.decode(done.out, type=Config) == FOUND
    done = desk.call("config", "web", "size", "--format", "json")
    assert msgspec.json.decode(done.out, type=OptionValue) == FOUND.options["size"]
    assert desk.call("config", "web", "size", "--format", "yaml") == Result(
        0, 'default: 1\ndescription: ""\nis_set: true\ntype: int\nvalue: 3\n', ""
    )


def test_options_are_set_and_reset_in_one_request(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "motto"
    file.write_text("a=b\n")
    desk.controller.says(Ok())
    done = desk.call("config", "web", "size=4", f"motto=@{file}", "--reset", "colour, key")
    assert done == Result(0, "the configuration of web is changed\n", "")
    change = {"put": {"size": "4", "motto": "a=b\n"}, "reset": ["colour", "key"]}
    assert desk.controller.asked == [Asked("POST", CONFIG, change)]


def test_reset_alone_is_a_change(desk: Desk) -> None:
    desk.controller.says(Ok(note="nothing was set"))
    assert desk.call("config", "web", "--reset", "size") == Result(0, "nothing was set\n", "")
    assert desk.controller.asked == [Asked("POST", CONFIG, {"put": {}, "reset": ["size"]})]


def test_a_value_that_the_controller_refuses_is_one_line(desk: Desk) -> None:
    desk.controller.refuses("bad-request", "option \"size\": 'x' is not an int", 400)
    assert desk.call("config", "web", "size=x") == Result(
        2, "", "ERROR option \"size\": 'x' is not an int\n"
    )


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (None, "cannot read the value of motto from {file!r}: no such file or directory"),
        (b"\xff", "cannot take the value of motto from {file!r}: it is not text in UTF-8"),
        (b"x" * 262145,
         "cannot take the value of motto from {file!r}: it is larger than 262144 bytes"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_a_value_is_one_line(
    desk: Desk, tmp_path: Path, content: bytes | None, error: str
) -> None:
    file = tmp_path / "motto"
    if content is not None:
        file.write_bytes(content)
    done = desk.call("config", "web", f"motto=@{file}")
    assert done == Result(1, "", f"ERROR {error.format(file=str(file))}\n")
    assert desk.controller.asked == []
