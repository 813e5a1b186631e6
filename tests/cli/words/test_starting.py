"""Waiting for the first hooks of units."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tenure.cli.words.options import operator_of
from tenure.cli.words.starting import Start
from tenure.client.watching import NotInTime
from tenure.wire.operators import Status
from tests.cli.commands.test_commands import CONTROLLER
from tests.cli.conftest import Desk


def test_units_that_an_unsure_status_does_not_show_are_waited_for(desk: Desk) -> None:
    """G7"""
    start = Start(desk.folder, operator_of(desk.folder), None)
    desk.controller.knows(Status(controller=CONTROLLER, applications={}))
    start.wait(0.0)
    unsure = replace(CONTROLLER, unsure="the disk is full")
    desk.controller.knows(Status(controller=unsure, applications={}))
    with pytest.raises(NotInTime, match="it is not known now: the disk is full"):
        start.wait(0.0)
