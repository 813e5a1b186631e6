"""What a unit must know when its conversation begins."""

from __future__ import annotations

from tenure.core.application import Application, changed_keys
from tenure.core.charms import charm_given, configured
from tenure.core.peers import views
from tenure.wire.messages import UnitHello, UnitWelcome


def welcomed(application: Application, hello: UnitHello) -> UnitWelcome:
    """The unit is accepted, and this is so now. Nothing in it says who leads (G10)."""
    unit, charm = hello.unit, application.charm
    return UnitWelcome(
        unit=unit,
        revision=application.bucket.revision,
        changed_keys=changed_keys(application, hello.seen_revision),
        removing=application.units[unit].removing,
        peers=views(application, unit),
        config=configured(application, unit),
        charm=charm_given(charm, unit) if charm else None,
    )
