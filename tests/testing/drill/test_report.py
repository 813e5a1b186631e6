"""What is said of drills, as TAP 14 and as JUnit's XML."""

from __future__ import annotations

from xml.etree import ElementTree

import yaml

from tenure.testing.drill.junit import as_xml
from tenure.testing.drill.report import plan, point
from tenure.testing.drill.runner import Failure, Result

ODD = "a # b \\ \x1b[31m é\n:"
FAILED = Result("d#.drill", Failure(3, ODD, ODD, "0.000 a: b\n1.000 \x07 - c"), 0.25, "/tmp/x y")


def test_a_failure_is_a_block_that_yaml_reads() -> None:
    lines = point(2, FAILED).split("\n")
    assert lines[0] == "not ok 2 - d\\#.drill"
    assert (lines[1], lines[-1]) == ("  ---", "  ...")
    assert yaml.safe_load("".join(f"{line[2:]}\n" for line in lines[2:-1])) == {
        "line": 3,
        "said": "a # b \\ \\x1b[31m é\n:",
        "found": "a # b \\ \\x1b[31m é\n:",
        "folder": "/tmp/x y",
        "story": "0.000 a: b\n1.000 \\x07 - c\n",
    }


def test_what_passed_is_one_line_and_one_more_for_what_was_kept() -> None:
    assert plan(2) == "TAP version 14\n1..2"
    assert point(1, Result("a", None, 0.0)) == "ok 1 - a"
    assert point(1, Result("a", None, 0.0, "/x")) == "ok 1 - a\n# kept /x"


def test_junits_readers_get_the_same() -> None:
    root = ElementTree.fromstring(as_xml([Result("a", None, 0.5), FAILED]))
    suite = root.find("testsuite")
    assert suite is not None
    assert {**suite.attrib} == {
        "name": "tenure drill", "tests": "2", "errors": "0", "skipped": "0", "failures": "1",
        "time": "0.750",
    }  # fmt: skip
    passed, failed = suite.findall("testcase")
    assert passed.find("failure") is None and passed.get("time") == "0.500"
    failure = failed.find("failure")
    assert failure is not None and failure.text == "0.000 a: b\n1.000 \\x07 - c"
    assert (failure.get("message") or "").startswith("line 3: a # b")
