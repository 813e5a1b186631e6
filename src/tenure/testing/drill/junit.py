"""How drills went, as a file for those who read JUnit's XML."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from tenure.testing.drill.report import printable
from tenure.testing.drill.runner import Failure, Result


def as_xml(results: Sequence[Result]) -> bytes:
    """All of them."""
    suite = ElementTree.Element(
        "testsuite", name="tenure drill", tests=str(len(results)), errors="0", skipped="0",
        failures=str(sum(each.failure is not None for each in results)),
        time=f"{sum(each.seconds for each in results):.3f}",
    )  # fmt: skip
    for each in results:
        case = ElementTree.SubElement(
            suite, "testcase", classname="drill", name=printable(each.name),
            time=f"{each.seconds:.3f}",
        )  # fmt: skip
        if each.failure is not None:
            _add_failure(case, each.failure)
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    text: bytes = ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _add_failure(case: ElementTree.Element, failure: Failure) -> None:
    message = printable(f"line {failure.line}: {failure.said}: {failure.found}", "\n\t")
    told = ElementTree.SubElement(case, "failure", message=message, type="drill")
    told.text = printable(failure.story, "\n\t")
