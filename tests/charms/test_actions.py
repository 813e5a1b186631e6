"""An action's parameters against its charm's schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tenure.charms.actions import ActionSpec, action_params
from tenure.errors import BadRequest

BACKUP = ActionSpec(
    params={
        "where": {"type": "string"},
        "level": {"type": "integer", "default": 3, "minimum": 1, "maximum": 9},
        "quick": {"type": "boolean"},
        "only": {"type": "array", "items": {"type": "string", "minLength": 2}, "maxItems": 2},
        "mode": {"enum": ["full", "part", 1]},
        "limits": {
            "type": "object",
            "properties": {
                "size": {"type": "number", "default": 0.5, "exclusiveMinimum": 0},
                "unit": {"type": ["string", "null"]},
            },
            "required": ["size"],
            "additionalProperties": False,
        },
        "anything": {},
    },
    required=("where",),
    additional=False,
)


def test_what_is_missing_gets_its_default_also_inside_objects() -> None:
    """As Juju fills them in."""
    assert action_params(BACKUP, {"where": "/x"}) == {
        "where": "/x",
        "level": 3,
        "limits": {"size": 0.5},
    }
    assert action_params(BACKUP, {"where": "/x", "level": 1, "limits": {"unit": "k"}}) == {
        "where": "/x",
        "level": 1,
        "limits": {"unit": "k", "size": 0.5},
    }


@pytest.mark.parametrize(
    "given",
    [
        {"level": 9, "quick": False, "only": ["ab", "cd"], "mode": "part"},
        {"level": 2.0, "mode": 1, "limits": {"size": 1, "unit": None}},
        {"anything": [None, {"x": 1}], "only": []},
    ],
)
def test_what_fits_is_taken_as_it_is(given: Mapping[str, Any]) -> None:
    """Beside the defaults."""
    found = action_params(BACKUP, {"where": "/x", **given})
    assert {key: found[key] for key in given} == {
        key: {"size": 0.5, **value} if key == "limits" else value for key, value in given.items()
    }


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, 'missing parameter "where": give it as where=VALUE'),
        ({"where": 5}, 'parameter "where" must be string, not 5'),
        ({"where": "/x", "level": "3"}, 'parameter "level" must be integer, not "3"'),
        ({"where": "/x", "level": 2.5}, 'parameter "level" must be integer, not 2.5'),
        ({"where": "/x", "level": True}, 'parameter "level" must be integer, not true'),
        ({"where": "/x", "quick": 1}, 'parameter "quick" must be boolean, not 1'),
        ({"where": "/x", "level": 0}, 'parameter "level" is 0: it must be 1 or more'),
        ({"where": "/x", "level": 10}, 'parameter "level" is 10: it must be 9 or less'),
        ({"where": "/x", "only": "x"}, 'parameter "only" must be array, not "x"'),
        ({"where": "/x", "only": ["ab", 5]}, 'parameter "only[1]" must be string, not 5'),
        ({"where": "/x", "only": ["a"]}, '"only[0]" is "a": it must have 2 characters or more'),
        ({"where": "/x", "only": ["ab"] * 3}, 'is a list: it must have 2 items or fewer'),
        ({"where": "/x", "mode": "p"}, 'is "p": it must be one of "full", "part", 1'),
        ({"where": "/x", "mode": True}, 'is true: it must be one of'),
        ({"where": "/x", "limits": {"size": 0}}, '"limits.size" is 0: it must be above 0'),
        ({"where": "/x", "limits": {"unit": 5}}, '"limits.unit" must be string or null, not 5'),
        ({"where": "/x", "limits": {"x": 5}}, 'unknown parameter "limits.x": it takes "limits'),
        ({"where": "/x", "limits": None}, 'parameter "limits" must be object, not null'),
        ({"where": "/x", "b": 1, "a": 1}, 'unknown parameter "a", "b": it takes "anything", "lev'),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_with_what_it_must_be(
    given: Mapping[str, Any], says: str
) -> None:
    """One line, and the action does not run."""
    with pytest.raises(BadRequest) as caught:
        action_params(BACKUP, given)
    assert says in str(caught.value)


def test_defaults_are_filled_in_after_the_checks_as_juju_does() -> None:
    """So a default that does not fit its own schema is no fault of the one who asks."""
    inner = {"u": {"default": "du"}, "v": {"type": "string"}}
    spec = ActionSpec(
        params={
            "none": {"type": "string", "default": None},
            "o": {"type": "object", "properties": inner, "required": ["v"]},
        }
    )
    assert action_params(spec, {}) == {"none": None, "o": {"u": "du"}}
    with pytest.raises(BadRequest, match=r'missing parameter "o\.v": give it as o\.v=V'):
        action_params(spec, {"o": {"u": "x"}})


def test_unknown_parameters_pass_unless_the_charm_says_no() -> None:
    """Juju's rule, which is also JSON schema's."""
    assert action_params(ActionSpec(), {"x": [1]}) == {"x": [1]}
    with pytest.raises(BadRequest, match='unknown parameter "x": it takes none'):
        action_params(ActionSpec(additional=False), {"x": 1})


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "date"},
        {"type": 5},
        {"pattern": "(?<"},
        {"pattern": "^[kM]$"},
        {"minimum": "x", "enum": 5, "maxLength": "y", "required": True},
        {"properties": 5},
        {"minimum": 0, "exclusiveMinimum": False},
    ],
)
def test_what_is_no_schema_demands_nothing(schema: Mapping[str, Any]) -> None:
    """A charm's slip is no reason to refuse its action; `pattern` is not looked at at all."""
    for value in ("text", 5):
        assert action_params(ActionSpec(params={"x": schema}), {"x": value}) == {"x": value}


def test_exclusive_bounds_may_be_flags_as_in_older_schemas() -> None:
    """Draft 4, which Juju speaks."""
    schema = {"minimum": 1, "exclusiveMinimum": True, "maximum": 3, "exclusiveMaximum": True}
    spec = ActionSpec(params={"x": schema})
    assert action_params(spec, {"x": 2}) == {"x": 2}
    for wrong, says in ((1, "it must be above 1"), (3, "it must be below 3")):
        with pytest.raises(BadRequest, match=says):
            action_params(spec, {"x": wrong})


def test_a_long_text_is_not_repeated() -> None:
    """It may be a password."""
    spec = ActionSpec(params={"x": {"type": "integer"}})
    with pytest.raises(BadRequest, match=r'parameter "x" must be integer, not a text$'):
        action_params(spec, {"x": "correct horse battery staple"})
