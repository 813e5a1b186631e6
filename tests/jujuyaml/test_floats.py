"""Go's texts of floats."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.jujuyaml.floats import json_float, yaml_float
from tests.support.steady import steady


@pytest.mark.parametrize(
    ("value", "yaml", "json_"),
    [
        (0.0, "0", "0"),
        (-0.0, "-0", "-0"),
        (1.0, "1", "1"),
        (1.5, "1.5", "1.5"),
        (-0.1, "-0.1", "-0.1"),
        (100.0, "100", "100"),
        (123456.5, "123456.5", "123456.5"),
        (999999.0, "999999", "999999"),
        (1000000.0, "1e+06", "1000000"),
        (1234567.5, "1.2345675e+06", "1234567.5"),
        (1e16, "1e+16", "10000000000000000"),
        (1.5e20, "1.5e+20", "150000000000000000000"),
        (1e21, "1e+21", "1e+21"),
        (1e100, "1e+100", "1e+100"),
        (0.0001, "0.0001", "0.0001"),
        (0.00012, "0.00012", "0.00012"),
        (0.00001, "1e-05", "0.00001"),
        (0.000001, "1e-06", "0.000001"),
        (1.25e-7, "1.25e-07", "1.25e-7"),
        (1e-10, "1e-10", "1e-10"),
        (5e-324, "5e-324", "5e-324"),
        (float("inf"), ".inf", "null"),
        (-float("inf"), "-.inf", "null"),
        (float("nan"), ".nan", "null"),
    ],
)
def test_floats_have_the_form_that_go_gives_them(value: float, yaml: str, json_: str) -> None:
    """T4"""
    assert (yaml_float(value), json_float(value)) == (yaml, json_)


@steady
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_reads_back_as_the_same_float(value: float) -> None:
    """T4"""
    assert float(yaml_float(value)) == value
    assert float(json.loads(json_float(value))) == value
