"""Names of applications and units, and of what is kept of them."""

from __future__ import annotations

import pytest

from tenure.errors import BadName
from tenure.names import application_of, check_application, file_name, split_unit, unit_of_file


@pytest.mark.parametrize("name", ["a", "web", "my-app", "a1-b2c"])
def test_an_application_is_named_as_juju_has_it(name: str) -> None:
    assert check_application(name) == name


@pytest.mark.parametrize("name", ["", "1", "Web", "web-", "web-1", "a--b", "-a", "a b"])
def test_what_is_no_application_name_is_refused_with_what_is_allowed(name: str) -> None:
    with pytest.raises(BadName, match="is not an application name: use lower-case letters"):
        check_application(name)


@pytest.mark.parametrize("name", ["a" * 129, "a" * 10_000, f"{'a' * 127}/0"])
def test_a_name_that_is_too_long_is_refused_with_the_limit_and_not_repeated(name: str) -> None:
    with pytest.raises(
        BadName, match=r"at most 128 characters, and this one \d+ .*shorter"
    ) as told:
        application_of(name) if "/" in name else check_application(name)
    assert len(str(told.value)) < 150


def test_a_unit_is_its_application_and_a_number() -> None:
    assert split_unit("my-app/10") == ("my-app", 10)
    assert application_of("my-app/10") == "my-app"


@pytest.mark.parametrize(
    "unit", ["", "web", "web/", "web/01", "web/-1", "web/x", "web/0/1", "web-0"]
)
def test_what_is_no_unit_name_is_refused(unit: str) -> None:
    with pytest.raises(BadName, match='a unit is named like "web/0"'):
        split_unit(unit)


@pytest.mark.parametrize("unit", ["web/0", "my-app/10"])
def test_a_unit_is_known_by_the_name_of_its_folder(unit: str) -> None:
    assert unit_of_file(file_name(unit)) == unit


@pytest.mark.parametrize("name", ["", "web", "junk-x", "web-02", ".hidden", "-1"])
def test_a_folder_that_is_named_like_no_unit_is_no_unit_s(name: str) -> None:
    assert unit_of_file(name) is None
