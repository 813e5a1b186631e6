"""The address of a unit.

All units are on one machine. Still each has an address of its own, so that charms can
tell their peers apart and may all listen on the same port: Linux answers on every address that
begins with 127, and a unit's follows from its name.
"""

from __future__ import annotations

import zlib

from tenure.names import split_unit

INTERFACE = "lo"
SUBNET = "127.0.0.0/8"
SUBNET_OF_ONE = "/32"

_PER_BLOCK = 250


def address_of(unit: str) -> str:
    """`127.A.B.C`: A follows from the application, B and C count its units. Raises BadName."""
    application, number = split_unit(unit)
    block, place = divmod(number, _PER_BLOCK)
    # 127.0 and 127.255 are left alone: other programs of a machine use the first
    return f"127.{1 + zlib.crc32(application.encode()) % 254}.{block % 256}.{1 + place}"
